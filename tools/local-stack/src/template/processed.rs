//! The template after SAM's transform, as CloudFormation returns it, limited to functions and roles.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{Template, functions::Function, text};

impl Template {
    /// The processed template, with unresolved references as in CloudFormation. `timeout` replaces that of
    /// every function.
    #[must_use]
    pub fn processed(&self, timeout: Option<Duration>) -> Value {
        let mut resources = Map::new();
        for (id, resource) in &self.source {
            let function = self.functions.iter().find(|one| one.logical_id == *id);
            match function {
                Some(function) => {
                    let timeout = timeout.unwrap_or(function.timeout);
                    resources.extend(transformed(function, resource, timeout));
                }
                None => drop(resources.insert(id.clone(), resource.clone())),
            }
        }
        json!({ "Resources": resources })
    }

    /// Functions, event source mappings and tables by logical id, physical id and type.
    #[must_use]
    pub fn physical_resources(&self) -> Vec<(String, String, String)> {
        let functions = self.functions.iter().map(|function| {
            let kind = "AWS::Lambda::Function";
            (&function.logical_id, &function.name, kind)
        });
        let mappings = self.stream_functions().map(|(_, source)| {
            let kind = "AWS::Lambda::EventSourceMapping";
            (&source.id, &source.id, kind)
        });
        let tables = self.tables.iter().map(|table| {
            let kind = "AWS::DynamoDB::Table";
            (&table.logical_id, &table.name, kind)
        });
        let all = functions.chain(mappings).chain(tables);
        all.map(|(logical, physical, kind)| (logical.clone(), physical.clone(), kind.to_owned()))
            .collect()
    }
}

/// SAM's transform of a function: the function, and a role with its policies.
fn transformed(function: &Function, resource: &Value, timeout: Duration) -> [(String, Value); 2] {
    let id = &function.logical_id;
    let role = format!("{id}Role");
    let policies = resource.pointer("/Properties/Policies").cloned();
    let policies = match policies {
        Some(Value::Array(policies)) => policies,
        Some(one) => vec![one],
        None => Vec::new(),
    };
    let (documents, managed): (Vec<&Value>, Vec<&Value>) = policies
        .iter()
        .partition(|policy| policy.get("Statement").is_some());
    let documents: Vec<Value> = documents
        .into_iter()
        .enumerate()
        .map(|(at, document)| {
            json!({ "PolicyName": format!("{role}Policy{at}"), "PolicyDocument": document })
        })
        .collect();
    let made = json!({
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Timeout": timeout.as_secs(),
            "Role": { "Fn::GetAtt": [role, "Arn"] },
        },
    });
    let of_role = json!({
        "Type": "AWS::IAM::Role",
        "Properties": {
            "ManagedPolicyArns": managed,
            "Policies": documents,
        },
    });
    debug_assert_eq!(text(resource, "Type"), Some("AWS::Serverless::Function"));
    [(id.clone(), made), (role, of_role)]
}
