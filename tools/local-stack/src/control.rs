//! The parts of CloudFormation and Lambda's control plane that `portcullis` calls: describe a stack, stop and
//! start its functions.
//!
//! There is one stack, that of the template, under any name. A resource's physical id is its local name. A
//! stopped function throttles calls; a disabled mapping stops reading its stream.

mod cloudformation;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::{
    Result,
    http::{self, Guard, aws_error, json as json_response},
    runtime::Runtime,
    template::Template,
};

/// A running control plane; it stops when this is dropped.
#[derive(Debug)]
pub struct Control {
    endpoint: String,
    state: Arc<Plane>,
    _server: Guard,
}

#[derive(Debug)]
struct Plane {
    runtime: Runtime,
    template: Template,
    /// Whether each event source mapping is enabled, by its id.
    mappings: BTreeMap<String, watch::Sender<bool>>,
    settings: Mutex<Settings>,
}

#[derive(Debug, Default)]
struct Settings {
    /// A timeout for all functions instead of the template's.
    timeout: Option<Duration>,
    /// How many changes succeed before all others fail; `None` for no limit.
    changes_left: Option<u32>,
    /// Outputs besides the names of tables and buckets.
    outputs: BTreeMap<String, String>,
    parameters: BTreeMap<String, String>,
}

impl Control {
    pub async fn start(template: &Template, runtime: Runtime) -> Result<Self> {
        let mappings = template
            .stream_functions()
            .map(|(_, source)| (source.id.clone(), watch::Sender::new(true)));
        let state = Arc::new(Plane {
            runtime,
            mappings: mappings.collect(),
            template: template.clone(),
            settings: Mutex::default(),
        });
        let (listener, _) = http::listen(0, "").await?;
        let endpoint = http::address(&listener)?;
        let router = Router::new()
            .fallback(request)
            .with_state(Arc::clone(&state));
        Ok(Self {
            endpoint,
            state,
            _server: http::serve(listener, router),
        })
    }

    /// The endpoint of both CloudFormation and Lambda.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Follows whether a mapping is enabled.
    pub fn enabled(&self, mapping: &str) -> Option<watch::Receiver<bool>> {
        self.state
            .mappings
            .get(mapping)
            .map(watch::Sender::subscribe)
    }

    pub fn enable(&self, mapping: &str, enabled: bool) {
        if let Some(mapping) = self.state.mappings.get(mapping) {
            mapping.send_replace(enabled);
        }
    }
    pub fn is_enabled(&self, mapping: &str) -> bool {
        let mapping = self.state.mappings.get(mapping);
        mapping.is_some_and(|mapping| *mapping.borrow())
    }

    /// Reports this timeout for every function.
    pub fn set_timeout(&self, timeout: Duration) {
        self.state.settings.lock().timeout = Some(timeout);
    }

    /// Reports this output of the stack too.
    pub fn set_output(&self, name: &str, value: &str) {
        let mut settings = self.state.settings.lock();
        settings.outputs.insert(name.to_owned(), value.to_owned());
    }

    /// Reports this parameter of the stack.
    pub fn set_parameter(&self, name: &str, value: &str) {
        let mut settings = self.state.settings.lock();
        settings
            .parameters
            .insert(name.to_owned(), value.to_owned());
    }

    /// Refuses every change after this many; `None` ends that.
    pub fn refuse_after(&self, changes: Option<u32>) {
        self.state.settings.lock().changes_left = changes;
    }
}

async fn request(
    State(state): State<Arc<Plane>>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> Response {
    let path: Vec<&str> = uri.path().trim_matches('/').split('/').collect();
    match path.as_slice() {
        [""] => state.describe(&body),
        [_, "functions", name, "concurrency"] => state.concurrency(&method, name, &body),
        [_, "event-source-mappings", id] => state.mapping(&method, id, &body),
        _ => refusal("UnknownOperationException"),
    }
}

fn texts(named: &BTreeMap<String, String>) -> impl Iterator<Item = (&str, &str)> {
    let named = named.iter();
    named.map(|(name, value)| (name.as_str(), value.as_str()))
}

impl Plane {
    fn describe(&self, form: &[u8]) -> Response {
        let form = String::from_utf8_lossy(form);
        let action = form
            .split('&')
            .find_map(|pair| pair.strip_prefix("Action="));
        match action {
            Some("DescribeStacks") => {
                let outputs = [
                    ("BansTableName", "BansTable"),
                    ("WorkspacesTableName", "WorkspacesTable"),
                    ("EvidenceBucketName", "evidence-bucket"),
                ];
                let settings = self.settings.lock();
                let outputs = outputs.into_iter().chain(texts(&settings.outputs));
                cloudformation::stacks(outputs, texts(&settings.parameters))
            }
            Some("ListStackResources") => {
                cloudformation::resources(&self.template.physical_resources())
            }
            Some("GetTemplate") => {
                let timeout = self.settings.lock().timeout;
                cloudformation::template(&self.template.processed(timeout).to_string())
            }
            _ => refusal("InvalidAction"),
        }
    }

    fn concurrency(&self, method: &Method, name: &str, body: &[u8]) -> Response {
        if !self.runtime.names().any(|known| known == name) {
            return refusal("ResourceNotFoundException");
        }
        match *method {
            Method::GET => {}
            _ if !self.may_change() => return refusal("ServiceException"),
            Method::PUT => {
                let reserved = field(body, "ReservedConcurrentExecutions");
                let reserved = reserved.as_u64().and_then(|n| u32::try_from(n).ok());
                self.runtime.reserve(name, reserved);
            }
            _ => {
                self.runtime.reserve(name, None);
                return StatusCode::NO_CONTENT.into_response();
            }
        }
        json_response(&match self.runtime.reserved(name) {
            Some(reserved) => json!({ "ReservedConcurrentExecutions": reserved }),
            None => json!({}),
        })
    }

    fn mapping(&self, method: &Method, id: &str, body: &[u8]) -> Response {
        let Some(mapping) = self.mappings.get(id) else {
            return refusal("ResourceNotFoundException");
        };
        if *method == Method::PUT {
            if !self.may_change() {
                return refusal("ServiceException");
            }
            if let Some(enabled) = field(body, "Enabled").as_bool() {
                mapping.send_replace(enabled);
            }
        }
        let state = if *mapping.borrow() {
            "Enabled"
        } else {
            "Disabled"
        };
        json_response(&json!({ "UUID": id, "State": state }))
    }

    fn may_change(&self) -> bool {
        match &mut self.settings.lock().changes_left {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }
}

/// An error that no client retries.
fn refusal(kind: &str) -> Response {
    aws_error(StatusCode::BAD_REQUEST, kind, "The request is refused.")
}

fn field(body: &[u8], name: &str) -> Value {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    body.get(name).cloned().unwrap_or_default()
}
