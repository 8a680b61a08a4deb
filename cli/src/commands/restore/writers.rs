//! Finds the functions that can write to the bans table, by their roles in the stack's template.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_sdk_cloudformation::types::TemplateStage;
use serde_json::Value;

use crate::connection::Connection;

/// What a restore stops.
#[derive(Debug)]
pub struct WriterFunctions {
    /// The names of the functions with their timeouts in seconds.
    functions: BTreeMap<String, u64>,
    /// The ids of the event source mappings.
    pub mappings: Vec<String>,
}

struct Resource {
    logical: String,
    physical: String,
    kind: String,
}

impl WriterFunctions {
    /// Reads the stack's template and resources from CloudFormation.
    pub async fn of(connection: &Connection) -> Result<Self> {
        let Some(stack) = &connection.stack else {
            bail!(
                "no stack given: use --stack or set PORTCULLIS_STACK; a restore stops the stack's \
                 functions"
            );
        };
        let client = Client::new(&connection.sdk);
        let asked = client
            .get_template()
            .stack_name(stack.name())
            .template_stage(TemplateStage::Processed);
        let template = asked.send().await.map_err(|error| {
            let code = error.code().unwrap_or("no answer").to_owned();
            anyhow::anyhow!("could not read the stack's template from CloudFormation ({code})")
        })?;
        let template = template.template_body().unwrap_or_default();
        let template =
            serde_json::from_str(template).context("the stack's template is not JSON")?;
        let mut resources = Vec::new();
        let asked = client.list_stack_resources().stack_name(stack.name());
        let mut pages = asked.into_paginator().items().send();
        while let Some(resource) = pages.next().await {
            let resource = resource.map_err(|error| {
                let code = error.code().unwrap_or("no answer").to_owned();
                anyhow::anyhow!("could not list the stack's resources in CloudFormation ({code})")
            })?;
            let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
            resources.push(Resource {
                logical: text(resource.logical_resource_id()),
                physical: text(resource.physical_resource_id()),
                kind: text(resource.resource_type()),
            });
        }
        Self::among(&resources, &template, &connection.tables.bans)
    }

    fn among(resources: &[Resource], template: &Value, table: &str) -> Result<Self> {
        let of_kind = |kind: &'static str| resources.iter().filter(move |one| one.kind == kind);
        let table = of_kind("AWS::DynamoDB::Table").find(|one| one.physical == table);
        let table = table.context("the stack does not contain the bans table")?;
        let functions: BTreeMap<_, _> = of_kind("AWS::Lambda::Function")
            .filter_map(|function| {
                let properties = properties(template, &function.logical)?;
                let writes = writes(template, properties, &table.logical);
                let timeout = properties.get("Timeout").and_then(Value::as_u64);
                // Lambda's default.
                writes.then(|| (function.physical.clone(), timeout.unwrap_or(3)))
            })
            .collect();
        if functions.is_empty() {
            bail!(
                "no function of the stack writes to the bans table: check that it is a Portcullis stack"
            );
        }
        let mappings = of_kind("AWS::Lambda::EventSourceMapping");
        Ok(Self {
            functions,
            mappings: mappings.map(|one| one.physical.clone()).collect(),
        })
    }

    pub fn names(&self) -> Vec<String> {
        self.functions.keys().cloned().collect()
    }

    /// The longest timeout of the functions, in seconds.
    pub fn longest(&self) -> u64 {
        self.functions.values().copied().max().unwrap_or_default()
    }
}

fn properties<'a>(template: &'a Value, id: &str) -> Option<&'a Value> {
    template.get("Resources")?.get(id)?.get("Properties")
}

/// Whether a function may write to a table. A function with a role from outside the template counts as a
/// writer.
fn writes(template: &Value, function: &Value, table: &str) -> bool {
    let role = function
        .pointer("/Role/Fn::GetAtt/0")
        .and_then(Value::as_str);
    let Some((id, role)) = role.and_then(|id| Some((id, properties(template, id)?))) else {
        return true;
    };
    let own = list(role.get("Policies")).iter();
    let own = own.filter_map(|policy| policy.get("PolicyDocument"));
    let managed = list(role.get("ManagedPolicyArns")).iter();
    let managed = managed.filter_map(|policy| {
        let id = policy.get("Ref")?.as_str()?;
        properties(template, id)?.get("PolicyDocument")
    });
    let resources = template.get("Resources").and_then(Value::as_object);
    let attached = resources.into_iter().flatten().filter_map(|(_, resource)| {
        let properties = resource.get("Properties")?;
        let roles = list(properties.get("Roles"));
        let is_attached = roles.iter().any(|role| mentions(role, id));
        is_attached
            .then(|| properties.get("PolicyDocument"))
            .flatten()
    });
    own.chain(managed)
        .chain(attached)
        .flat_map(|document| list(document.get("Statement")))
        .filter(|statement| statement.get("Effect").and_then(Value::as_str) == Some("Allow"))
        .filter(|statement| !is_for_checks_only(statement))
        .any(|statement| {
            let mut actions = list(statement.get("Action")).iter();
            let resource = statement.get("Resource").unwrap_or(&Value::Null);
            let is_meant =
                list(Some(resource)).iter().any(|one| one == "*") || mentions(resource, table);
            is_meant && actions.any(|action| action.as_str().is_some_and(is_write))
        })
}

