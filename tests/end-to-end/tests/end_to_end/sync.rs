//! `GET /sync`: whom to check again.

mod following;
mod lag;
mod resets;

use end_to_end::{Call, Workspace};
use serde_json::Value;

/// A reader that follows the cursors.
pub struct Reader<'a> {
    workspace: &'a Workspace<'a>,
    pub cursor: String,
    limit: u64,
}

impl<'a> Reader<'a> {
    /// A reader of everything from now on.
    pub async fn start(workspace: &'a Workspace<'a>) -> Self {
        let answer = sync(workspace, None, 500).await;
        assert_eq!(users(&answer), [0; 0]);
        assert_eq!((&answer["more"], &answer["reset"]), (&0.into(), &0.into()));
        let cursor = answer["cursor"].as_str().unwrap().to_owned();
        Self {
            workspace,
            cursor,
            limit: 500,
        }
    }

    pub fn by(self, limit: u64) -> Self {
        Self { limit, ..self }
    }

    /// One call.
    pub async fn call(&mut self) -> Value {
        let answer = sync(self.workspace, Some(&self.cursor), self.limit).await;
        answer["cursor"]
            .as_str()
            .unwrap()
            .clone_into(&mut self.cursor);
        answer
    }

    /// The users named until there is no more.
    pub async fn read(&mut self) -> Vec<u64> {
        let mut named = Vec::new();
        loop {
            let answer = self.call().await;
            assert_eq!(answer["reset"], 0, "{answer}");
            named.extend(users(&answer));
            if answer["more"] == 0 {
                named.sort_unstable();
                named.dedup();
                return named;
            }
        }
    }
}

/// The answer to one call.
async fn sync(workspace: &Workspace<'_>, cursor: Option<&str>, limit: u64) -> Value {
    let mut call = Call::get("/sync").query("limit", limit);
    if let Some(cursor) = cursor {
        call = call.query("cursor", cursor);
    }
    workspace.send(call).await.success()
}

fn users(answer: &Value) -> Vec<u64> {
    let users = answer["userIds"].as_array().unwrap().iter();
    users.map(|user| user.as_u64().unwrap()).collect()
}
