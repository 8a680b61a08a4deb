//! The AWS permissions that the command needs. `iam-policy` prints them; tests compare them with the SDK
//! calls in the sources and with the documentation.

use serde_json::{Value, json};

/// Allowed actions on one kind of resource.
#[derive(Clone, Copy, Debug)]
pub struct AwsPermission {
    /// The statement id, which says what the permission is for.
    pub sid: &'static str,
    service: &'static str,
    actions: &'static [&'static str],
    resource: Resource,
}

#[derive(Clone, Copy, Debug)]
enum Resource {
    /// Both tables and their indexes.
    Tables,
    /// The workspaces table and its indexes.
    Workspaces,
    /// The stack.
    Stack,
    /// The files of evidence.
    EvidenceFiles,
    /// The buckets of evidence and exports.
    Buckets,
    /// The secrets with keys for Roblox Open Cloud.
    Secrets,
    /// A restored copy of the bans table.
    Copy,
    /// The stack's functions.
    Functions,
    /// The event source mappings of the table's stream.
    Mappings,
    /// Actions without resource-level permissions.
    Any,
}

/// All permissions. A transaction needs the actions of its parts.
pub const PERMISSIONS: [AwsPermission; 13] = [
    AwsPermission {
        sid: "Tables",
        service: "dynamodb",
        actions: &[
            "GetItem",
            "BatchGetItem",
            "Query",
            "PutItem",
            "UpdateItem",
            "DeleteItem",
            "BatchWriteItem",
            "ConditionCheckItem",
            "DescribeTable",
            "DescribeTimeToLive",
            "DescribeContinuousBackups",
        ],
        resource: Resource::Tables,
    },
    AwsPermission {
        sid: "ListWorkspaces",
        service: "dynamodb",
        actions: &["Scan"],
        resource: Resource::Workspaces,
    },
    AwsPermission {
        sid: "StackOutputs",
        service: "cloudformation",
        actions: &["DescribeStacks"],
        resource: Resource::Stack,
    },
    AwsPermission {
        sid: "DoctorStream",
        service: "lambda",
        actions: &["ListEventSourceMappings"],
        resource: Resource::Any,
    },
    AwsPermission {
        sid: "MirrorKeys",
        service: "secretsmanager",
        actions: &["GetSecretValue"],
        resource: Resource::Secrets,
    },
    AwsPermission {
        sid: "EvidenceFiles",
        service: "s3",
        actions: &["GetObject", "PutObject", "DeleteObject"],
        resource: Resource::EvidenceFiles,
    },
    AwsPermission {
        sid: "DoctorBuckets",
        service: "s3",
        actions: &[
            "ListBucket",
            "GetBucketPublicAccessBlock",
            "GetBucketVersioning",
            "GetBucketObjectLockConfiguration",
            "GetLifecycleConfiguration",
            "GetBucketPolicy",
        ],
        resource: Resource::Buckets,
    },
    AwsPermission {
        sid: "RestoreTable",
        service: "dynamodb",
        actions: &["Scan"],
        resource: Resource::Tables,
    },
    // docs/operations.md gives the copy a name that begins with the stack's.
    AwsPermission {
        sid: "RestoreCopy",
        service: "dynamodb",
        actions: &["Scan", "Query", "GetItem", "BatchGetItem"],
        resource: Resource::Copy,
    },
    AwsPermission {
        sid: "RestoreStack",
        service: "cloudformation",
        actions: &["GetTemplate", "ListStackResources"],
        resource: Resource::Stack,
    },
    AwsPermission {
        sid: "RestoreFunctions",
        service: "lambda",
        actions: &[
            "GetFunctionConcurrency",
            "PutFunctionConcurrency",
            "DeleteFunctionConcurrency",
        ],
        resource: Resource::Functions,
    },
    AwsPermission {
        sid: "RestoreMappings",
        service: "lambda",
        actions: &["GetEventSourceMapping", "UpdateEventSourceMapping"],
        resource: Resource::Mappings,
    },
    // AWS allows this to everyone; listed for completeness.
    AwsPermission {
        sid: "WhoRunsIt",
        service: "sts",
        actions: &["GetCallerIdentity"],
        resource: Resource::Any,
    },
];

impl AwsPermission {
    /// The actions in IAM's form, such as `dynamodb:GetItem`.
    pub fn actions(&self) -> impl Iterator<Item = String> {
        let service = self.service;
        self.actions
            .iter()
            .map(move |action| format!("{service}:{action}"))
    }
}

