//! Evaluates CloudFormation's intrinsic functions, with the arguments of a nested stack or the defaults
//! of the parameters.

use serde_json::{Map, Value, json};

use crate::REGION;

/// The account in local ARNs.
const ACCOUNT: &str = "000000000000";

/// Resolves the references of one template.
pub(super) struct Resolver<'a> {
    arguments: &'a Map<String, Value>,
    parameters: Option<&'a Map<String, Value>>,
    conditions: Option<&'a Map<String, Value>>,
    mappings: Option<&'a Map<String, Value>>,
    resources: Option<&'a Map<String, Value>>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(template: &'a Value, arguments: &'a Map<String, Value>) -> Self {
        let section = |name: &str| template.get(name).and_then(Value::as_object);
        Self {
            arguments,
            parameters: section("Parameters"),
            conditions: section("Conditions"),
            mappings: section("Mappings"),
            resources: section("Resources"),
        }
    }

    /// The value with every function in it evaluated, without `AWS::NoValue`.
    pub(super) fn resolve(&self, value: &Value) -> Value {
        match value {
            Value::Array(items) => Value::Array(
                items
                    .iter()
                    .filter(|v| !self.is_absent(v))
                    .map(|v| self.resolve(v))
                    .collect(),
            ),
            Value::Object(map) => self.function(map).unwrap_or_else(|| {
                Value::Object(
                    map.iter()
                        .filter(|(_, v)| !self.is_absent(v))
                        .map(|(k, v)| (k.clone(), self.resolve(v)))
                        .collect(),
                )
            }),
            other => other.clone(),
        }
    }

    fn is_absent(&self, value: &Value) -> bool {
        if let Some(name) = value.get("Ref").and_then(Value::as_str) {
            return name == "AWS::NoValue";
        }
        match value
            .get("Fn::If")
            .and_then(Value::as_array)
            .map(Vec::as_slice)
        {
            Some([condition, yes, no]) => {
                self.is_absent(if self.holds(condition) { yes } else { no })
            }
            _ => false,
        }
    }

    fn function(&self, map: &Map<String, Value>) -> Option<Value> {
        let mut entries = map.iter();
        let (Some((name, argument)), None) = (entries.next(), entries.next()) else {
            return None;
        };
        let list = argument.as_array().map(Vec::as_slice);
        match (name.as_str(), list) {
            ("Ref", _) => argument.as_str().map(|name| self.reference(name)),
            ("Fn::GetAtt", Some([id, attribute])) => {
                Some(json!(self.attribute(id.as_str()?, attribute.as_str()?)))
            }
            ("Fn::Sub", None) => Some(json!(self.substitute(argument.as_str()?, &Map::new()))),
            ("Fn::Sub", Some([text, names])) => {
                Some(json!(self.substitute(text.as_str()?, names.as_object()?)))
            }
            ("Fn::If", Some([condition, yes, no])) => {
                Some(self.resolve(if self.holds(condition) { yes } else { no }))
            }
            ("Fn::Join", Some([separator, parts])) => {
                let parts = self.resolve(parts);
                let parts: Vec<_> = parts.as_array()?.iter().map(text_of).collect();
                Some(json!(parts.join(separator.as_str()?)))
            }
            ("Fn::Select", Some([index, items])) => {
                let index = text_of(index).parse::<usize>().ok()?;
                self.resolve(items).as_array()?.get(index).cloned()
            }
            ("Fn::Split", Some([separator, text])) => {
                let text = text_of(&self.resolve(text));
                Some(json!(text.split(separator.as_str()?).collect::<Vec<_>>()))
            }
            ("Fn::FindInMap", Some([map, first, second])) => {
                let [map, first, second] = [map, first, second].map(|k| text_of(&self.resolve(k)));
                self.mappings?.get(&map)?.get(first)?.get(second).cloned()
            }
            _ => None,
        }
    }

    fn reference(&self, name: &str) -> Value {
        if let Some(pseudo) = name.strip_prefix("AWS::") {
            return json!(match pseudo {
                "Region" => REGION,
                "AccountId" => ACCOUNT,
                "Partition" => "aws",
                "StackName" => "local",
                "URLSuffix" => "amazonaws.com",
                _ => name,
            });
        }
        if let Some(parameter) = self.parameters.and_then(|p| p.get(name)) {
            let given = self
                .arguments
                .get(name)
                .or_else(|| parameter.get("Default"));
            let value = given.cloned().unwrap_or_else(|| json!(""));
            let listed = parameter
                .get("Type")
                .and_then(Value::as_str)
                .is_some_and(|t| t == "CommaDelimitedList" || t.starts_with("List<"));
            return if listed {
                let text = text_of(&value);
                json!(
                    text.split(',')
                        .map(str::trim)
                        .filter(|t| !t.is_empty())
                        .collect::<Vec<_>>()
                )
            } else {
                json!(text_of(&value))
            };
        }
        json!(self.physical_name(name))
    }

    /// The literal name of a resource, otherwise a name made from its logical id.
    pub(super) fn physical_name(&self, id: &str) -> String {
        let resource = self.resources.and_then(|r| r.get(id));
        let kind = resource
            .and_then(|r| r.get("Type"))
            .and_then(Value::as_str)
            .unwrap_or_default();
        let property = match kind.rsplit("::").next().unwrap_or_default() {
            "Table" => "TableName",
            "Bucket" => "BucketName",
            "Queue" => "QueueName",
            "Topic" => "TopicName",
            "Function" => "FunctionName",
            "LogGroup" => "LogGroupName",
            _ => "Name",
        };
        let given = resource
            .and_then(|r| r.get("Properties"))
            .and_then(|p| p.get(property))
            .map(|name| self.resolve(name));
        match given {
            Some(Value::String(name)) => name,
            // The name of a bucket is a host name.
            _ if kind == "AWS::S3::Bucket" => super::kebab_case(id),
            // The local runtime knows functions by this name.
            _ if kind == "AWS::Serverless::Function" => super::functions::name_of(id),
            _ => id.to_owned(),
        }
    }

    fn attribute(&self, id: &str, attribute: &str) -> String {
        let name = self.physical_name(id);
        let kind = self
            .resources
            .and_then(|r| r.get(id))
            .and_then(|r| r.get("Type"))
            .and_then(Value::as_str)
            .unwrap_or_default();
        let arn = match kind {
            "AWS::DynamoDB::Table" => format!("dynamodb:{REGION}:{ACCOUNT}:table/{name}"),
            "AWS::S3::Bucket" => format!("s3:::{name}"),
            "AWS::SQS::Queue" => format!("sqs:{REGION}:{ACCOUNT}:{name}"),
            "AWS::SNS::Topic" => format!("sns:{REGION}:{ACCOUNT}:{name}"),
            "AWS::IAM::Role" => format!("iam::{ACCOUNT}:role/{name}"),
            "AWS::KMS::Key" => format!("kms:{REGION}:{ACCOUNT}:key/{name}"),
            "AWS::Logs::LogGroup" => format!("logs:{REGION}:{ACCOUNT}:log-group:{name}:*"),
            _ => format!("lambda:{REGION}:{ACCOUNT}:function:{name}"),
        };
        match attribute {
            "Arn" => format!("arn:aws:{arn}"),
            "StreamArn" => format!("arn:aws:{arn}/stream/local"),
            other => format!("{name}.{other}"),
        }
    }

    fn substitute(&self, text: &str, names: &Map<String, Value>) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let Some((name, tail)) = after.split_once('}') else {
                out.push_str("${");
                rest = after;
                continue;
            };
            if let Some(literal) = name.strip_prefix('!') {
                out.extend(["${", literal, "}"]);
            } else if let Some(value) = names.get(name) {
                out.push_str(&text_of(&self.resolve(value)));
            } else if let Some((id, attribute)) = name.split_once('.') {
                out.push_str(&self.attribute(id, attribute));
            } else {
                out.push_str(&text_of(&self.reference(name)));
            }
            rest = tail;
        }
        out + rest
    }

    /// Whether a condition holds, given by its name or its expression.
    pub(super) fn holds(&self, condition: &Value) -> bool {
        if let Some(name) = condition
            .as_str()
            .or_else(|| condition.get("Condition")?.as_str())
        {
            return self
                .conditions
                .and_then(|c| c.get(name))
                .is_some_and(|c| self.holds(c));
        }
        let list = |name: &str| {
            condition
                .get(name)
                .and_then(Value::as_array)
                .map(Vec::as_slice)
        };
        if let Some([left, right]) = list("Fn::Equals") {
            text_of(&self.resolve(left)) == text_of(&self.resolve(right))
        } else if let Some([inner]) = list("Fn::Not") {
            !self.holds(inner)
        } else if let Some(parts) = list("Fn::And") {
            parts.iter().all(|part| self.holds(part))
        } else if let Some(parts) = list("Fn::Or") {
            parts.iter().any(|part| self.holds(part))
        } else {
            false
        }
    }
}

