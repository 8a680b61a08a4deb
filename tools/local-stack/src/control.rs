//! What an operator's program asks CloudFormation and Lambda about a stack: what it consists of, and
//! to stop and start its functions.
//!
//! One stack, of the template, whatever name it is asked for by. A resource's physical id is its local
//! name. Stopped functions refuse calls as throttled ones; disabled mappings read their stream no
//! further.

mod answer;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{Method, Uri},
    response::Response,
};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::{
    Result,
    http::{self, Guard},
    lock::lock,
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
    /// Whether each event source mapping reads its stream, by the id of the mapping.
    mappings: BTreeMap<String, watch::Sender<bool>>,
    settings: Mutex<Settings>,
}

#[derive(Debug, Default)]
struct Settings {
    /// How long each function may run, if that is not as the template says.
    timeout: Option<Duration>,
    /// How many more changes are answered; none is refused without.
    changes_left: Option<u32>,
}

impl Control {
    /// Starts it for the functions of a template, on a free port.
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

    /// Where it listens, for CloudFormation as for Lambda.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Whether a mapping is enabled, from now on; for the pump that stands for it.
    #[must_use]
    pub fn enabled(&self, mapping: &str) -> Option<watch::Receiver<bool>> {
        self.state
            .mappings
            .get(mapping)
            .map(watch::Sender::subscribe)
    }

    /// Enables a mapping or disables it.
    pub fn enable(&self, mapping: &str, enabled: bool) {
        if let Some(mapping) = self.state.mappings.get(mapping) {
            mapping.send_replace(enabled);
        }
    }

    /// Whether a mapping is enabled.
    #[must_use]
    pub fn is_enabled(&self, mapping: &str) -> bool {
        let mapping = self.state.mappings.get(mapping);
        mapping.is_some_and(|mapping| *mapping.borrow())
    }

    /// Says of every function that it may run for this long.
    pub fn set_timeout(&self, timeout: Duration) {
        lock(&self.state.settings).timeout = Some(timeout);
    }

    /// Refuses every change after so many more; with `None` no longer.
    pub fn refuse_after(&self, changes: Option<u32>) {
        lock(&self.state.settings).changes_left = changes;
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
        _ => answer::refusal("UnknownOperationException"),
    }
}

impl Plane {
    /// A call of CloudFormation.
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
                ];
                answer::stacks(&outputs)
            }
            Some("ListStackResources") => answer::resources(&self.template.physical_resources()),
            Some("GetTemplate") => {
                let timeout = lock(&self.settings).timeout;
                answer::template(&self.template.processed(timeout).to_string())
            }
            _ => answer::refusal("InvalidAction"),
        }
    }

    fn concurrency(&self, method: &Method, name: &str, body: &[u8]) -> Response {
        if !self.runtime.names().any(|known| known == name) {
            return answer::refusal("ResourceNotFoundException");
        }
        match *method {
            Method::GET => {}
            _ if !self.may_change() => return answer::refusal("ServiceException"),
            Method::PUT => {
                let reserved = field(body, "ReservedConcurrentExecutions");
                let reserved = reserved.as_u64().and_then(|n| u32::try_from(n).ok());
                self.runtime.reserve(name, reserved);
            }
            _ => {
                self.runtime.reserve(name, None);
                return answer::nothing();
            }
        }
        answer::json(&match self.runtime.reserved(name) {
            Some(reserved) => json!({ "ReservedConcurrentExecutions": reserved }),
            None => json!({}),
        })
    }

    fn mapping(&self, method: &Method, id: &str, body: &[u8]) -> Response {
        let Some(mapping) = self.mappings.get(id) else {
            return answer::refusal("ResourceNotFoundException");
        };
        if *method == Method::PUT {
            if !self.may_change() {
                return answer::refusal("ServiceException");
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
        answer::json(&json!({ "UUID": id, "State": state }))
    }

    fn may_change(&self) -> bool {
        match &mut lock(&self.settings).changes_left {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }
}

fn field(body: &[u8], name: &str) -> Value {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    body.get(name).cloned().unwrap_or_default()
}
