//! Roblox asks to erase users with evidence, while an upload runs.

use std::time::Duration;

use serde_json::Value;
use shared::domain::ids::UserId;

use super::{Client, moderator};
use crate::history::{CallResult, Content, ErasureRequest, EvidenceCall, Operation, Submission};
use crate::plan::millis;
use crate::recorder::CallOptions;

/// How often a call is made until it succeeds.
const ATTEMPTS: usize = 8;

/// A user with evidence.
#[derive(Clone, Debug)]
pub struct Subject {
    pub user: UserId,
    /// What is to become of them.
    pub fate: Fate,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The first notification was answered 200.
    Erased,
    /// No notification was, or only a repeat, which keeps what was decided since the first.
    ToBeErased,
    /// These pieces stay.
    Kept(Vec<String>),
}

/// Bans users, adds evidence and has most of them erased, until the run is over.
pub async fn erase(mut client: Client<'_>, first: u64, secret: &str) -> Vec<Subject> {
    let (mut subjects, mut count) = (Vec::new(), 0);
    while client.pause(100, 800).await {
        count += 1;
        let Some(user) = UserId::new(500_000 + count) else {
            break;
        };
        let number = first + 10 * count;
        let fate = act(&mut client, user, number, count % 4 == 0, secret).await;
        let fate = fate.unwrap_or(Fate::ToBeErased);
        subjects.push(Subject { user, fate });
    }
    subjects
}

/// Bans a user, adds a text and a file, and has the user erased during the upload. `None` if a call
/// did not succeed.
async fn act(
    client: &mut Client<'_>,
    user: UserId,
    number: u64,
    is_kept: bool,
    secret: &str,
) -> Option<Fate> {
    let experience = client.experience()?;
    let request = moderator::ban(client, (user, experience), number, 0)?;
    let ban = Operation::Ban {
        request,
        appeal: false,
    };
    let banned = succeed(client, ban).await?;
    let case = banned.pointer("/ban/guid")?.as_str()?;
    let piece = |content, number| Submission {
        case: case.to_owned(),
        user: Some(user),
        number,
        content,
    };
    let (text, picture) = (
        piece(Content::Text, number + 1),
        piece(Content::Picture, number + 2),
    );
    let create = |piece: &Submission| Operation::Evidence(EvidenceCall::Create(piece.clone()));
    let text = succeed(client, create(&text)).await?;
    let file = succeed(client, create(&picture)).await?;
    let (text, guid) = (guid_of(&text)?, guid_of(&file)?);
    if is_kept {
        upload(client, &guid, &file, &picture).await;
        let complete = Operation::Evidence(EvidenceCall::Complete(guid.clone()));
        succeed(client, complete).await?;
        return Some(Fate::Kept(vec![text, guid]));
    }
    let request = ErasureRequest::new(user, secret);
    let notify = Operation::Erase(request);
    let later = millis(&mut client.rng, 0, 60);
    let another = create(&piece(Content::Text, number + 3));
    let (_, _, erased) = futures::join!(
        upload_and_complete(client, &guid, &file, &picture),
        client.call(another, CallOptions::default()),
        notify_later(client, later, &notify),
    );
    if is_success(&erased) {
        return Some(Fate::Erased);
    }
    succeed(client, notify).await?;
    Some(Fate::ToBeErased)
}

async fn notify_later(client: &Client<'_>, later: Duration, notify: &Operation) -> CallResult {
    tokio::time::sleep(later).await;
    client.call(notify.clone(), CallOptions::default()).await
}

async fn upload_and_complete(
    client: &Client<'_>,
    guid: &str,
    created: &Value,
    file: &Submission,
) -> (CallResult, CallResult) {
    upload(client, guid, created, file).await;
    let complete = Operation::Evidence(EvidenceCall::Complete(guid.to_owned()));
    let send = || client.call(complete.clone(), CallOptions::default());
    futures::join!(send(), send())
}

async fn upload(client: &Client<'_>, guid: &str, created: &Value, file: &Submission) {
    let from = (client.workspace, client.name.as_str());
    if let Some(upload) = created.get("upload") {
        let bytes = file.bytes();
        client.recorder.upload(from, guid, upload, &bytes).await;
    }
}

/// Makes a call until it succeeds; returns its answer.
async fn succeed(client: &mut Client<'_>, operation: Operation) -> Option<Value> {
    for _ in 0..ATTEMPTS {
        let result = client.call(operation.clone(), CallOptions::default()).await;
        if is_success(&result) {
            return result.body().cloned();
        }
        tokio::time::sleep(millis(&mut client.rng, 50, 500)).await;
    }
    None
}

const fn is_success(result: &CallResult) -> bool {
    matches!(result, CallResult::Answered { status: 200, .. })
}

fn guid_of(piece: &Value) -> Option<String> {
    piece.get("evidenceGuid")?.as_str().map(str::to_owned)
}
