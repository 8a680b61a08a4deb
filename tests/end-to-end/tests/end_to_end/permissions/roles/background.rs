//! The functions without a route, without those about evidence.

use super::routes::DISCORD_BANS;
use super::{BANS, FILES, Role, SNAPSHOTS, STREAM, WORKSPACES};

const BUILDER: &str = "lambda:function:build-snapshots";
const MIRROR: &str = "lambda:function:mirror-bans";

/// With the update that records ranks.
const DISCORD_WORKER_WORKSPACES: &[&str] = &[
    "dynamodb:BatchGetItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
];

const READ_STREAM: &[&str] = &[
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
];

pub const ROLES: &[Role] = &[
    (
        "discord-worker",
        &[
            (WORKSPACES, DISCORD_WORKER_WORKSPACES),
            (
                "secretsmanager:secret:portcullis/local/discord-bot-token-??????",
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
            (
                "dynamodb:table/BansTable/index/pending-bans",
                &["dynamodb:Query"],
            ),
            (
                "dynamodb:table/BansTable/index/pending-unbans",
                &["dynamodb:Query"],
            ),
            (BANS, DISCORD_BANS),
            (FILES, &["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]),
            ("s3:evidence-bucket", &["s3:ListBucket"]),
        ],
    ),
    (
        "bind-key",
        &[
            (
                WORKSPACES,
                &[
                    "dynamodb:BatchGetItem",
                    "dynamodb:GetItem",
                    "dynamodb:Query",
                    "dynamodb:UpdateItem",
                ],
            ),
            (BANS, &["dynamodb:PutItem", "dynamodb:Query"]),
            (
                "secretsmanager:secret:portcullis/local/bound/*",
                &[
                    "secretsmanager:CreateSecret",
                    "secretsmanager:DescribeSecret",
                    "secretsmanager:PutSecretValue",
                    "secretsmanager:UpdateSecretVersionStage",
                ],
            ),
        ],
    ),
    (
        "sync-roles",
        &[
            (
                WORKSPACES,
                &["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"],
            ),
            (
                "secretsmanager:secret:portcullis/local/discord-bot-token-??????",
                &["secretsmanager:GetSecretValue"],
            ),
            (
                BANS,
                &[
                    "dynamodb:BatchGetItem",
                    "dynamodb:GetItem",
                    "dynamodb:Query",
                ],
            ),
            ("dynamodb:table/BansTable/index/events", &["dynamodb:Query"]),
        ],
    ),
    (
        "watch-guilds",
        &[
            (
                "secretsmanager:secret:portcullis/local/discord-bot-token-??????",
                &["secretsmanager:GetSecretValue"],
            ),
            (
                WORKSPACES,
                &["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"],
            ),
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
            ("dynamodb:table/BansTable/index/events", &["dynamodb:Query"]),
        ],
    ),
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
            (BUILDER, &["lambda:InvokeFunction"]),
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
        "build-snapshots",
        &[
            ("dynamodb:table/BansTable/index/due", &["dynamodb:Query"]),
            (
                "dynamodb:table/BansTable/index/by-workspace",
                &["dynamodb:Query"],
            ),
            ("dynamodb:table/BansTable/index/events", &["dynamodb:Query"]),
            (
                BANS,
                &[
                    "dynamodb:BatchGetItem",
                    "dynamodb:DeleteItem",
                    "dynamodb:GetItem",
                    "dynamodb:Query",
                    "dynamodb:UpdateItem",
                ],
            ),
            (
                SNAPSHOTS,
                &["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
            ),
            ("s3:snapshot-bucket", &["s3:ListBucket"]),
            ("sqs:FailureQueue", &["sqs:GetQueueAttributes"]),
            (BUILDER, &["lambda:InvokeFunction"]),
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
];
