//! Validates responses against `openapi.yaml`.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use jsonschema::{Draft, Validator};
use serde_json::{Value, json};
use shared::domain::lock::lock;

use crate::files::openapi;
use crate::response::ApiResponse;

/// Headers that the transport adds.
const TRANSPORT: [&str; 3] = ["date", "content-length", "content-type"];

/// The documented API.
#[derive(Debug)]
pub struct Contract {
    document: &'static Value,
    /// The validators by JSON pointer of their schema.
    validators: Mutex<HashMap<String, &'static Validator>>,
}

pub fn contract() -> &'static Contract {
    static CONTRACT: LazyLock<Contract> = LazyLock::new(|| Contract {
        document: openapi(),
        validators: Mutex::default(),
    });
    &CONTRACT
}

impl Contract {
    /// All differences between a response and its documentation.
    pub fn problems(&self, method: &str, path: &str, answer: &ApiResponse) -> Vec<String> {
        let path = path.split('?').next().unwrap_or(path);
        let described = self.described_path(path);
        let operation = operation(method, described.unwrap_or(path));
        let pointer = match self.document.pointer(&operation) {
            Some(operation) => {
                let status = answer.status.to_string();
                let Some(response) = operation["responses"].get(&status) else {
                    return vec![format!(
                        "{method} {path} does not document the status {status}"
                    )];
                };
                reference(response).expect("responses are references")
            }
            None => {
                let (status, response) = match described {
                    Some(_) => (405, "MethodNotAllowed"),
                    None => (404, "NeverBannedThere"),
                };
                if answer.status != status {
                    return vec![format!("{method} {path} is no route: expected {status}")];
                }
                format!("/components/responses/{response}")
            }
        };
        let mut problems = self.header_problems(&pointer, answer);
        problems.extend(self.body_problems(&pointer, answer));
        problems
    }

    /// All differences between a webhook message and its documentation.
    pub fn webhook_problems(&self, headers: &http::HeaderMap, body: &Value) -> Vec<String> {
        let pointer = "/webhooks/decided/post";
        let operation = self.document.pointer(pointer).expect("the webhook");
        let schema = format!("{pointer}/requestBody/content/application~1json/schema");
        let mut problems = self.schema_problems(&schema, body);
        let parameters = operation["parameters"].as_array().expect("parameters");
        for (at, parameter) in parameters.iter().enumerate() {
            let name = parameter["name"].as_str().expect("a name");
            let sent = headers.get(name).and_then(|value| value.to_str().ok());
            let schema = format!("{pointer}/parameters/{at}/schema");
            match sent {
                Some(text) => problems.extend(self.schema_problems(&schema, &Value::from(text))),
                None => problems.push(format!("the header {name} is missing")),
            }
        }
        problems
    }

    /// The documented path that matches a request's path.
    pub fn described_path(&self, path: &str) -> Option<&str> {
        let paths = self.document["paths"].as_object().expect("paths");
        let fits = |described: &&String| {
            let (described, sent): (Vec<_>, Vec<_>) =
                (described.split('/').collect(), path.split('/').collect());
            let mut pairs = described.iter().zip(&sent);
            described.len() == sent.len()
                && pairs.all(|(described, sent)| {
                    described == sent || (described.starts_with('{') && !sent.is_empty())
                })
        };
        let exact = paths.keys().find(|described| *described == path);
        exact
            .or_else(|| paths.keys().find(fits))
            .map(String::as_str)
    }

    fn header_problems(&self, response: &str, answer: &ApiResponse) -> Vec<String> {
        let mut problems = Vec::new();
        let nothing = json!({});
        let headers = self
            .document
            .pointer(&format!("{response}/headers"))
            .unwrap_or(&nothing);
        for name in answer.headers.keys() {
            if answer.headers.get_all(name).iter().count() > 1 {
                problems.push(format!("the header {name} is there more than once"));
            }
            if headers.get(name.as_str()).is_none() && !TRANSPORT.contains(&name.as_str()) {
                problems.push(format!("the header {name} is not documented"));
            }
        }
        for (name, header) in headers.as_object().into_iter().flatten() {
            let pointer = reference(header).expect("headers are references");
            match answer
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
            {
                None => {
                    let required = self.document.pointer(&format!("{pointer}/required"));
                    if required == Some(&Value::Bool(true)) {
                        problems.push(format!("the header {name} is missing"));
                    }
                }
                Some(text) => {
                    let schema = format!("{pointer}/schema");
                    let number = text.parse::<i64>().map(Value::from);
                    let wants_number = self
                        .document
                        .pointer(&format!("{schema}/type"))
                        .is_some_and(|kind| kind == "integer");
                    let value = match number {
                        Ok(number) if wants_number => number,
                        _ => Value::from(text),
                    };
                    problems.extend(self.schema_problems(&schema, &value));
                }
            }
        }
        problems
    }

    fn body_problems(&self, response: &str, answer: &ApiResponse) -> Vec<String> {
        let kind = answer.header("content-type").unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        let content = format!("{response}/content/{}", kind.replace('/', "~1"));
        if self.document.pointer(&content).is_none() {
            return vec![format!("the content type {kind:?} is not documented")];
        }
        let body = match kind {
            "application/json" => match serde_json::from_str(&answer.text) {
                Ok(body) => body,
                Err(error) => return vec![format!("the body is not JSON: {error}")],
            },
            _ => Value::from(answer.text.as_str()),
        };
        self.schema_problems(&format!("{content}/schema"), &body)
    }

    fn schema_problems(&self, pointer: &str, value: &Value) -> Vec<String> {
        let validator = self.validator(pointer);
        let problem = |error: jsonschema::ValidationError<'_>| {
            format!(
                "{} at {}",
                shortened(&error.to_string()),
                error.instance_path()
            )
        };
        validator.iter_errors(value).map(problem).collect()
    }

    /// The validator of a schema in the document. The whole document is the schema's resource, so
    /// that references resolve.
    fn validator(&self, pointer: &str) -> &'static Validator {
        let mut validators = lock(&self.validators);
        validators.entry(pointer.to_owned()).or_insert_with(|| {
            let schema = json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "$ref": format!("#{pointer}"),
                "components": self.document["components"],
                "webhooks": self.document["webhooks"],
            });
            let validator = jsonschema::options()
                .with_draft(Draft::Draft202012)
                .should_validate_formats(true)
                .build(&schema)
                .unwrap_or_else(|e| panic!("openapi.yaml, {pointer}: {e}"));
            Box::leak(Box::new(validator))
        })
    }
}

/// The JSON pointer of an operation.
fn operation(method: &str, path: &str) -> String {
    format!(
        "/paths/{}/{}",
        path.replace('/', "~1"),
        method.to_ascii_lowercase()
    )
}

fn reference(value: &Value) -> Option<String> {
    value["$ref"].as_str()?.strip_prefix('#').map(str::to_owned)
}

fn shortened(text: &str) -> String {
    text.chars().take(600).collect()
}
