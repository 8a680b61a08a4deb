//! The calls that a fake has answered, for tests that read them.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

/// How many exchanges are kept.
const KEPT: usize = 10_000;

/// A call and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    pub method: String,
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub body: Bytes,
    pub status: u16,
    pub answer: Bytes,
}

/// The last exchanges, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Exchanges(VecDeque<Exchange>);

impl Exchanges {
    pub(crate) fn keep(&mut self, exchange: Exchange) {
        if self.0.len() >= KEPT {
            self.0.pop_front();
        }
        self.0.push_back(exchange);
    }

    pub(crate) fn all(&self) -> Vec<Exchange> {
        self.0.iter().cloned().collect()
    }
}
