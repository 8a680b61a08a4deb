//! What an update has to know about a CloudFormation template.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};
use yaml_serde::Value as Yaml;

const TABLE: &str = "AWS::DynamoDB::Table";
const FUNCTION: &str = "AWS::Serverless::Function";
const INDEXES: &str = "GlobalSecondaryIndexes";
const ATTRIBUTES: &str = "AttributeDefinitions";

/// Kinds of resources that moved from `template.yaml` to the nested stack and kept their names.
const MONITORS: [&str; 3] = [
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::Logs::QueryDefinition",
];

/// A template as JSON. In one from YAML, short tags such as `!Ref` are dropped and their values kept, so
/// only one that CloudFormation returned as JSON can be deployed again.
#[derive(Clone, Debug, PartialEq)]
pub struct Template(Value);

/// The name of an index, with the logical id of its table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IndexId {
    pub table: String,
    pub name: String,
}

/// The definition of a global secondary index.
#[derive(Clone, Debug, PartialEq)]
pub struct Index {
    definition: Value,
    /// The definitions of its key attributes.
    attributes: Vec<Value>,
}

impl std::fmt::Display for IndexId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}", self.name, self.table)
    }
}

impl Template {
    /// Parses YAML or JSON.
    pub fn parse(text: &str) -> Result<Self> {
        let yaml: Yaml = yaml_serde::from_str(text).context("is not YAML")?;
        let template = Self(untagged(yaml)?);
        if template.resources().next().is_none() {
            bail!("has no resources");
        }
        Ok(template)
    }

    pub fn text(&self) -> String {
        self.0.to_string()
    }

    /// The parameters, and whether each has a default.
    pub fn parameters(&self) -> BTreeMap<&str, bool> {
        let parameters = self.0.get("Parameters").and_then(Value::as_object);
        let all = parameters.into_iter().flatten();
        all.map(|(name, it)| (name.as_str(), it.get("Default").is_some()))
            .collect()
    }

    pub fn default_of(&self, parameter: &str) -> Option<&str> {
        self.0
            .get("Parameters")?
            .get(parameter)?
            .get("Default")?
            .as_str()
    }

    pub fn tables(&self) -> BTreeSet<&str> {
        self.of_kinds(&[TABLE])
    }

    pub fn indexes(&self) -> BTreeMap<IndexId, Index> {
        let mut found = BTreeMap::new();
        for table in self.tables() {
            let attributes = list(self.property(table, ATTRIBUTES));
            for definition in list(self.property(table, INDEXES)) {
                let keys: BTreeSet<_> = list(definition.get("KeySchema"))
                    .iter()
                    .filter_map(attribute)
                    .collect();
                let attributes = attributes.iter();
                let of_keys =
                    attributes.filter(|it| attribute(it).is_some_and(|it| keys.contains(it)));
                let name = definition.get("IndexName").and_then(Value::as_str);
                let id = IndexId {
                    table: table.to_owned(),
                    name: name.unwrap_or_default().to_owned(),
                };
                let index = Index {
                    definition: definition.clone(),
                    attributes: of_keys.cloned().collect(),
                };
                found.insert(id, index);
            }
        }
        found
    }

    /// The template with one more index.
    pub fn with_index(mut self, id: &IndexId, index: &Index) -> Self {
        let path = format!("/Resources/{}/Properties", id.table);
        if let Some(table) = self.0.pointer_mut(&path).and_then(Value::as_object_mut) {
            let known: BTreeSet<_> = list(table.get(ATTRIBUTES))
                .iter()
                .filter_map(attribute)
                .collect();
            let new = index.attributes.iter();
            let new = new.filter(|it| attribute(it).is_some_and(|it| !known.contains(it)));
            let new: Vec<_> = new.cloned().collect();
            append(table, ATTRIBUTES, new);
            append(table, INDEXES, vec![index.definition.clone()]);
        }
        self
    }

    /// The alarms, dashboards and queries.
    pub fn monitors(&self) -> BTreeSet<&str> {
        self.of_kinds(&MONITORS)
    }

    /// The template without some resources and the outputs that refer to them.
    pub fn without(mut self, ids: &BTreeSet<String>) -> Self {
        if let Some(resources) = self.0.get_mut("Resources").and_then(Value::as_object_mut) {
            resources.retain(|id, _| !ids.contains(id));
        }
        if let Some(outputs) = self.0.get_mut("Outputs").and_then(Value::as_object_mut) {
            outputs.retain(|_, output| !ids.iter().any(|id| refers(output, id)));
        }
        self
    }

    /// The file names of the functions' archives in a release: the last part of each key.
    pub fn archives(&self) -> Result<BTreeSet<String>> {
        let functions = self.of_kinds(&[FUNCTION]).into_iter();
        functions
            .map(|id| {
                let key = self.property(id, "CodeUri").and_then(|uri| uri.get("Key"));
                let name = key
                    .and_then(Value::as_str)
                    .and_then(|key| key.rsplit('/').next());
                let name = name.with_context(|| {
                    format!(
                        "does not name the archive of {id}: it is not the template of a release"
                    )
                })?;
                Ok(name.to_owned())
            })
            .collect()
    }

    fn resources(&self) -> impl Iterator<Item = (&String, &Value)> {
        let resources = self.0.get("Resources").and_then(Value::as_object);
        resources.into_iter().flatten()
    }

