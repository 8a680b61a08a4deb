//! The functions of routes, without those about evidence.

use super::{BANS, FILES, Grants, Role, SNAPSHOTS, WORKSPACES};

const EXPORT: Grants = &[
    (WORKSPACES, &["dynamodb:GetItem", "dynamodb:UpdateItem"]),
    (
        "dynamodb:table/BansTable/index/by-workspace",
        &["dynamodb:Query"],
    ),
    (
        "dynamodb:table/BansTable/index/by-experience",
        &["dynamodb:Query"],
    ),
    (BANS, &["dynamodb:GetItem"]),
    ("s3:exports-bucket/*", &["s3:GetObject", "s3:PutObject"]),
];

/// What commands on Discord do in each table.
pub const DISCORD_WORKSPACES: &[&str] = &[
    "dynamodb:BatchGetItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
];
pub const DISCORD_BANS: &[&str] = &[
    "dynamodb:BatchGetItem",
    "dynamodb:ConditionCheckItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
];

const DECIDE: Grants = &[
    (WORKSPACES, &["dynamodb:GetItem", "dynamodb:UpdateItem"]),
    (
        BANS,
        &[
            "dynamodb:BatchGetItem",
            "dynamodb:ConditionCheckItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:Query",
            "dynamodb:UpdateItem",
        ],
    ),
];

