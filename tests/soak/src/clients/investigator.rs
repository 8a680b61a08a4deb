//! An investigator who adds evidence to bans, uploads and completes files, at times twice at once, and
//! reads, changes and removes what they added.

use serde_json::Value;
use shared::domain::ids::UserId;

use super::Client;
use crate::history::{CallResult, Content, EvidenceCall, Operation, Submission};
use crate::recorder::CallOptions;

/// A ban with its user.
type Case = (String, UserId);

/// Collects evidence until the run is over, with numbers from `first`.
pub async fn investigate(mut client: Client<'_>, first: u64) {
    let (mut case, mut count) = (None, first);
    let mut pieces: Vec<String> = Vec::new();
    while client.pause(50, 600).await {
        count += 1;
        match (client.rng.u8(..20), &case, client.rng.choice(&pieces)) {
            (0..3, ..) | (_, None, _) => case = look_up(&mut client).await.or(case),
            (3..12, Some(case), _) => {
                let submission = submission(&mut client, case, count);
                pieces.extend(submit(&mut client, &submission).await);
            }
            (12, Some((case, user)), _) => {
                let (case, user) = (case.clone(), Some(*user).filter(|_| client.rng.bool()));
                call(&mut client, EvidenceCall::List { case, user }).await;
            }
            (13, ..) => touch_stranger(&mut client, count).await,
            (_, _, None) => {}
            (_, _, Some(guid)) => {
                let call = about(&mut client, guid.clone(), count);
                twice_at_times(&mut client, call).await;
            }
        }
    }
}

/// A call about a piece.
fn about(client: &mut Client<'_>, guid: String, note: u64) -> EvidenceCall {
    match client.rng.u8(..6) {
        0 => EvidenceCall::Complete(guid),
        1 => EvidenceCall::Get(guid),
        2 => EvidenceCall::Metadata(guid),
        3..5 => EvidenceCall::Update { guid, note },
        _ => EvidenceCall::Delete(guid),
    }
}

/// A ban of a current user, with its evidence.
async fn look_up(client: &mut Client<'_>) -> Option<Case> {
    let (user, experience) = (client.user()?, client.experience()?);
    let options = CallOptions {
        includes_evidence: true,
        ..CallOptions::default()
    };
    let check = Operation::Check(user, experience);
    let ban = client.call(check, options).await;
    Some((ban.text("guid")?, user))
}

fn submission(client: &mut Client<'_>, (case, user): &Case, number: u64) -> Submission {
    Submission {
        case: case.clone(),
        user: Some(*user).filter(|_| client.chance(70)),
        number,
        content: match client.rng.u8(..10) {
            0..4 => Content::Text,
            4..9 => Content::Picture,
            _ => Content::Disguised,
        },
    }
}

/// Creates a piece. A file is usually uploaded and completed.
async fn submit(client: &mut Client<'_>, submission: &Submission) -> Option<String> {
    let create = Operation::Evidence(EvidenceCall::Create(submission.clone()));
    let created = client
        .retry_until_answered(&create, submission.number)
        .await;
    let guid = created.text("evidenceGuid")?;
    client.recorder.remember(client.workspace, &guid);
    if submission.content == Content::Text || client.chance(10) {
        return Some(guid);
    }
    if client.chance(90) {
        let upload = created.body()?.get("upload")?;
        upload_file(client, &guid, upload, &submission.bytes()).await;
    }
    if client.chance(90) {
        twice_at_times(client, EvidenceCall::Complete(guid.clone())).await;
    }
    Some(guid)
}

/// Uploads a file, at times twice at once.
async fn upload_file(client: &mut Client<'_>, guid: &str, upload: &Value, bytes: &[u8]) {
    let is_twice = client.chance(20);
    let from = (client.workspace, client.name.as_str());
    let recorder = client.recorder;
    let send = || recorder.upload(from, guid, upload, bytes);
    if is_twice {
        futures::join!(send(), send());
    } else {
        send().await;
    }
}

/// Tries to read, change or remove a piece of the other workspace.
async fn touch_stranger(client: &mut Client<'_>, note: u64) {
    let strangers = client.recorder.remembered_outside(client.workspace);
    if let Some(guid) = client.rng.choice(&strangers).cloned() {
        let about = about(client, guid, note);
        call(client, about).await;
    }
}

async fn twice_at_times(client: &mut Client<'_>, about: EvidenceCall) {
    if client.chance(30) {
        let operation = Operation::Evidence(about);
        let send = || client.call(operation.clone(), CallOptions::default());
        futures::join!(send(), send());
    } else {
        call(client, about).await;
    }
}

async fn call(client: &mut Client<'_>, call: EvidenceCall) -> CallResult {
    let options = CallOptions {
        gives_up: client.gives_up(),
        ..CallOptions::default()
    };
    client.call(Operation::Evidence(call), options).await
}
