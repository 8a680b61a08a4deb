//! One error for the whole stack: it is read by a developer in a terminal, so each says what to do.

use std::path::PathBuf;

/// Why the local stack, or a part of it, could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file in question.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// `template.yaml` does not say what the stack needs to know.
    #[error("template.yaml: {0}")]
    Template(String),
    /// Somebody else listens there.
    #[error("port {port} is in use; set {setting} to another one")]
    PortInUse {
        /// The port asked for.
        port: u16,
        /// The environment variable that picks another.
        setting: &'static str,
    },
    /// A program that the stack starts is not installed, or ended at once.
    #[error("{0}")]
    Tool(String),
    /// An address could not be bound, or a connection failed.
    #[error("{what}: {source}")]
    Network {
        /// What was being done.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database answered with an error.
    #[error("{operation}: {kind}: {message}")]
    Database {
        /// The DynamoDB operation.
        operation: String,
        /// The exception without its namespace, `Unreachable` if there was no answer at all.
        kind: String,
        /// What the database said.
        message: String,
    },
    /// A setting has a value that cannot be meant.
    #[error("{name}={value}: {expected}")]
    Setting {
        /// The environment variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// What would be right.
        expected: &'static str,
    },
}

/// A result of the local stack.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Names the file that an input/output error is about.
    pub fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    /// Names what was being done when the network failed.
    pub fn network(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Network { what, source }
    }
}
