//! Functions: their names, environments, limits and routes.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Map, Value};

use super::{Grant, Schedule, StreamSource, grants, kebab_case, number, schedules, streams, text};
use crate::{Error, Result};

/// One `AWS::Serverless::Function`.
#[derive(Debug, Clone)]
pub struct Function {
    /// The id in the template, such as `IsBannedFunction`.
    pub logical_id: String,
    /// The name of its package and binary, such as `is-banned`.
    pub name: String,
    /// Its environment, the globals' included, with local names of tables and buckets.
    pub environment: BTreeMap<String, String>,
    /// How long one call may take.
    pub timeout: Duration,
    /// The memory it is given, in MB.
    pub memory: u64,
    /// What its role allows.
    pub grants: Vec<Grant>,
    /// The HTTP routes that lead to it, the default route left out.
    pub routes: Vec<Route>,
    /// Does it answer what no route matches?
    pub is_default_route: bool,
    /// The streams that feed it.
    pub streams: Vec<StreamSource>,
    /// The schedules that call it.
    pub schedules: Vec<Schedule>,
}

/// One route of the HTTP API.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// The method in capitals, `ANY` for all of them.
    pub method: String,
    /// The path, with `{name}` for a parameter.
    pub path: String,
}

impl Route {
    /// The route's name in an event: `POST /api/v1/is-banned`.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

impl Function {
    /// A program that is called by nothing, with a role that allows this.
    #[must_use]
    pub fn with_role(name: &str, grants: Vec<Grant>) -> Self {
        Self {
            logical_id: name.to_owned(),
            name: name.to_owned(),
            environment: BTreeMap::new(),
            timeout: Duration::from_mins(1),
            memory: 128,
            grants,
            routes: Vec::new(),
            is_default_route: false,
            streams: Vec::new(),
            schedules: Vec::new(),
        }
    }
}

pub(super) fn read(
    logical_id: &str,
    properties: &Value,
    globals: &Value,
    resources: &Map<String, Value>,
) -> Result<Function> {
    let globals = globals.get("Function").unwrap_or(&Value::Null);
    let setting = |key: &str| number(properties, key).or_else(|| number(globals, key));
    let mut function = Function {
        logical_id: logical_id.to_owned(),
        name: name_of(logical_id),
        environment: BTreeMap::new(),
        // The platform's own defaults.
        timeout: Duration::from_secs(setting("Timeout").unwrap_or(3)),
        memory: setting("MemorySize").unwrap_or(128),
        grants: grants::read(logical_id, properties, resources),
        routes: Vec::new(),
        is_default_route: false,
        streams: Vec::new(),
        schedules: Vec::new(),
    };
    for source in [globals, properties] {
        let variables = source.get("Environment").and_then(|e| e.get("Variables"));
        for (name, value) in variables.and_then(Value::as_object).into_iter().flatten() {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            function.environment.insert(name.clone(), value);
        }
    }
    let events = properties.get("Events").and_then(Value::as_object);
    for (name, event) in events.into_iter().flatten() {
        let settings = event.get("Properties").unwrap_or(&Value::Null);
        match text(event, "Type") {
            Some("HttpApi") => add_route(&mut function, settings),
            Some("DynamoDB") => {
                let id = format!("{logical_id}{name}");
                function.streams.push(streams::read(&id, settings)?);
            }
            Some("Schedule") => {
                let schedule = schedules::read(name, settings)
                    .map_err(|e| Error::Template(format!("{logical_id}: {e}")))?;
                function.schedules.push(schedule);
            }
            other => {
                let message = format!("{logical_id}: event {name} has the type {other:?}");
                return Err(Error::Template(message));
            }
        }
    }
    Ok(function)
}

fn add_route(function: &mut Function, event: &Value) {
    match text(event, "Path") {
        // SAM makes the default route of an event with no path.
        None | Some("$default") => function.is_default_route = true,
        Some(path) => function.routes.push(Route {
            method: text(event, "Method").unwrap_or("ANY").to_ascii_uppercase(),
            path: path.to_owned(),
        }),
    }
}

/// `IsBannedFunction` as `is-banned`.
pub(super) fn name_of(logical_id: &str) -> String {
    kebab_case(logical_id.strip_suffix("Function").unwrap_or(logical_id))
}
