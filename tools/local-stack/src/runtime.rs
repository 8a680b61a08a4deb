//! Lambda on this machine: it starts the real function binaries and passes events to them.
//!
//! Each function has a fixed number of instances. An instance is a process that takes one event after the
//! other over the Runtime API. When it exits, is killed or times out, its call fails and a new process replaces it.

mod api;
mod instance;
mod logs;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot, watch};
use uuid::Uuid;

pub use instance::Timing;
pub use logs::LogLine;

use crate::{Error, Result, http::Guard, lambda_api::Functions, template::Function};
use instance::Instance;
use logs::Logs;

/// Lambda's limit for an event and for an answer.
pub const PAYLOAD_LIMIT: usize = 6 * 1024 * 1024;

/// The error of a call to a stopped function.
pub(crate) const THROTTLED: &str = "TooManyRequestsException";

#[derive(Debug, Clone)]
pub struct FunctionSpec {
    pub name: String,
    pub binary: PathBuf,
    pub instances: usize,
    /// The whole environment, without the variables that the platform adds.
    pub environment: BTreeMap<String, String>,
    /// Variables of single instances, by their number.
    pub of_instances: Vec<BTreeMap<String, String>>,
    pub timeout: Duration,
    /// The memory size that the function sees, in MB.
    pub memory: u64,
}

impl FunctionSpec {
    /// A function of the template. Its binary is in a folder such as `target/debug`, and `variables` extend
    /// the template's environment ([`crate::aws_environment`]).
    pub fn of(
        function: &Function,
        binaries: &std::path::Path,
        instances: usize,
        variables: &[(String, String)],
    ) -> Self {
        let mut environment = function.environment.clone();
        environment.extend(variables.iter().cloned());
        Self {
            name: function.name.clone(),
            binary: binaries.join(&function.name),
            instances,
            environment,
            of_instances: Vec::new(),
            timeout: function.timeout,
            memory: function.memory,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallError {
    /// Such as `Runtime.ExitError` or `Sandbox.Timedout`.
    pub kind: String,
    pub message: String,
}

impl CallError {
    pub(crate) fn new(kind: &str, message: impl Into<String>) -> Self {
        Self {
            kind: kind.to_owned(),
            message: message.into(),
        }
    }

    /// Parses an error from a runtime or from Lambda's invocation API. `kind` applies if the body has no
    /// error type.
    pub(crate) fn read(body: &[u8], kind: Option<&str>) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |key: &str| body.get(key).and_then(Value::as_str);
        Self::new(
            text("errorType")
                .or(kind)
                .unwrap_or("Runtime.UnknownReason"),
            text("errorMessage").unwrap_or_default(),
        )
    }

    /// The error as Lambda's invocation API returns it.
    pub fn body(&self) -> String {
        json!({ "errorType": self.kind, "errorMessage": self.message }).to_string()
    }
}

pub type Outcome = std::result::Result<Bytes, CallError>;

/// The running functions. Their processes end when the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Runtime {
    functions: Arc<BTreeMap<String, Running>>,
}

#[derive(Debug)]
struct Running {
    pool: Arc<Pool>,
    /// Reserved concurrency: 0 stops the function, other values have no effect.
    reserved: Mutex<Option<u32>>,
    _supervisors: Vec<Guard>,
}

/// The shared state of a function's instances.
#[derive(Debug)]
struct Pool {
    spec: FunctionSpec,
    /// Whether the function has been called. Its processes start with the first call.
    called: watch::Sender<bool>,
    timeout: Mutex<Duration>,
    calls: mpsc::UnboundedSender<Call>,
    waiting: AsyncMutex<mpsc::UnboundedReceiver<Call>>,
    instances: Vec<Instance>,
    logs: Logs,
}

#[derive(Debug)]
struct Call {
    id: String,
    event: Bytes,
    reply: oneshot::Sender<Outcome>,
}

impl Runtime {
    /// Prepares functions. Their processes start with the first call.
    pub async fn start(specs: Vec<FunctionSpec>) -> Result<Self> {
        let mut functions = BTreeMap::new();
        for spec in specs {
            let present = tokio::fs::try_exists(&spec.binary).await.unwrap_or(false);
            if !present {
                let binary = spec.binary.display();
                return Err(Error::Tool(format!(
                    "{binary} is missing; build the functions first"
                )));
            }
            let (calls, waiting) = mpsc::unbounded_channel();
            let pool = Arc::new(Pool {
                instances: (0..spec.instances.max(1))
                    .map(|_| Instance::default())
                    .collect(),
                called: watch::Sender::new(false),
                timeout: Mutex::new(spec.timeout),
                calls,
                waiting: AsyncMutex::new(waiting),
                logs: Logs::default(),
                spec,
            });
            let supervisors = (0..pool.instances.len())
                .map(|index| Guard::new(instance::supervise(Arc::clone(&pool), index)))
                .collect();
            let name = pool.spec.name.clone();
            functions.insert(
                name,
                Running {
                    pool,
                    reserved: Mutex::default(),
                    _supervisors: supervisors,
                },
            );
        }
        Ok(Self {
            functions: Arc::new(functions),
        })
    }

