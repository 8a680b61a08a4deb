//! Reads `template.yaml` for the local stack and the tests.
//!
//! Parameters have their defaults. A resource without a literal name gets its logical id as its name (a
//! bucket and a function in kebab case), also in the environments of the functions.

mod buckets;
mod functions;
mod grants;
mod intrinsics;
mod processed;
mod schedules;
mod streams;
mod tables;
mod yaml;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

pub use buckets::Bucket;
pub use functions::{Function, Route};
pub use grants::Grant;
pub use schedules::Schedule;
pub use streams::StreamSource;
pub use tables::Table;

use crate::{Error, Result};
use intrinsics::Resolver;

/// A template with its references resolved.
#[derive(Debug, Clone)]
pub struct Template {
    tables: Vec<Table>,
    functions: Vec<Function>,
    buckets: Vec<Bucket>,
    resources: Map<String, Value>,
    /// The resources with unresolved references.
    source: Map<String, Value>,
    nested: BTreeMap<String, Self>,
}

impl Template {
    /// Reads the template in a file, and the templates that it nests.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::load_with(path, &Map::new())
    }

    /// The same with what a deployment can leave out and this machine can run: the console, and Discord.
    pub fn load_with_console(path: impl AsRef<Path>) -> Result<Self> {
        let application = crate::discord::APPLICATION.to_string();
        let key = crate::discord::caller::public_key()?;
        let arguments = [
            ("Console", "true"),
            ("DiscordApplicationId", &application),
            ("DiscordPublicKey", &key),
        ];
        let arguments = arguments.map(|(name, value)| (name.to_owned(), Value::from(value)));
        Self::load_with(path, &Map::from_iter(arguments))
    }

    /// The same with other values of some parameters.
    pub fn load_with(path: impl AsRef<Path>, arguments: &Map<String, Value>) -> Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(Error::file(path))?;
        let mut template = Self::parse_with(&text, arguments)?;
        let mut nested = BTreeMap::new();
        for (id, properties) in of_type(&template.resources, "AWS::Serverless::Application") {
            let location = self::text(properties, "Location")
                .ok_or_else(|| Error::Template(format!("{id} has no Location")))?;
            let arguments = properties.get("Parameters").and_then(Value::as_object);
            let arguments = arguments.cloned().unwrap_or_default();
            let inner = Self::load_with(path.with_file_name(location), &arguments)?;
            nested.insert(id.to_owned(), inner);
        }
        template.nested = nested;
        Ok(template)
    }

    /// Reads a template from its text, without the templates that it nests.
    pub fn parse(text: &str) -> Result<Self> {
        Self::parse_with(text, &Map::new())
    }

    fn parse_with(text: &str, arguments: &Map<String, Value>) -> Result<Self> {
        let root = yaml::parse(text)?;
        check_arguments(&root, arguments)?;
        let resolver = Resolver::new(&root, arguments);
        let unresolved = root
            .get("Resources")
            .and_then(Value::as_object)
            .ok_or_else(|| Error::Template("it has no Resources".to_owned()))?;

        let mut resources = Map::new();
        for (id, resource) in unresolved {
            // CloudFormation skips a resource if its condition does not hold.
            if resource
                .get("Condition")
                .is_none_or(|condition| resolver.holds(condition))
            {
                resources.insert(id.clone(), resolver.resolve(resource));
            }
        }
        let globals = resolver.resolve(root.get("Globals").unwrap_or(&Value::Null));

        let tables = of_type(&resources, "AWS::DynamoDB::Table")
            .map(|(id, p)| tables::read(&resolver.physical_name(id), id, p))
            .collect::<Result<Vec<_>>>()?;
        let buckets = of_type(&resources, "AWS::S3::Bucket")
            .map(|(id, p)| buckets::read(resolver.physical_name(id), p, &resources))
            .collect();
        let mut functions = Vec::new();
        for (id, properties) in of_type(&resources, "AWS::Serverless::Function") {
            functions.push(functions::read(id, properties, &globals, &resources)?);
        }
        for (function, source) in streams::mappings(&resources, &resolver)? {
            if let Some(function) = functions.iter_mut().find(|f| f.name == function) {
                function.streams.push(source);
            }
        }
        Ok(Self {
            tables,
            functions,
            buckets,
            resources,
            source: unresolved.clone(),
            nested: BTreeMap::new(),
        })
    }

    #[must_use]
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// The functions, in the order of the template.
    #[must_use]
    pub fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// The function with a name such as `is-banned`.
    pub fn function(&self, name: &str) -> Result<&Function> {
        let found = self.functions.iter().find(|function| function.name == name);
        found.ok_or_else(|| Error::Template(format!("it has no function {name}")))
    }

    #[must_use]
    pub fn buckets(&self) -> &[Bucket] {
        &self.buckets
    }

    /// All routes but the default one, each with the name of its function.
    pub fn routes(&self) -> impl Iterator<Item = (&Route, &str)> {
        self.functions
            .iter()
            .flat_map(|f| f.routes.iter().map(|route| (route, f.name.as_str())))
    }

    /// The function behind the `$default` route.
    #[must_use]
    pub fn default_function(&self) -> Option<&str> {
        self.functions
            .iter()
            .find(|f| f.is_default_route)
            .map(|f| f.name.as_str())
    }

    /// Every function fed by a table's stream, with each mapping between them.
    pub fn stream_functions(&self) -> impl Iterator<Item = (&Function, &StreamSource)> {
        self.functions
            .iter()
            .flat_map(|f| f.streams.iter().map(move |source| (f, source)))
    }

    /// The mapping between a table's stream and the function with a name such as `spread-decisions`.
    pub fn stream_of(&self, function: &str) -> Result<(&Function, &StreamSource)> {
        let found = self.stream_functions().find(|(f, _)| f.name == function);
        found.ok_or_else(|| Error::Template(format!("no stream feeds {function}")))
    }

    /// Every schedule, with the function that it calls.
    pub fn schedules(&self) -> impl Iterator<Item = (&Function, &Schedule)> {
        self.functions
            .iter()
            .flat_map(|f| f.schedules.iter().map(move |schedule| (f, schedule)))
    }

    /// The template of a nested stack, by the stack's logical id.
    pub fn nested(&self, id: &str) -> Result<&Self> {
        let found = self.nested.get(id);
        found.ok_or_else(|| Error::Template(format!("it nests no {id}")))
    }

    /// The resources by their logical ids, with `Type` and `Properties`.
    #[must_use]
    pub fn resources(&self) -> &Map<String, Value> {
        &self.resources
    }

    /// The resolved resource with this logical id, with `Type` and `Properties`.
    #[must_use]
    pub fn resource(&self, id: &str) -> Option<&Value> {
        self.resources.get(id)
    }
}