/// The IAM policy for operators of a stack.
pub fn policy(stack: &str) -> Value {
    let table = |name: &str| format!("arn:aws:dynamodb:*:*:table/{stack}-{name}-*");
    let statements = PERMISSIONS.iter().map(|permission| {
        let resources = match permission.resource {
            Resource::Tables => {
                let tables = [table("BansTable"), table("WorkspacesTable")];
                let indexes = tables.iter().map(|table| format!("{table}/index/*"));
                tables.iter().cloned().chain(indexes).collect()
            }
            Resource::Workspaces => vec![table("WorkspacesTable")],
            Resource::Stack => vec![format!("arn:aws:cloudformation:*:*:stack/{stack}/*")],
            Resource::Secrets => {
                vec![format!(
                    "arn:aws:secretsmanager:*:*:secret:portcullis/{stack}/*"
                )]
            }
            // CloudFormation makes the names of buckets lower case.
            Resource::EvidenceFiles => {
                let stack = stack.to_lowercase();
                vec![format!("arn:aws:s3:::{stack}-evidencebucket-*/*")]
            }
            Resource::Buckets => {
                let stack = stack.to_lowercase();
                let named = |bucket| format!("arn:aws:s3:::{stack}-{bucket}-*");
                ["evidencebucket", "exportsbucket"].map(named).to_vec()
            }
            Resource::Copy => vec![format!("arn:aws:dynamodb:*:*:table/{stack}-*")],
            Resource::Functions => vec![format!("arn:aws:lambda:*:*:function:{stack}-*")],
            Resource::Mappings => vec!["arn:aws:lambda:*:*:event-source-mapping:*".to_owned()],
            Resource::Any => vec!["*".to_owned()],
        };
        json!({
            "Sid": permission.sid,
            "Effect": "Allow",
            "Action": permission.actions().collect::<Vec<_>>(),
            "Resource": resources,
        })
    });
    json!({ "Version": "2012-10-17", "Statement": statements.collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::*;

    fn repository() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
    }

    /// Reads all sources below a folder.
    fn sources(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                found.push(std::fs::read_to_string(path).unwrap());
            }
        }
    }

    /// The operations that a source calls on SDK clients, such as `get_item`.
    fn called(source: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for (at, _) in source.match_indices("client") {
            let rest = source.get(at + "client".len()..).unwrap();
            let rest = rest.strip_prefix("()").unwrap_or(rest).trim_start();
            let Some(rest) = rest.strip_prefix('.') else {
                continue;
            };
            let name: String = rest
                .chars()
                .take_while(|letter| letter.is_ascii_lowercase() || *letter == '_')
                .collect();
            if rest.get(name.len()..).unwrap().starts_with("()") {
                found.insert(name);
            }
        }
        found
    }

    /// The SDK method of an action: `get_item` for `GetItem`. S3 has other names for some.
    fn method(action: &str) -> String {
        let action = match action {
            "ListBucket" => "HeadBucket",
            "GetBucketPublicAccessBlock" => "GetPublicAccessBlock",
            "GetBucketObjectLockConfiguration" => "GetObjectLockConfiguration",
            "GetLifecycleConfiguration" => "GetBucketLifecycleConfiguration",
            other => other,
        };
        let mut name = String::new();
        for letter in action.chars() {
            if letter.is_ascii_uppercase() && !name.is_empty() {
                name.push('_');
            }
            name.push(letter.to_ascii_lowercase());
        }
        name
    }

    #[test]
    fn policy_permits_every_sdk_call() {
        let mut files = Vec::new();
        sources(&repository().join("shared/src/store"), &mut files);
        let secrets = repository().join("shared/src/integrations/secrets.rs");
        files.push(std::fs::read_to_string(secrets).unwrap());
        // Only functions export to S3, and three actions are enough for evidence: S3 checks HeadObject as
        // GetObject.
        files.retain(|source| !source.contains("aws_sdk_s3"));
        sources(&repository().join("cli/src"), &mut files);
        let called: BTreeSet<_> = files.iter().flat_map(|source| called(source)).collect();
        let permitted: BTreeSet<_> = PERMISSIONS
            .iter()
            .flat_map(|permission| permission.actions.iter().map(|action| method(action)))
            .collect();
        for name in [
            "get_item",
            "query",
            "batch_write_item",
            "describe_stacks",
            "get_caller_identity",
        ] {
            assert!(
                called.contains(name),
                "the test does not see {name}: {called:?}"
            );
        }
        // `clone` is no operation, and a transaction needs the actions of its parts.
        let others = ["clone", "transact_write_items"];
        for name in called
            .iter()
            .filter(|name| !others.contains(&name.as_str()))
        {
            assert!(permitted.contains(name), "{name} is missing in {}", file!());
        }
    }

    #[test]
    fn policy_permits_only_actual_calls() {
        let mut files = Vec::new();
        sources(&repository().join("cli/src"), &mut files);
        sources(&repository().join("shared/src"), &mut files);
        let called: BTreeSet<_> = files.iter().flat_map(|source| called(source)).collect();
        // `tests/it/workspaces.rs` covers DynamoDB: it records the calls of the real command.
        let others = PERMISSIONS
            .iter()
            .filter(|permission| permission.service != "dynamodb");
        for action in others.flat_map(|permission| permission.actions) {
            assert!(
                called.contains(&method(action)),
                "{action} is called nowhere"
            );
        }
    }

    #[test]
    fn documentation_lists_every_action() {
        let text = std::fs::read_to_string(repository().join("docs/operators.md")).unwrap();
        for action in PERMISSIONS.iter().flat_map(AwsPermission::actions) {
            assert!(
                text.contains(&format!("`{action}`")),
                "{action} is not documented"
            );
        }
    }

    #[test]
    fn policy_covers_one_stack() {
        let policy = policy("staging").to_string();
        assert!(
            policy.contains("table/staging-BansTable-*/index/*"),
            "{policy}"
        );
        assert!(policy.contains("stack/staging/*"), "{policy}");
        assert!(policy.contains("secret:portcullis/staging/*"), "{policy}");
        assert!(!policy.contains("\"dynamodb:*\""), "{policy}");
    }
}
