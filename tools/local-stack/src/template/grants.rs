//! What each function's role allows, flat, so that a test can compare it with what it should be.

use serde_json::{Map, Value};

use super::text;

/// One action on one resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// Such as `dynamodb:GetItem`. A policy by name has the action `managed-policy`, one of SAM's
    /// policy templates `policy-template`.
    pub action: String,
    /// The resource without region and account: `dynamodb:table/BansTable/index/pending-bans`,
    /// `s3:exports-bucket/*`, `sqs:FailureQueue`, or `*`.
    pub resource: String,
    /// The statement's `Condition` as JSON; empty if it has none.
    pub condition: String,
}

/// The grants of a function: its SAM policies and those of the role it names.
pub(super) fn read(id: &str, function: &Value, resources: &Map<String, Value>) -> Vec<Grant> {
    let mut grants = Vec::new();
    for policy in list(function.get("Policies")) {
        sam_policy(policy, &mut grants);
    }
    if let Some((id, role)) = role_of(function, resources) {
        for name in list(role.get("ManagedPolicyArns")) {
            grants.push(named("managed-policy", &render(name)));
        }
        for policy in list(role.get("Policies")) {
            document(policy.get("PolicyDocument"), &mut grants);
        }
        attached(id, resources, &mut grants);
    } else {
        // The role that SAM makes.
        attached(&format!("{id}Role"), resources, &mut grants);
    }
    grants.sort();
    grants.dedup();
    grants
}

/// The policies that say themselves which role they are for.
fn attached(role: &str, resources: &Map<String, Value>, grants: &mut Vec<Grant>) {
    for resource in resources.values() {
        let properties = resource.get("Properties").unwrap_or(&Value::Null);
        let attached = match text(resource, "Type") {
            Some("AWS::IAM::Policy" | "AWS::IAM::ManagedPolicy") => list(properties.get("Roles"))
                .iter()
                .any(|name| name.as_str() == Some(role)),
            Some("AWS::IAM::RolePolicy") => text(properties, "RoleName") == Some(role),
            _ => false,
        };
        if attached {
            document(properties.get("PolicyDocument"), grants);
        }
    }
}

/// The role a function names. References are followed already, so it is found by its name's end.
fn role_of<'a>(
    function: &Value,
    resources: &'a Map<String, Value>,
) -> Option<(&'a str, &'a Value)> {
    let name = text(function, "Role")?.rsplit('/').next()?;
    resources.iter().find_map(|(id, resource)| {
        let properties = resource.get("Properties")?;
        let own_name = text(properties, "RoleName").unwrap_or(id);
        (text(resource, "Type") == Some("AWS::IAM::Role") && (own_name == name || id == name))
            .then_some((id.as_str(), properties))
    })
}

fn sam_policy(policy: &Value, grants: &mut Vec<Grant>) {
    match policy {
        Value::String(name) => grants.push(named("managed-policy", name)),
        Value::Object(map) if map.contains_key("Statement") => document(Some(policy), grants),
        Value::Object(map) => {
            for (name, parameters) in map {
                let resource = format!("{name} {parameters}");
                grants.push(named("policy-template", &resource));
            }
        }
        _ => {}
    }
}

/// A policy document. `Deny` only narrows and is left out.
fn document(policy: Option<&Value>, grants: &mut Vec<Grant>) {
    for statement in list(policy.and_then(|p| p.get("Statement"))) {
        if text(statement, "Effect") != Some("Allow") {
            continue;
        }
        let condition = statement.get("Condition").map(Value::to_string);
        for action in list(statement.get("Action")) {
            for resource in list(statement.get("Resource")) {
                grants.push(Grant {
                    condition: condition.clone().unwrap_or_default(),
                    ..named(&render(action), &short(&render(resource)))
                });
            }
        }
    }
}

fn named(action: &str, resource: &str) -> Grant {
    Grant {
        action: action.to_owned(),
        resource: resource.to_owned(),
        condition: String::new(),
    }
}

fn render(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// `arn:aws:dynamodb:<region>:<account>:table/X` as `dynamodb:table/X`.
fn short(arn: &str) -> String {
    let parts: Vec<_> = arn.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", _, service, _, _, rest] => format!("{service}:{rest}"),
        _ => arn.to_owned(),
    }
}

/// IAM takes one value where a list is meant.
fn list(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::Array(items)) => items,
        Some(one) => std::slice::from_ref(one),
        None => &[],
    }
}