/// Checks the arguments of a nested stack as CloudFormation does: each has a parameter, and each
/// parameter without a default has an argument.
fn check_arguments(root: &Value, arguments: &Map<String, Value>) -> Result<()> {
    if arguments.is_empty() {
        return Ok(());
    }
    let none = Map::new();
    let parameters = root.get("Parameters").and_then(Value::as_object);
    let parameters = parameters.unwrap_or(&none);
    if let Some(name) = arguments
        .keys()
        .find(|name| !parameters.contains_key(*name))
    {
        return Err(Error::Template(format!(
            "a nested stack has no parameter {name}"
        )));
    }
    let missing = parameters.iter().find(|(name, parameter)| {
        parameter.get("Default").is_none() && !arguments.contains_key(*name)
    });
    match missing {
        Some((name, _)) => Err(Error::Template(format!(
            "a nested stack lacks its parameter {name}"
        ))),
        None => Ok(()),
    }
}

/// The resources of a type with their properties.
fn of_type<'a>(
    resources: &'a Map<String, Value>,
    kind: &'a str,
) -> impl Iterator<Item = (&'a str, &'a Value)> {
    resources
        .iter()
        .filter(move |(_, resource)| text(resource, "Type") == Some(kind))
        .map(|(id, resource)| {
            (
                id.as_str(),
                resource.get("Properties").unwrap_or(&Value::Null),
            )
        })
}

/// `ExportBansJson` as `export-bans-json`.
fn kebab_case(id: &str) -> String {
    let mut out = String::new();
    for letter in id.chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}

/// A number, which CloudFormation also accepts as a string.
fn number(value: &Value, key: &str) -> Option<u64> {
    let value = value.get(key)?;
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn flag(value: &Value, key: &str) -> bool {
    value
        .get(key)
        .is_some_and(|v| v == &Value::Bool(true) || v.as_str() == Some("true"))
}
