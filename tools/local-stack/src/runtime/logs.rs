//! The functions' output.

use std::collections::VecDeque;

use parking_lot::Mutex;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

const KEPT: usize = 100_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    pub instance: usize,
    pub is_error: bool,
    pub text: String,
}

impl LogLine {
    /// The line as JSON, if it is JSON.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_str(&self.text).ok()
    }
}

#[derive(Debug, Default)]
pub(super) struct Logs(Mutex<VecDeque<LogLine>>);

impl Logs {
    pub(super) fn lines(&self) -> Vec<LogLine> {
        self.0.lock().iter().cloned().collect()
    }

    pub(super) fn push(&self, line: LogLine) {
        let mut lines = self.0.lock();
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