/// CloudFormation compares and joins values as strings.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template() -> Value {
        json!({
            "Parameters": {
                "Stage": {"Type": "String", "Default": "prod"},
                "Topic": {"Type": "String", "Default": ""},
            },
            "Conditions": {
                "HasTopic": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Topic"}, ""]}]},
            },
            "Resources": {
                "BansTable": {"Type": "AWS::DynamoDB::Table"},
                "ExportsBucket": {"Type": "AWS::S3::Bucket"},
                "Queue": {"Type": "AWS::SQS::Queue", "Properties": {
                    "QueueName": {"Fn::Sub": "${AWS::StackName}-${Stage}"},
                }},
            },
        })
    }

    #[test]
    fn references_follow_names_and_defaults() {
        let template = template();
        let none = Map::new();
        let resolver = Resolver::new(&template, &none);
        let list = resolver.resolve(&json!([
            {"Ref": "Stage"},
            {"Ref": "BansTable"},
            {"Ref": "ExportsBucket"},
            {"Fn::GetAtt": ["Queue", "Arn"]},
            {"Fn::Sub": "${BansTable.Arn}/index/a ${!Kept}"},
            {"Fn::Join": ["-", ["a", {"Ref": "AWS::Region"}]]},
        ]));
        assert_eq!(
            list,
            json!([
                "prod",
                "BansTable",
                "exports-bucket",
                "arn:aws:sqs:us-east-1:000000000000:local-prod",
                "arn:aws:dynamodb:us-east-1:000000000000:table/BansTable/index/a ${Kept}",
                "a-us-east-1",
            ])
        );
    }

    #[test]
    fn what_a_condition_leaves_out_is_absent() {
        let template = template();
        let none = Map::new();
        let resolver = Resolver::new(&template, &none);
        let absent = json!({"a": {"Fn::If": ["HasTopic", 1, {"Ref": "AWS::NoValue"}]}, "b": 2});
        assert_eq!(resolver.resolve(&absent), json!({"b": 2}));
    }
}