/// Whether a statement only covers the check counters of keys, which a restore does not change.
/// `is-banned` writes nothing else and must not be stopped: games let players in when it does not answer.
fn is_for_checks_only(statement: &Value) -> bool {
    let keys = statement.pointer("/Condition/ForAllValues:StringLike/dynamodb:LeadingKeys");
    let keys = list(keys);
    !keys.is_empty() && keys.iter().all(|key| key == "????????#K#*")
}

/// Whether a value contains the logical id of a resource.
fn mentions(value: &Value, id: &str) -> bool {
    let is_word = |letter: char| letter.is_ascii_alphanumeric();
    let text = value.to_string();
    text.split(|letter| !is_word(letter)).any(|word| word == id)
}

/// Whether an action may change an item.
fn is_write(action: &str) -> bool {
    let writes = ["Put", "Update", "Delete", "BatchWrite", "PartiQL", "*"];
    match action.strip_prefix("dynamodb:") {
        Some(name) => writes.iter().any(|write| name.starts_with(write)),
        None => action == "*",
    }
}

/// A list, or a single value in its place, as IAM allows.
fn list(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::Array(items)) => items,
        Some(one) => std::slice::from_ref(one),
        None => &[],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn role(action: &Value, resource: &Value) -> Value {
        role_if(action, resource, &json!({}))
    }

    fn role_if(action: &Value, resource: &Value, condition: &Value) -> Value {
        let statement = json!({
            "Effect": "Allow", "Action": action, "Resource": resource, "Condition": condition,
        });
        let document = json!({ "Statement": [statement] });
        let policies = json!([{ "PolicyName": "p", "PolicyDocument": document }]);
        json!({ "Type": "AWS::IAM::Role", "Properties": { "Policies": policies } })
    }

    fn function(role: &str) -> Value {
        let role = json!({ "Fn::GetAtt": [role, "Arn"] });
        json!({ "Type": "AWS::Lambda::Function", "Properties": { "Role": role, "Timeout": 9 } })
    }

    #[test]
    fn writers_are_functions_with_write_access_to_the_table() {
        let bans = json!({ "Fn::GetAtt": ["BansTable", "Arn"] });
        let index = json!({ "Fn::Sub": "${BansTable.Arn}/index/due" });
        let template = json!({ "Resources": {
            "Writes": function("WritesRole"),
            "WritesRole": role(&json!("dynamodb:PutItem"), &bans),
            "Reads": function("ReadsRole"),
            "ReadsRole": role(&json!(["dynamodb:GetItem", "dynamodb:Query"]), &json!([bans, index])),
            "Elsewhere": function("ElsewhereRole"),
            "ElsewhereRole": role(
                &json!(["dynamodb:UpdateItem"]),
                &json!({ "Fn::GetAtt": ["OtherBansTable", "Arn"] }),
            ),
            "Counts": function("CountsRole"),
            "CountsRole": role_if(
                &json!("dynamodb:UpdateItem"),
                &bans,
                &json!({ "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["????????#K#*"] } }),
            ),
            "Links": function("LinksRole"),
            "LinksRole": role_if(
                &json!("dynamodb:UpdateItem"),
                &bans,
                &json!({ "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["????????#X"] } }),
            ),
            "Anything": function("AnythingRole"),
            "AnythingRole": role(&json!("dynamodb:*"), &json!("*")),
            "Unknown": function("NoSuchRole"),
            "Beside": function("BesideRole"),
            "BesideRole": { "Type": "AWS::IAM::Role", "Properties": {} },
            "Shared": function("SharedRole"),
            "SharedRole": { "Type": "AWS::IAM::Role", "Properties": {
                "ManagedPolicyArns": ["arn:aws:iam::aws:policy/P", { "Ref": "SharedPolicy" }],
            } },
            "SharedPolicy": { "Type": "AWS::IAM::ManagedPolicy", "Properties": {
                "PolicyDocument": { "Statement": {
                    "Effect": "Allow", "Action": ["dynamodb:UpdateItem"], "Resource": bans,
                } },
            } },
            "Attached": { "Type": "AWS::IAM::Policy", "Properties": {
                "Roles": [{ "Ref": "BesideRole" }],
                "PolicyDocument": { "Statement": {
                    "Effect": "Allow", "Action": "dynamodb:DeleteItem", "Resource": bans,
                } },
            } },
        } });
        let resource = |logical: &str, kind: &str| Resource {
            logical: logical.to_owned(),
            physical: format!("stack-{logical}"),
            kind: kind.to_owned(),
        };
        let mut resources = vec![
            resource("BansTable", "AWS::DynamoDB::Table"),
            resource("Stream", "AWS::Lambda::EventSourceMapping"),
        ];
        for function in [
            "Writes",
            "Reads",
            "Elsewhere",
            "Anything",
            "Unknown",
            "Beside",
            "Shared",
            "Counts",
            "Links",
        ] {
            resources.push(resource(function, "AWS::Lambda::Function"));
        }
        let writers = WriterFunctions::among(&resources, &template, "stack-BansTable").unwrap();
        let expected = [
            "stack-Anything",
            "stack-Beside",
            "stack-Links",
            "stack-Shared",
            "stack-Unknown",
            "stack-Writes",
        ];
        assert_eq!(writers.names(), expected);
        assert_eq!(writers.longest(), 9);
        assert_eq!(writers.mappings, ["stack-Stream"]);
        assert!(WriterFunctions::among(&resources, &template, "another").is_err());
    }
}
