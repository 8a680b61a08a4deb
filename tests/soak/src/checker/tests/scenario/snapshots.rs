//! A reader gets a snapshot, and the changes since.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use shared::domain::banned_users::BannedUsers;
use shared::domain::ids::UserId;

use super::Scenario;
use crate::clients::SNAPSHOT_READER;
use crate::history::{CallResult, Operation, RecordedCall};

/// The cursor of a position in the log, with an empty MAC.
pub fn cursor(position: usize) -> String {
    let position = format!("0.{position}.1800000000");
    URL_SAFE_NO_PAD.encode([&[1; 17], position.as_bytes()].concat())
}

impl Scenario {
    /// A snapshot of these users, complete up to a position.
    pub fn snapshot(&mut self, users: &[UserId], position: usize) -> &mut RecordedCall {
        let users = BannedUsers::new(users.to_vec());
        let body = json!({
            "count": users.count(),
            "users": STANDARD.encode(users.encode()),
            "cursor": cursor(position),
        });
        self.read_as_game(Operation::Snapshot, 200, body)
    }

    /// `/sync` names these users from one position to another.
    pub fn sync(&mut self, from: usize, users: &[UserId], to: usize) -> &mut RecordedCall {
        let sync = Operation::Sync {
            cursor: Some(cursor(from)),
            limit: 10,
        };
        let body = json!({ "userIds": users, "cursor": cursor(to), "reset": 0 });
        self.read_as_game(sync, 200, body)
    }

    pub fn read_as_game(
        &mut self,
        operation: Operation,
        status: u16,
        body: Value,
    ) -> &mut RecordedCall {
        let result = CallResult::Answered {
            status,
            body,
            request: None,
        };
        let call = self.record(operation, result);
        SNAPSHOT_READER.clone_into(&mut call.client);
        call
    }
}
