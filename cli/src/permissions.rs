//! The AWS policies of operators and deployers. `docs/policies` has them; tests compare them with the SDK calls
//! in the sources.

const OPERATOR: &str = include_str!("../../docs/policies/operator.json");
const DEPLOYER: &str = include_str!("../../docs/policies/deployer.json");

/// The IAM policy for operators of a stack, as JSON.
pub fn operator(stack: &str) -> String {
    of_stack(OPERATOR, stack)
}

/// The IAM policy for those who deploy a stack, as JSON.
pub fn deployer(stack: &str) -> String {
    of_stack(DEPLOYER, stack)
}

/// CloudFormation makes the names of buckets lower case.
fn of_stack(policy: &str, stack: &str) -> String {
    let policy = policy.replace("STACK_IN_LOWER_CASE", &stack.to_lowercase());
    policy.replace("STACK", stack)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use serde_json::Value;

    use super::*;

    /// The actions of a policy, such as `dynamodb:GetItem`.
    fn actions(policy: &str) -> BTreeSet<String> {
        let policy: Value = serde_json::from_str(policy).unwrap();
        let statements = policy["Statement"].as_array().unwrap().iter();
        let actions = statements.flat_map(|statement| statement["Action"].as_array().unwrap());
        actions
            .map(|action| action.as_str().unwrap().to_owned())
            .collect()
    }

    /// The SDK methods of a policy's actions.
    fn permitted(policy: &str) -> BTreeSet<String> {
        let actions = actions(policy).into_iter();
        actions
            .map(|action| method(action.split_once(':').unwrap().1))
            .collect()
    }

    fn repository() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
    }

    /// Reads all sources below a folder, without those of `portcullis deploy`.
    fn sources(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("commands/deploy") {
                sources(&path, found);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                found.push(std::fs::read_to_string(path).unwrap());
            }
        }
    }

    /// The operations that a source calls on SDK clients, such as `get_item`.
    fn called(source: &str) -> BTreeSet<String> {
        let objects = source.split("ObjectRequest::new(\"").skip(1);
        let objects = objects.filter_map(|rest| rest.split('"').next());
        let objects = objects.map(|method| format!("{}_object", method.to_lowercase()));
        // In two parts, so that it is not found here.
        let call = concat!("aws_call::", "operation(config, &");
        let named = source.split(call).skip(1);
        let named = named.filter_map(|rest| rest.split('"').nth(1)).map(method);
        let mut found: BTreeSet<_> = objects.chain(named).collect();
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
            "PutBucketPublicAccessBlock" => "PutPublicAccessBlock",
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
        files.retain(|source| !source.contains("ObjectRequest"));
        sources(&repository().join("cli/src"), &mut files);
        let called: BTreeSet<_> = files.iter().flat_map(|source| called(source)).collect();
        let permitted = permitted(OPERATOR);
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
        for action in actions(OPERATOR)
            .iter()
            .filter(|action| !action.starts_with("dynamodb:"))
        {
            assert!(
                called.contains(&method(action.split_once(':').unwrap().1)),
                "{action} is called nowhere"
            );
        }
    }

    #[test]
    fn deployer_policy_permits_every_sdk_call_of_deploy() {
        let mut files = Vec::new();
        sources(&repository().join("cli/src/commands/deploy"), &mut files);
        let called: BTreeSet<_> = files.iter().flat_map(|source| called(source)).collect();
        assert!(called.contains("create_change_set"), "{called:?}");
        let mut permitted = permitted(DEPLOYER);
        // S3 checks HeadObject as GetObject, and the policy has DynamoDB's `Describe*`.
        permitted.extend(["head_object", "describe_table"].map(str::to_owned));
        for name in called {
            assert!(
                permitted.contains(&name),
                "{name} is missing in docs/policies/deployer.json"
            );
        }
    }

    #[test]
    fn policies_fit_into_a_managed_policy_of_one_stack() {
        for policy in [operator("Staging"), deployer("Staging")] {
            // IAM's limit, without white space.
            let size = policy.split_whitespace().map(str::len).sum::<usize>();
            assert!(size <= 6_144, "{size}");
            assert!(!policy.contains("STACK"), "{policy}");
            assert!(policy.contains("stack/Staging/*"), "{policy}");
            assert!(policy.contains("arn:aws:s3:::staging-"), "{policy}");
            assert!(!policy.contains("\"dynamodb:*\""), "{policy}");
        }
        assert!(operator("Staging").contains("secret:portcullis/Staging/*"));
    }
}
