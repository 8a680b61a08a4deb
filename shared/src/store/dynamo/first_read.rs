//! The first read of every request of a route, made once before the first request.

use super::schema::{self, Key};
use crate::store::Store;

/// The read that identifies the caller. A function makes it while it starts, so that the first
/// request does not pay for the TLS handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstRead {
    /// Of a key.
    Key,
    /// Of a member's session.
    Session,
    /// Of the workspaces that accept erasure requests.
    ErasureIntakes,
}

impl FirstRead {
    /// The action that it requires in the function's role, on the workspaces table.
    #[must_use]
    pub const fn action(self) -> &'static str {
        match self {
            Self::Key | Self::Session => "dynamodb:GetItem",
            Self::ErasureIntakes => "dynamodb:Query",
        }
    }

    /// The partition key that it reads.
    #[must_use]
    pub fn partition(self) -> String {
        match self {
            Self::Key => absent_key().pk,
            Self::Session => absent_session().pk,
            Self::ErasureIntakes => schema::ERASURE_INTAKES.to_owned(),
        }
    }
}

/// A session that no member has.
fn absent_session() -> Key {
    Key {
        pk: schema::MEMBERS.to_owned(),
        sk: "S".to_owned(),
    }
}

/// A key that no caller can send.
fn absent_key() -> Key {
    Key::api_key("")
}

impl Store {
    /// Makes the read. A failure is left to the first request.
    pub async fn warm_up(&self, read: FirstRead) {
        match read {
            FirstRead::Key => drop(self.database.get(absent_key()).await),
            FirstRead::Session => drop(self.database.get(absent_session()).await),
            FirstRead::ErasureIntakes => drop(self.erasure_intakes().await),
        }
    }
}
