//! The read that every request of a route begins with, made once before the first request.

use super::schema::{self, Key};
use crate::store::Store;

/// The read that tells who calls. It is made while a function starts, so that the first request does
/// not pay for the TLS handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstRead {
    /// Of a key.
    Key,
    /// Of the workspaces that accept erasure requests.
    ErasureIntakes,
}

impl FirstRead {
    /// The action that the function's role needs for it, on the table of workspaces.
    #[must_use]
    pub const fn action(self) -> &'static str {
        match self {
            Self::Key => "dynamodb:GetItem",
            Self::ErasureIntakes => "dynamodb:Query",
        }
    }

    /// The partition key that it asks for.
    #[must_use]
    pub fn partition(self) -> String {
        match self {
            Self::Key => absent_key().pk,
            Self::ErasureIntakes => schema::ERASURE_INTAKES.to_owned(),
        }
    }
}

/// A key that nobody can send.
fn absent_key() -> Key {
    Key::api_key("")
}

impl Store {
    /// Makes the read. A failure is left to the first request.
    pub async fn warm_up(&self, read: FirstRead) {
        match read {
            FirstRead::Key => drop(self.database.get(absent_key()).await),
            FirstRead::ErasureIntakes => drop(self.erasure_intakes().await),
        }
    }
}
