//! Flattens the permissions of each function's role, so that a test can compare them.

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
    /// The `Condition` of the statement as JSON, or empty.
    pub condition: String,
}

/// The grants of a function: its SAM policies and those of the role it names.
pub(super) fn read(id: &str, function: &Value, resources: &Map<String, Value>) -> Vec<Grant> {
    let mut grants = Vec::new();
    for policy in list(function.get("Policies")) {
        sam_policy(policy, resources, &mut grants);
    }
    if let Some((id, role)) = role_of(function, resources) {
        for name in list(role.get("ManagedPolicyArns")) {
            managed(&render(name), resources, &mut grants);
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

/// The policies that attach themselves to a role.
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

/// The role that a function refers to. References are already resolved, so it is found by the end of
/// its name.
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

/// A managed policy: its statements if the template defines it, otherwise its name.
fn managed(name: &str, resources: &Map<String, Value>, grants: &mut Vec<Grant>) {
    let defined = resources
        .get(name)
        .filter(|resource| text(resource, "Type") == Some("AWS::IAM::ManagedPolicy"))
        .and_then(|resource| resource.pointer("/Properties/PolicyDocument"));
    match defined {
        Some(policy) => document(Some(policy), grants),
        None => grants.push(named("managed-policy", name)),
    }
}

fn sam_policy(policy: &Value, resources: &Map<String, Value>, grants: &mut Vec<Grant>) {
    match policy {
        Value::String(name) => managed(name, resources, grants),
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

/// A policy document, without `Deny`, which only narrows.
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

/// IAM accepts a single value instead of a list.
fn list(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::Array(items)) => items,
        Some(one) => std::slice::from_ref(one),
        None => &[],
    }
}