    /// Calls a function and waits for its answer. If the caller stops waiting, the function still runs to its
    /// end.
    pub async fn invoke(&self, function: &str, event: Bytes) -> Outcome {
        let Some(running) = self.functions.get(function) else {
            let message = format!("Function not found: {function}");
            return Err(CallError::new("ResourceNotFoundException", message));
        };
        if *running.reserved.lock() == Some(0) {
            return Err(CallError::new(THROTTLED, "Rate Exceeded."));
        }
        if event.len() > PAYLOAD_LIMIT {
            let message = format!("{} bytes are over the limit", event.len());
            return Err(CallError::new("RequestEntityTooLargeException", message));
        }
        let (reply, outcome) = oneshot::channel();
        let call = Call {
            id: Uuid::new_v4().to_string(),
            event,
            reply,
        };
        let gone = || CallError::new("ServiceException", "the runtime is shutting down");
        running
            .pool
            .called
            .send_if_modified(|called| !std::mem::replace(called, true));
        running.pool.calls.send(call).map_err(|_| gone())?;
        outcome.await.map_err(|_| gone())?
    }

    /// Kills the process of an instance, which gets a new one. False if there is no such instance.
    #[must_use = "a test that kills nothing tests nothing"]
    pub fn kill(&self, function: &str, instance: usize) -> bool {
        let instance = self
            .pool(function)
            .and_then(|pool| pool.instances.get(instance));
        instance.inspect(|instance| instance.kill()).is_some()
    }

    /// The instances that are processing an event.
    pub fn busy(&self, function: &str) -> Vec<usize> {
        let instances = self
            .pool(function)
            .map(|pool| pool.instances.iter().enumerate());
        instances
            .into_iter()
            .flatten()
            .filter(|(_, i)| i.is_busy())
            .map(|(at, _)| at)
            .collect()
    }

    /// The process id of a function's first instance.
    pub fn process(&self, function: &str) -> Option<u32> {
        self.pool(function)?.instances.first()?.process()
    }

    /// The times of the last call of a function's first instance.
    pub fn timing(&self, function: &str) -> Option<Timing> {
        self.pool(function)?.instances.first()?.timing()
    }
    pub fn starts(&self, function: &str) -> u64 {
        self.pool(function)
            .map_or(0, |pool| pool.instances.iter().map(Instance::starts).sum())
    }

    /// The output of a function's instances, oldest first; at most 100,000 lines.
    pub fn logs(&self, function: &str) -> Vec<LogLine> {
        self.pool(function)
            .map(|pool| pool.logs.lines())
            .unwrap_or_default()
    }

    /// Sets or removes a function's reserved concurrency. 0 stops the function after the events in progress.
    pub fn reserve(&self, function: &str, reserved: Option<u32>) {
        if let Some(running) = self.functions.get(function) {
            *running.reserved.lock() = reserved;
        }
    }
    pub fn reserved(&self, function: &str) -> Option<u32> {
        *self.functions.get(function)?.reserved.lock()
    }

    /// Changes the timeout of a function's further calls.
    pub fn set_timeout(&self, function: &str, timeout: Duration) {
        if let Some(pool) = self.pool(function) {
            *pool.timeout.lock() = timeout;
        }
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.functions.keys().map(String::as_str)
    }

    fn pool(&self, function: &str) -> Option<&Pool> {
        self.functions
            .get(function)
            .map(|running| running.pool.as_ref())
    }
}

impl Functions for Runtime {
    fn knows(&self, function: &str) -> bool {
        self.functions.contains_key(function)
    }

    async fn call(&self, function: &str, event: Bytes) -> Outcome {
        self.invoke(function, event).await
    }
}
