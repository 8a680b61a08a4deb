//! Parses CloudFormation's YAML and turns short tags into their long form.

use serde_json::{Map, Value, json};
use yaml_serde::Value as Yaml;

use crate::{Error, Result};

/// Parses a template; `!Ref X` comes out as `{"Ref": "X"}`, `!Sub …` as `{"Fn::Sub": …}`.
pub(super) fn parse(text: &str) -> Result<Value> {
    let yaml: Yaml = yaml_serde::from_str(text).map_err(|e| Error::Template(e.to_string()))?;
    convert(yaml)
}

fn convert(yaml: Yaml) -> Result<Value> {
    Ok(match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(flag) => Value::Bool(flag),
        Yaml::Number(number) => number_of(&number),
        Yaml::String(text) => Value::String(text),
        Yaml::Sequence(items) => {
            Value::Array(items.into_iter().map(convert).collect::<Result<_>>()?)
        }
        Yaml::Mapping(entries) => {
            let mut map = Map::new();
            for (key, value) in entries {
                map.insert(key_of(key)?, convert(value)?);
            }
            Value::Object(map)
        }
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            long_form(tag.trim_start_matches('!'), convert(tagged.value)?)
        }
    })
}

fn long_form(tag: &str, value: Value) -> Value {
    match tag {
        "Ref" | "Condition" => json!({ tag: value }),
        "GetAtt" => {
            let path = match &value {
                Value::String(text) => text.split_once('.').map(|(a, b)| json!([a, b])),
                _ => None,
            };
            json!({ "Fn::GetAtt": path.unwrap_or(value) })
        }
        _ => json!({ format!("Fn::{tag}"): value }),
    }
}

fn number_of(number: &yaml_serde::Number) -> Value {
    if let Some(n) = number.as_u64() {
        json!(n)
    } else if let Some(n) = number.as_i64() {
        json!(n)
    } else {
        json!(number.as_f64())
    }
}

/// CloudFormation's keys are strings, but `200:` in an OpenAPI fragment is often not quoted.
fn key_of(key: Yaml) -> Result<String> {
    match key {
        Yaml::String(text) => Ok(text),
        Yaml::Number(number) => Ok(number.to_string()),
        Yaml::Bool(flag) => Ok(flag.to_string()),
        other => Err(Error::Template(format!("a key is not a string: {other:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_tags_become_the_long_form() {
        let parsed =
            parse("a: !Ref X\nb: !GetAtt X.Arn\nc: !Sub '${X}/y'\nd: !If [C, 1, 2.5]").unwrap();
        assert_eq!(
            parsed,
            json!({
                "a": {"Ref": "X"},
                "b": {"Fn::GetAtt": ["X", "Arn"]},
                "c": {"Fn::Sub": "${X}/y"},
                "d": {"Fn::If": ["C", 1, 2.5]},
            })
        );
    }
}