pub const ROLES: &[Role] = &[
    (
        "is-banned",
        &[
            (
                WORKSPACES,
                &[
                    "dynamodb:BatchGetItem",
                    "dynamodb:GetItem",
                    "dynamodb:UpdateItem",
                ],
            ),
            (
                BANS,
                &[
                    "dynamodb:BatchGetItem",
                    "dynamodb:Query",
                    "dynamodb:UpdateItem",
                ],
            ),
        ],
    ),
    (
        "is-banned-batch",
        &[
            (WORKSPACES, &["dynamodb:GetItem", "dynamodb:UpdateItem"]),
            (
                BANS,
                &[
                    "dynamodb:BatchGetItem",
                    "dynamodb:GetItem",
                    "dynamodb:UpdateItem",
                ],
            ),
        ],
    ),
    ("ban-async", DECIDE),
    ("unban-async", DECIDE),
    ("bans-bulk", DECIDE),
    (
        "unbans-bulk",
        &[
            (WORKSPACES, &["dynamodb:GetItem", "dynamodb:UpdateItem"]),
            (
                BANS,
                &[
                    "dynamodb:BatchGetItem",
                    "dynamodb:ConditionCheckItem",
                    "dynamodb:GetItem",
                    "dynamodb:PutItem",
                    "dynamodb:UpdateItem",
                ],
            ),
        ],
    ),
    (
        "reports",
        &[
            (WORKSPACES, &["dynamodb:GetItem", "dynamodb:UpdateItem"]),
            (
                BANS,
                &[
                    "dynamodb:BatchGetItem",
                    "dynamodb:ConditionCheckItem",
                    "dynamodb:GetItem",
                    "dynamodb:PutItem",
                    "dynamodb:UpdateItem",
                ],
            ),
        ],
    ),
    (
        "pending-bans",
        &[
            (WORKSPACES, &["dynamodb:GetItem", "dynamodb:UpdateItem"]),
            (
                "dynamodb:table/BansTable/index/pending-bans",
                &["dynamodb:Query"],
            ),
            (
                BANS,
                &[
                    "dynamodb:BatchGetItem",
                    "dynamodb:GetItem",
                    "dynamodb:UpdateItem",
                ],
            ),
        ],
    ),
    (
        "pending-unbans",
        &[
            (WORKSPACES, &["dynamodb:GetItem", "dynamodb:UpdateItem"]),
            (
                "dynamodb:table/BansTable/index/pending-unbans",
                &["dynamodb:Query"],
            ),
            (
                BANS,
                &[
                    "dynamodb:BatchGetItem",
                    "dynamodb:GetItem",
                    "dynamodb:UpdateItem",
                ],
            ),
        ],
    ),
    (
        "bans",
        &[
            (WORKSPACES, &["dynamodb:GetItem", "dynamodb:UpdateItem"]),
            (BANS, &["dynamodb:GetItem", "dynamodb:Query"]),
            (
                "dynamodb:table/BansTable/index/by-workspace",
                &["dynamodb:Query"],
            ),
            (
                "dynamodb:table/BansTable/index/by-experience",
                &["dynamodb:Query"],
            ),
        ],
    ),
    (
        "ban-history",
        &[
            (WORKSPACES, &["dynamodb:GetItem", "dynamodb:UpdateItem"]),
            (BANS, &["dynamodb:Query"]),
            (
                "dynamodb:table/BansTable/index/by-workspace",
                &["dynamodb:Query"],
            ),
        ],
    ),
    (
        "roblox-webhook",
        &[
            (WORKSPACES, &["dynamodb:GetItem", "dynamodb:Query"]),
            (
                BANS,
                &[
                    "dynamodb:BatchGetItem",
                    "dynamodb:ConditionCheckItem",
                    "dynamodb:DeleteItem",
                    "dynamodb:GetItem",
                    "dynamodb:PutItem",
                    "dynamodb:Query",
                    "dynamodb:UpdateItem",
                ],
            ),
        ],
    ),
    (
        "group-role",
        &[
            (WORKSPACES, &["dynamodb:GetItem", "dynamodb:UpdateItem"]),
            (
                "secretsmanager:secret:portcullis/local/*",
                &["secretsmanager:GetSecretValue"],
            ),
            (BANS, &["dynamodb:GetItem", "dynamodb:PutItem"]),
        ],
    ),
    (
        "events",
        &[
            (WORKSPACES, &["dynamodb:GetItem", "dynamodb:UpdateItem"]),
            ("dynamodb:table/BansTable/index/events", &["dynamodb:Query"]),
            (BANS, &["dynamodb:BatchGetItem"]),
        ],
    ),
    (
        "sync",
        &[
            (WORKSPACES, &["dynamodb:GetItem", "dynamodb:UpdateItem"]),
            ("dynamodb:table/BansTable/index/events", &["dynamodb:Query"]),
            (BANS, &["dynamodb:BatchGetItem"]),
        ],
    ),
    (
        "snapshot",
        &[
            (WORKSPACES, &["dynamodb:GetItem", "dynamodb:UpdateItem"]),
            (
                BANS,
                &[
                    "dynamodb:BatchGetItem",
                    "dynamodb:PutItem",
                    "dynamodb:UpdateItem",
                ],
            ),
            (SNAPSHOTS, &["s3:GetObject"]),
            ("s3:snapshot-bucket", &["s3:ListBucket"]),
        ],
    ),
    ("export-bans-json", EXPORT),
    ("export-bans-csv", EXPORT),
    (
        "console",
        &[
            (
                WORKSPACES,
                &[
                    "dynamodb:BatchGetItem",
                    "dynamodb:DeleteItem",
                    "dynamodb:GetItem",
                    "dynamodb:PutItem",
                    "dynamodb:Query",
                    "dynamodb:UpdateItem",
                ],
            ),
            (
                "dynamodb:table/WorkspacesTable/index/keys-by-workspace",
                &["dynamodb:Query"],
            ),
            (
                "secretsmanager:secret:portcullis/local/discord-bot-token-??????",
                &["secretsmanager:GetSecretValue"],
            ),
            (
                "secretsmanager:secret:portcullis/local/discord-client-secret-??????",
                &["secretsmanager:GetSecretValue"],
            ),
            (
                "dynamodb:table/BansTable/index/by-workspace",
                &["dynamodb:Query"],
            ),
            (
                "dynamodb:table/BansTable/index/by-experience",
                &["dynamodb:Query"],
            ),
            ("dynamodb:table/BansTable/index/events", &["dynamodb:Query"]),
            (
                BANS,
                &[
                    "dynamodb:BatchGetItem",
                    "dynamodb:ConditionCheckItem",
                    "dynamodb:DeleteItem",
                    "dynamodb:GetItem",
                    "dynamodb:PutItem",
                    "dynamodb:Query",
                    "dynamodb:UpdateItem",
                ],
            ),
            (FILES, &["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]),
            ("s3:evidence-bucket", &["s3:ListBucket"]),
        ],
    ),
    (
        "console-settings",
        &[
            (
                WORKSPACES,
                &[
                    "dynamodb:BatchGetItem",
                    "dynamodb:DeleteItem",
                    "dynamodb:GetItem",
                    "dynamodb:PutItem",
                    "dynamodb:Query",
                    "dynamodb:UpdateItem",
                ],
            ),
            (
                "dynamodb:table/WorkspacesTable/index/keys-by-workspace",
                &["dynamodb:Query"],
            ),
            (
                "secretsmanager:secret:portcullis/local/discord-bot-token-??????",
                &["secretsmanager:GetSecretValue"],
            ),
            (
                "dynamodb:table/BansTable/index/decisions-by-key",
                &["dynamodb:Query"],
            ),
            ("dynamodb:table/BansTable/index/events", &["dynamodb:Query"]),
            (
                "dynamodb:table/BansTable/index/pending-bans",
                &["dynamodb:Query"],
            ),
            (
                "dynamodb:table/BansTable/index/pending-unbans",
                &["dynamodb:Query"],
            ),
            (
                BANS,
                &[
                    "dynamodb:BatchGetItem",
                    "dynamodb:BatchWriteItem",
                    "dynamodb:ConditionCheckItem",
                    "dynamodb:DeleteItem",
                    "dynamodb:GetItem",
                    "dynamodb:PutItem",
                    "dynamodb:Query",
                    "dynamodb:UpdateItem",
                ],
            ),
        ],
    ),
    (
        "discord-interactions",
        &[
            (WORKSPACES, DISCORD_WORKSPACES),
            (
                "dynamodb:table/BansTable/index/by-workspace",
                &["dynamodb:Query"],
            ),
            (
                "dynamodb:table/BansTable/index/by-experience",
                &["dynamodb:Query"],
            ),
            (
                "dynamodb:table/BansTable/index/pending-bans",
                &["dynamodb:Query"],
            ),
            (
                "dynamodb:table/BansTable/index/pending-unbans",
                &["dynamodb:Query"],
            ),
            (BANS, DISCORD_BANS),
            ("lambda:function:discord-worker", &["lambda:InvokeFunction"]),
            ("lambda:function:bind-key", &["lambda:InvokeFunction"]),
        ],
    ),
    ("not-found", &[]),
];
