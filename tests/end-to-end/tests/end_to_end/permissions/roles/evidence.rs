//! The functions about evidence, with and without a route.

use super::{BANS, FILES, Grants, Role, WORKSPACES};

const READ_EVIDENCE: Grants = &[
    (WORKSPACES, &["dynamodb:GetItem", "dynamodb:UpdateItem"]),
    (BANS, &["dynamodb:GetItem"]),
    (FILES, &["s3:GetObject"]),
];

pub const ROLES: &[Role] = &[
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
];