    fn of_kinds(&self, kinds: &[&str]) -> BTreeSet<&str> {
        let is_one = |resource: &Value| {
            let kind = resource.get("Type").and_then(Value::as_str);
            kind.is_some_and(|kind| kinds.contains(&kind))
        };
        let found = self.resources().filter(|(_, resource)| is_one(resource));
        found.map(|(id, _)| id.as_str()).collect()
    }

    fn property(&self, resource: &str, name: &str) -> Option<&Value> {
        self.0
            .get("Resources")?
            .get(resource)?
            .get("Properties")?
            .get(name)
    }
}

fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn attribute(definition: &Value) -> Option<&str> {
    definition.get("AttributeName")?.as_str()
}

fn append(table: &mut Map<String, Value>, property: &str, new: Vec<Value>) {
    let list = table
        .entry(property)
        .or_insert_with(|| Value::Array(Vec::new()));
    if let Some(list) = list.as_array_mut() {
        list.extend(new);
    }
}

/// Whether a value contains a `Ref`, `Fn::GetAtt` or `Fn::Sub` of a resource.
fn refers(value: &Value, id: &str) -> bool {
    match value {
        Value::String(text) => {
            text == id
                || [format!("${{{id}}}"), format!("${{{id}.")]
                    .iter()
                    .any(|it| text.contains(it))
        }
        Value::Array(items) => items.iter().any(|item| refers(item, id)),
        Value::Object(fields) => fields.values().any(|value| refers(value, id)),
        _ => false,
    }
}

fn untagged(yaml: Yaml) -> Result<Value> {
    Ok(match yaml {
        Yaml::Tagged(tagged) => untagged(tagged.value)?,
        Yaml::Sequence(items) => {
            Value::Array(items.into_iter().map(untagged).collect::<Result<_>>()?)
        }
        Yaml::Mapping(entries) => {
            let mut map = Map::new();
            for (key, value) in entries {
                let key = match key {
                    Yaml::String(text) => text,
                    other => yaml_serde::to_string(&other)?.trim().to_owned(),
                };
                map.insert(key, untagged(value)?);
            }
            Value::Object(map)
        }
        plain => serde_json::to_value(plain)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "
Parameters:
  Architecture: {Type: String, Default: arm64}
  CodeBucket: {Type: String}
Resources:
  BansTable:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions:
        - {AttributeName: pk, AttributeType: S}
        - {AttributeName: sk, AttributeType: S}
        - {AttributeName: due, AttributeType: S}
        - {AttributeName: at, AttributeType: N}
      GlobalSecondaryIndexes:
        - IndexName: due
          KeySchema: [{AttributeName: due, KeyType: HASH}, {AttributeName: at, KeyType: RANGE}]
        - IndexName: newest
          KeySchema: [{AttributeName: due, KeyType: HASH}, {AttributeName: sk, KeyType: RANGE}]
  Dashboard: {Type: AWS::CloudWatch::Dashboard}
  CheckFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: {Bucket: !Ref CodeBucket, Key: !Sub '${CodePrefix}/${Architecture}/check.zip'}
Outputs:
  DashboardUrl: {Value: !Sub 'https://${Dashboard}'}
  Table: {Value: !Ref BansTable}
";

    fn ids(template: &Template) -> Vec<String> {
        template.indexes().keys().map(ToString::to_string).collect()
    }

    #[test]
    fn template_of_a_release_is_read() {
        let template = Template::parse(TEMPLATE).unwrap();
        assert_eq!(ids(&template), ["due of BansTable", "newest of BansTable"]);
        assert_eq!(
            template.archives().unwrap(),
            ["check.zip".to_owned()].into()
        );
        assert_eq!(template.default_of("Architecture"), Some("arm64"));
        let parameters = template.parameters();
        assert_eq!(
            parameters,
            [("Architecture", true), ("CodeBucket", false)].into()
        );
    }

    #[test]
    fn added_index_brings_only_its_missing_attributes() {
        let full = Template::parse(TEMPLATE).unwrap();
        let bare = r#"{"Resources":{"BansTable":{"Type":"AWS::DynamoDB::Table","Properties":{
            "AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"S"}]}}}}"#;
        let mut template = Template::parse(bare).unwrap();
        for (id, index) in full.indexes() {
            template = template.with_index(&id, &index);
        }
        assert_eq!(template.indexes(), full.indexes());
        let of = |template: &Template| template.property("BansTable", ATTRIBUTES).cloned();
        assert_eq!(of(&template), of(&full));
    }

    #[test]
    fn removing_a_resource_removes_the_outputs_that_refer_to_it() {
        let template = Template::parse(TEMPLATE).unwrap();
        let monitors = template.monitors().into_iter().map(str::to_owned).collect();
        let left = template.without(&monitors);
        assert!(left.monitors().is_empty());
        let outputs = left.0["Outputs"].as_object().unwrap();
        assert_eq!(outputs.keys().collect::<Vec<_>>(), ["Table"]);
    }

    #[test]
    fn templates_of_this_repository_are_read() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let text = std::fs::read_to_string(root.join("template.yaml")).unwrap();
        let template = Template::parse(&text).unwrap();
        assert_eq!(template.tables(), ["BansTable", "WorkspacesTable"].into());
        assert_eq!(template.indexes().len(), 8);
        assert!(
            template.monitors().is_empty(),
            "these belong in observability.yaml"
        );
    }
}
