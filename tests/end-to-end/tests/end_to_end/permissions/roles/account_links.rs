//! The functions about account links.

use super::{BANS, Role, WORKSPACES};

const KEYS: (&str, &[&str]) = (WORKSPACES, &["dynamodb:GetItem", "dynamodb:UpdateItem"]);

pub const ROLES: &[Role] = &[
    ("link-get", &[KEYS, (BANS, &["dynamodb:GetItem"])]),
    ("links-lookup", &[KEYS, (BANS, &["dynamodb:BatchGetItem"])]),
    (
        "link-codes",
        &[
            KEYS,
            (
                BANS,
                &[
                    "dynamodb:DeleteItem",
                    "dynamodb:GetItem",
                    "dynamodb:PutItem",
                ],
            ),
        ],
    ),
    (
        "link-redeem",
        &[
            KEYS,
            (
                BANS,
                &[
                    "dynamodb:BatchGetItem",
                    "dynamodb:DeleteItem",
                    "dynamodb:GetItem",
                    "dynamodb:PutItem",
                    "dynamodb:UpdateItem",
                ],
            ),
        ],
    ),
    (
        "link-import",
        &[
            KEYS,
            (
                BANS,
                &[
                    "dynamodb:BatchGetItem",
                    "dynamodb:DeleteItem",
                    "dynamodb:GetItem",
                    "dynamodb:PutItem",
                ],
            ),
        ],
    ),
];
