//! What the program may need to do in AWS. The policy that it prints and the list in the documentation
//! follow from this table, and a test compares the table with the calls in the sources.

use serde_json::{Value, json};

/// The actions on one kind of resource.
#[derive(Clone, Copy, Debug)]
pub struct AwsPermission {
    /// What it is for.
    pub sid: &'static str,
    service: &'static str,
    actions: &'static [&'static str],
    resource: Resource,
}

#[derive(Clone, Copy, Debug)]
enum Resource {
    /// Both tables and their indexes.
    Tables,
    /// The table of workspaces.
    Workspaces,
    /// The stack.
    Stack,
    /// The keys of Roblox Open Cloud.
    Secrets,
    /// A copy of the table of bans.
    Copy,
    /// The stack's functions.
    Functions,
    /// What feeds functions from the stream.
    Mappings,
    /// Actions that know no resource.
    Any,
}

/// Everything that the program calls. A transaction needs the actions of its parts.
pub const PERMISSIONS: [AwsPermission; 11] = [
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
        sid: "EnforcementKeys",
        service: "secretsmanager",
        actions: &["GetSecretValue"],
        resource: Resource::Secrets,
    },
    AwsPermission {
        sid: "RestoreTable",
        service: "dynamodb",
        actions: &["Scan"],
        resource: Resource::Tables,
    },
    // The documentation names the copy after the stack.
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
    // AWS allows this to everyone; it stands here so that the list is whole.
    AwsPermission {
        sid: "WhoRunsIt",
        service: "sts",
        actions: &["GetCallerIdentity"],
        resource: Resource::Any,
    },
];

impl AwsPermission {
    /// The actions as IAM writes them, such as `dynamodb:GetItem`.
    pub fn actions(&self) -> impl Iterator<Item = String> {
        let service = self.service;
        self.actions
            .iter()
            .map(move |action| format!("{service}:{action}"))
    }
}

/// The policy that an operator of a stack needs.
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

    /// All sources below a folder.
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

    /// The operations that a source calls on a client of the SDK, as `get_item`.
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

    /// `GetItem` as the SDK's method: `get_item`.
    fn method(action: &str) -> String {
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
    fn every_call_in_the_sources_is_permitted() {
        let mut files = Vec::new();
        sources(&repository().join("cli/src"), &mut files);
        sources(&repository().join("shared/src/store"), &mut files);
        let secrets = repository().join("shared/src/secrets.rs");
        files.push(std::fs::read_to_string(secrets).unwrap());
        // The file of the functions' exports to S3, which the program does not use.
        files.retain(|source| !source.contains("aws_sdk_s3"));
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
        // Not an operation, or one with the actions of its parts.
        let others = ["clone", "transact_write_items"];
        for name in called
            .iter()
            .filter(|name| !others.contains(&name.as_str()))
        {
            assert!(permitted.contains(name), "{name} is missing in {}", file!());
        }
    }

    #[test]
    fn nothing_else_is_permitted() {
        let mut files = Vec::new();
        sources(&repository().join("cli/src"), &mut files);
        sources(&repository().join("shared/src"), &mut files);
        let called: BTreeSet<_> = files.iter().flat_map(|source| called(source)).collect();
        // Those of DynamoDB are compared with a run of the program, in `tests/it/workspaces.rs`.
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
    fn the_documentation_names_every_action() {
        let text = std::fs::read_to_string(repository().join("docs/operators.md")).unwrap();
        for action in PERMISSIONS.iter().flat_map(AwsPermission::actions) {
            assert!(
                text.contains(&format!("`{action}`")),
                "{action} is not documented"
            );
        }
    }

    #[test]
    fn a_policy_is_for_one_stack() {
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
