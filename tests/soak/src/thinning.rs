//! Last of all most users are forgotten, and the log is read once more: what is left of it, in small
//! pages, must be all of what is left.

use end_to_end::{Call, Workspace, age_log};
use serde_json::Value;
use shared::domain::ids::UserId;
use shared::store::ErasureSource;

/// How many events are asked for at a time.
const PAGE: usize = 3;

/// Forgets three of four users and reads what is left of `log`. Says what is wrong with it.
pub async fn thin_out(
    workspace: &Workspace<'_>,
    users: impl Iterator<Item = UserId>,
    log: &[Value],
) -> Vec<String> {
    let store = workspace.app().store();
    for user in users.filter(|user| is_forgotten(user.get())) {
        let forgotten = store
            .erase_user(workspace.id().prefix(), user, ErasureSource::Operator)
            .await;
        if let Err(error) = forgotten {
            return vec![format!("{user} cannot be forgotten: {error}")];
        }
    }
    age_log(workspace).await;
    let is_left = |event: &&Value| {
        let user = event.pointer("/data/robloxId").and_then(Value::as_u64);
        user.is_none_or(|user| !is_forgotten(user))
    };
    let left: Vec<_> = log.iter().filter(is_left).cloned().collect();
    let mut read = Vec::new();
    let mut request = Call::get("/events").query("limit", PAGE);
    loop {
        let answer = workspace.send(request).await;
        if answer.status != 200 {
            return vec![format!("with most of it gone, the log answers {answer}")];
        }
        let page = answer.list();
        let Some(cursor) = answer.next_cursor().filter(|_| !page.is_empty()) else {
            break;
        };
        read.extend(page);
        request = Call::get("/events")
            .query("limit", PAGE)
            .query("cursor", cursor);
    }
    if read == left {
        return Vec::new();
    }
    let (read, left) = (read.len(), left.len());
    vec![format!(
        "of {left} events that are left of {}, {read} are read, or others",
        log.len()
    )]
}

const fn is_forgotten(user: u64) -> bool {
    !user.is_multiple_of(4)
}
