//! Lambda on this machine: starts the real function binaries and hands them events.
//!
//! Each function has a fixed number of instances, each a process that takes one event at a time
//! over the Runtime API. An instance that exits, is killed or overruns its time fails the call it
//! had, and is replaced, as the platform does it.

mod api;
mod instance;
mod logs;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot, watch};
use uuid::Uuid;

pub use logs::LogLine;

use crate::{Error, Result, http::Guard, lambda_api::Functions, lock::lock, template::Function};
use instance::Instance;
use logs::Logs;

/// The largest event and the largest answer that Lambda carries.
pub const PAYLOAD_LIMIT: usize = 6 * 1024 * 1024;

/// The kind of a failure for want of an environment: the function is stopped.
pub(crate) const THROTTLED: &str = "TooManyRequestsException";

/// What to run, and how.
#[derive(Debug, Clone)]
pub struct FunctionSpec {
    /// Its name, such as `is-banned`.
    pub name: String,
    /// The program.
    pub binary: PathBuf,
    /// How many processes of it.
    pub instances: usize,
    /// Its whole environment, what the platform adds excepted.
    pub environment: BTreeMap<String, String>,
    /// What single instances have in their environment besides, by their number.
    pub of_instances: Vec<BTreeMap<String, String>>,
    /// How long one call may take.
    pub timeout: Duration,
    /// The memory it is told it has, in MB.
    pub memory: u64,
}

impl FunctionSpec {
    /// A function of the template, its binary in a folder such as `target/debug`, with variables
    /// added to those of the template ([`crate::aws_environment`]).
    #[must_use]
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

/// Why a call failed, as the platform would say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallError {
    /// Such as `Runtime.ExitError` or `Sandbox.Timedout`.
    pub kind: String,
    /// What happened.
    pub message: String,
}

impl CallError {
    pub(crate) fn new(kind: &str, message: impl Into<String>) -> Self {
        Self {
            kind: kind.to_owned(),
            message: message.into(),
        }
    }

    /// The error that a runtime reports of its function, or Lambda's invocation API answers;
    /// `kind` is what it is called if the body does not say.
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

    /// The body that Lambda's invocation API answers.
    #[must_use]
    pub fn body(&self) -> String {
        json!({ "errorType": self.kind, "errorMessage": self.message }).to_string()
    }
}

/// The answer of a function, or why there is none.
pub type Outcome = std::result::Result<Bytes, CallError>;

/// A running set of functions; all processes end when the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Runtime {
    functions: Arc<BTreeMap<String, Running>>,
}

#[derive(Debug)]
struct Running {
    pool: Arc<Pool>,
    /// Its reserved concurrency. 0 stops it; of others nothing is made here.
    reserved: Mutex<Option<u32>>,
    _supervisors: Vec<Guard>,
}

/// What the instances of one function share.
#[derive(Debug)]
struct Pool {
    spec: FunctionSpec,
    /// Has there been a call? Until then no process of it is started.
    called: watch::Sender<bool>,
    /// How long one call may take.
    timeout: Mutex<Duration>,
    calls: mpsc::UnboundedSender<Call>,
    waiting: AsyncMutex<mpsc::UnboundedReceiver<Call>>,
    instances: Vec<Instance>,
    logs: Logs,
}

/// One event on its way.
#[derive(Debug)]
struct Call {
    id: String,
    event: Bytes,
    reply: oneshot::Sender<Outcome>,
}

impl Runtime {
    /// Makes every function ready to be called. Its instances start with its first call.
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

    /// Calls a function and waits for its answer.
    ///
    /// A call whose caller stops waiting is carried out all the same.
    pub async fn invoke(&self, function: &str, event: Bytes) -> Outcome {
        let Some(running) = self.functions.get(function) else {
            let message = format!("Function not found: {function}");
            return Err(CallError::new("ResourceNotFoundException", message));
        };
        if *lock(&running.reserved) == Some(0) {
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

    /// Kills an instance where it stands; another takes its place. False if there is none such.
    #[must_use = "a test that kills nothing tests nothing"]
    pub fn kill(&self, function: &str, instance: usize) -> bool {
        let instance = self
            .pool(function)
            .and_then(|pool| pool.instances.get(instance));
        instance.inspect(|instance| instance.kill()).is_some()
    }

    /// The instances that have an event in hand.
    #[must_use]
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

    /// How many processes of a function have been started, replacements included.
    #[must_use]
    pub fn starts(&self, function: &str) -> u64 {
        self.pool(function)
            .map_or(0, |pool| pool.instances.iter().map(Instance::starts).sum())
    }

    /// What the instances of a function have written, oldest first; at most the last 100,000 lines.
    #[must_use]
    pub fn logs(&self, function: &str) -> Vec<LogLine> {
        self.pool(function)
            .map(|pool| pool.logs.lines())
            .unwrap_or_default()
    }

    /// Reserves concurrency for a function, or no longer does so; 0 stops it, and what it has in hand
    /// goes on.
    pub fn reserve(&self, function: &str, reserved: Option<u32>) {
        if let Some(running) = self.functions.get(function) {
            *lock(&running.reserved) = reserved;
        }
    }

    /// The reserved concurrency of a function, if there is one.
    #[must_use]
    pub fn reserved(&self, function: &str) -> Option<u32> {
        *lock(&self.functions.get(function)?.reserved)
    }

    /// Gives a function another time limit for its calls from now on.
    pub fn set_timeout(&self, function: &str, timeout: Duration) {
        if let Some(pool) = self.pool(function) {
            *lock(&pool.timeout) = timeout;
        }
    }

    /// The names of the functions.
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
