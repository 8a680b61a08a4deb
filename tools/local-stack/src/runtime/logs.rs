//! What the functions write to stdout and stderr.

use std::{collections::VecDeque, sync::Mutex};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

use crate::lock::lock;

/// How many lines of a function are kept.
const KEPT: usize = 100_000;

/// One line of output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The instance that wrote it.
    pub instance: usize,
    /// Was it written to stderr?
    pub is_error: bool,
    /// The line.
    pub text: String,
}

impl LogLine {
    /// The line as JSON, if it is that.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        serde_json::from_str(&self.text).ok()
    }
}

#[derive(Debug, Default)]
pub(super) struct Logs(Mutex<VecDeque<LogLine>>);

impl Logs {
    pub(super) fn lines(&self) -> Vec<LogLine> {
        lock(&self.0).iter().cloned().collect()
    }

    pub(super) fn push(&self, line: LogLine) {
        let mut lines = lock(&self.0);
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// Copies a pipe until it closes.
    pub(super) async fn copy(
        &self,
        pipe: Option<impl AsyncRead + Unpin>,
        instance: usize,
        is_error: bool,
    ) {
        let Some(pipe) = pipe else { return };
        let mut lines = BufReader::new(pipe).lines();
        while let Ok(Some(text)) = lines.next_line().await {
            self.push(LogLine {
                instance,
                is_error,
                text,
            });
        }
    }
}
