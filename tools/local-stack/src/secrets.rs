//! Secrets Manager on this machine: secrets by name, their versions and stages, over its own
//! protocol.
//!
//! A secret lives in memory, and in a file where data is kept. Nothing is encrypted and nobody is
//! asked who he is.

mod vault;

use std::{
    fmt, fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::{
    Error, Result,
    http::{self, Guard},
    lock::lock,
};
use vault::{Refusal, Vault};

/// A running service; it stops when this is dropped.
#[derive(Debug)]
pub struct Secrets {
    endpoint: String,
    state: Arc<Mutex<Kept>>,
    _server: Guard,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretCall {
    /// Such as `GetSecretValue`.
    pub operation: String,
    /// The name or ARN in the request.
    pub secret: String,
}

/// All there is to remember.
struct Kept {
    vault: Vault,
    file: Option<PathBuf>,
    calls: Vec<SecretCall>,
    refused: Option<&'static str>,
}

impl fmt::Debug for Kept {
    /// Says nothing of what the secrets are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").finish_non_exhaustive()
    }
}

/// How many requests are remembered.
const REMEMBERED: usize = 10_000;

impl Secrets {
    /// Starts the service on a port (0: any free one). What it is told is kept in `file`, if there
    /// is one.
    pub async fn start(file: Option<&Path>, port: u16) -> Result<Self> {
        let (listener, _) = http::listen(port, "SECRETS_PORT").await?;
        let endpoint = http::address(&listener)?;
        let vault = match file {
            Some(file) if file.exists() => read(file)?,
            _ => Vault::default(),
        };
        let state = Arc::new(Mutex::new(Kept {
            vault,
            file: file.map(Path::to_owned),
            calls: Vec::new(),
            refused: None,
        }));
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&state));
        Ok(Self {
            endpoint,
            state,
            _server: http::serve(listener, router),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Gives a secret a value, and makes the secret if there is none of that name; its ARN.
    pub fn set(&self, name: &str, value: &str) -> Result<String> {
        let mut kept = lock(&self.state);
        let put = json!({ "SecretId": name, "SecretString": value });
        let done = match kept.vault.call("PutSecretValue", &put) {
            Err(refusal) if refusal.kind == Refusal::NOT_FOUND => {
                let create = json!({ "Name": name, "SecretString": value });
                kept.vault.call("CreateSecret", &create)
            }
            other => other,
        };
        kept.write();
        let done = done.map_err(|refusal| Error::Tool(format!("{name}: {}", refusal.message)))?;
        let arn = done.get("ARN").and_then(Value::as_str);
        Ok(arn.unwrap_or_default().to_owned())
    }

    /// The present value of a secret, by name or ARN.
    #[must_use]
    pub fn get(&self, secret: &str) -> Option<String> {
        let get = json!({ "SecretId": secret });
        let found = lock(&self.state).vault.call("GetSecretValue", &get).ok()?;
        Some(found.get("SecretString")?.as_str()?.to_owned())
    }

    /// Takes a secret away for good.
    pub fn remove(&self, secret: &str) {
        let mut kept = lock(&self.state);
        let delete = json!({ "SecretId": secret, "ForceDeleteWithoutRecovery": true });
        // One that is not there is gone.
        let _ = kept.vault.call("DeleteSecret", &delete);
        kept.write();
    }

    /// From now on answers every request with an error such as `AccessDeniedException`; with `None`
    /// no longer.
    pub fn refuse(&self, kind: Option<&'static str>) {
        lock(&self.state).refused = kind;
    }

    /// The requests so far, oldest first.
    #[must_use]
    pub fn calls(&self) -> Vec<SecretCall> {
        lock(&self.state).calls.clone()
    }
}

impl Kept {
    fn answer(&mut self, operation: &str, input: &Value) -> std::result::Result<Value, Refusal> {
        let secret = input.get("SecretId").or_else(|| input.get("Name"));
        let secret = secret.and_then(Value::as_str).unwrap_or_default();
        if self.calls.len() < REMEMBERED {
            self.calls.push(SecretCall {
                operation: operation.to_owned(),
                secret: secret.to_owned(),
            });
        }
        if let Some(kind) = self.refused {
            return Err(Refusal::new(kind, "The request is refused."));
        }
        let answer = self.vault.call(operation, input)?;
        if !matches!(operation, "GetSecretValue" | "DescribeSecret") {
            self.write();
        }
        Ok(answer)
    }

    /// Writes the secrets to the file, whole or not at all.
    fn write(&self) {
        let Some(file) = &self.file else { return };
        let new = file.with_extension("new");
        let write = || {
            if let Some(folder) = file.parent() {
                fs::create_dir_all(folder)?;
            }
            // Left by a run that was ended while it wrote.
            let _ = fs::remove_file(&new);
            let mut options = fs::OpenOptions::new();
            let mut open = options
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&new)?;
            open.write_all(&serde_json::to_vec(&self.vault)?)?;
            fs::rename(&new, file)
        };
        if let Err(error) = write() {
            eprintln!("secrets: {}: {error}", file.display());
        }
    }
}

fn read(file: &Path) -> Result<Vault> {
    let text = fs::read(file).map_err(Error::file(file))?;
    serde_json::from_slice(&text).map_err(|e| Error::Tool(format!("{}: {e}", file.display())))
}

async fn answer(
    State(state): State<Arc<Mutex<Kept>>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let target = headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok())
        .unwrap_or_default();
    let operation = target.strip_prefix("secretsmanager.").unwrap_or(target);
    let outcome = match serde_json::from_slice(&body) {
        Ok(input) => lock(&state).answer(operation, &input),
        Err(error) => Err(Refusal::new("SerializationException", error.to_string())),
    };
    let (status, body) = match outcome {
        Ok(answer) => (StatusCode::OK, answer),
        Err(refusal) => {
            let body = json!({ "__type": refusal.kind, "Message": refusal.message });
            (StatusCode::BAD_REQUEST, body)
        }
    };
    let headers = [("content-type", "application/x-amz-json-1.1")];
    (status, headers, body.to_string()).into_response()
}
