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
    /// Its environment, including that of the globals, with local names of tables and buckets.
    pub environment: BTreeMap<String, String>,
    pub timeout: Duration,
    /// In MB.
    pub memory: u64,
    /// The permissions of its role.
    pub grants: Vec<Grant>,
    /// Its HTTP routes, without the default route.
    pub routes: Vec<Route>,
    /// Whether it answers requests that match no route.
    pub is_default_route: bool,
    pub streams: Vec<StreamSource>,
    pub schedules: Vec<Schedule>,
}

/// One route of the HTTP API.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// The method in upper case, or `ANY`.
    pub method: String,
    /// With `{name}` for a parameter.
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
    /// A program that nothing invokes, with these permissions.
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
        // Lambda's defaults.
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
            // What AWS itself reports has no source on this machine; tests invoke the function.
            Some("EventBridgeRule") => {}
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
        // SAM creates the default route for an event without a path.
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
