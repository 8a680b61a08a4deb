//! The actions that each function may call, and on what.

pub const BANS: &str = "dynamodb:table/BansTable";
pub const WORKSPACES: &str = "dynamodb:table/WorkspacesTable";
pub const MIRROR: &str = "lambda:function:mirror-bans";
pub const STREAM: &str = "dynamodb:table/BansTable/stream/*";

/// Grants: a resource, and the actions on it.
pub type Grants = &'static [(&'static str, &'static [&'static str])];

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

pub const FILES: &str = "s3:evidence-bucket/*";

const READ_EVIDENCE: Grants = &[
    (WORKSPACES, &["dynamodb:GetItem", "dynamodb:UpdateItem"]),
    (BANS, &["dynamodb:GetItem"]),
    (FILES, &["s3:GetObject"]),
];

const READ_STREAM: &[&str] = &[
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
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

pub const ROLES: &[(&str, Grants)] = &[
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
    ("ban-async", DECIDE),
    ("unban-async", DECIDE),
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
        "evidence-create",
        &[
            (WORKSPACES, &["dynamodb:GetItem", "dynamodb:UpdateItem"]),
            (
                "dynamodb:table/BansTable/index/by-workspace",
                &["dynamodb:Query"],
            ),
            (
                BANS,
                &[
                    "dynamodb:ConditionCheckItem",
                    "dynamodb:GetItem",
                    "dynamodb:PutItem",
                    "dynamodb:UpdateItem",
                ],
            ),
            (FILES, &["s3:PutObject"]),
        ],
    ),
    ("evidence-get", READ_EVIDENCE),
    ("evidence-metadata", READ_EVIDENCE),
    (
        "evidence-update",
        &[
            (WORKSPACES, &["dynamodb:GetItem", "dynamodb:UpdateItem"]),
            (BANS, &["dynamodb:GetItem", "dynamodb:PutItem"]),
        ],
    ),
    (
        "evidence-delete",
        &[
            (WORKSPACES, &["dynamodb:GetItem", "dynamodb:UpdateItem"]),
            (
                BANS,
                &[
                    "dynamodb:DeleteItem",
                    "dynamodb:GetItem",
                    "dynamodb:PutItem",
                    "dynamodb:UpdateItem",
                ],
            ),
            (FILES, &["s3:DeleteObject"]),
        ],
    ),
    (
        "evidence-complete",
        &[
            (WORKSPACES, &["dynamodb:GetItem", "dynamodb:UpdateItem"]),
            (
                BANS,
                &[
                    "dynamodb:GetItem",
                    "dynamodb:PutItem",
                    "dynamodb:UpdateItem",
                ],
            ),
            (FILES, &["s3:DeleteObject", "s3:GetObject"]),
            ("s3:evidence-bucket", &["s3:ListBucket"]),
        ],
    ),
    (
        "ban-evidence",
        &[
            (WORKSPACES, &["dynamodb:GetItem", "dynamodb:UpdateItem"]),
            (
                "dynamodb:table/BansTable/index/by-workspace",
                &["dynamodb:Query"],
            ),
            (
                BANS,
                &[
                    "dynamodb:BatchGetItem",
                    "dynamodb:GetItem",
                    "dynamodb:Query",
                ],
            ),
        ],
    ),
    (
        "expire-evidence",
        &[
            (WORKSPACES, &["dynamodb:GetItem"]),
            ("dynamodb:table/BansTable/index/due", &["dynamodb:Query"]),
            (
                BANS,
                &[
                    "dynamodb:DeleteItem",
                    "dynamodb:GetItem",
                    "dynamodb:PutItem",
                    "dynamodb:UpdateItem",
                ],
            ),
            (FILES, &["s3:DeleteObject"]),
        ],
    ),
    (
        "quarantine-evidence",
        &[(BANS, &["dynamodb:GetItem", "dynamodb:PutItem"])],
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
    ("export-bans-json", EXPORT),
    ("export-bans-csv", EXPORT),
    (
        "mirror-bans",
        &[
            (WORKSPACES, &["dynamodb:Query", "dynamodb:UpdateItem"]),
            (
                "secretsmanager:secret:portcullis/local/*",
                &["secretsmanager:GetSecretValue"],
            ),
            (
                "dynamodb:table/BansTable/index/pending-bans",
                &["dynamodb:Query"],
            ),
            (
                "dynamodb:table/BansTable/index/pending-unbans",
                &["dynamodb:Query"],
            ),
            ("dynamodb:table/BansTable/index/due", &["dynamodb:Query"]),
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
            (MIRROR, &["lambda:InvokeFunction"]),
        ],
    ),
    (
        "publish-events",
        &[
            (WORKSPACES, &["dynamodb:Query"]),
            (MIRROR, &["lambda:InvokeFunction"]),
            (
                BANS,
                &[
                    "dynamodb:BatchGetItem",
                    "dynamodb:PutItem",
                    "dynamodb:UpdateItem",
                ],
            ),
            (STREAM, READ_STREAM),
            (
                "lambda:function:deliver-webhooks",
                &["lambda:InvokeFunction"],
            ),
            ("sqs:FailureQueue", &["sqs:SendMessage"]),
        ],
    ),
    (
        "expire-bans",
        &[
            (WORKSPACES, &["dynamodb:GetItem"]),
            ("dynamodb:table/BansTable/index/due", &["dynamodb:Query"]),
            (
                BANS,
                &[
                    "dynamodb:GetItem",
                    "dynamodb:PutItem",
                    "dynamodb:UpdateItem",
                ],
            ),
        ],
    ),
    (
        "spread-decisions",
        &[
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
            (
                "dynamodb:table/BansTable/index/by-experience",
                &["dynamodb:Query"],
            ),
            (STREAM, READ_STREAM),
            ("sqs:FailureQueue", &["sqs:SendMessage"]),
        ],
    ),
    (
        "deliver-webhooks",
        &[
            (
                WORKSPACES,
                &["dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"],
            ),
            (
                BANS,
                &[
                    "dynamodb:BatchGetItem",
                    "dynamodb:GetItem",
                    "dynamodb:Query",
                    "dynamodb:UpdateItem",
                ],
            ),
            ("dynamodb:table/BansTable/index/due", &["dynamodb:Query"]),
            ("dynamodb:table/BansTable/index/events", &["dynamodb:Query"]),
            (
                "lambda:function:deliver-webhooks",
                &["lambda:InvokeFunction"],
            ),
        ],
    ),
    ("not-found", &[]),
];
