//! The error of the local stack. A developer reads it in a terminal, so it says what to do.

use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{path}: {source}")]
    File {
        path: PathBuf,
        source: std::io::Error,
    },
    /// `template.yaml` lacks something or has something that the stack does not support.
    #[error("template.yaml: {0}")]
    Template(String),
    #[error("port {port} is in use; set {setting} to another one")]
    PortInUse {
        port: u16,
        /// The environment variable that sets the port.
        setting: &'static str,
    },
    /// A program that the stack starts is missing or failed.
    #[error("{0}")]
    Tool(String),
    #[error("{what}: {source}")]
    Network {
        what: String,
        source: std::io::Error,
    },
    #[error("{operation}: {kind}: {message}")]
    Database {
        operation: String,
        /// The exception without its namespace, or `Unreachable` without an answer.
        kind: String,
        message: String,
    },
    #[error("{name}={value}: {expected}")]
    Setting {
        name: &'static str,
        value: String,
        expected: &'static str,
    },
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Adds the file to an I/O error.
    pub fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    /// Adds the action that failed to a network error.
    pub fn network(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Network { what, source }
    }
}
