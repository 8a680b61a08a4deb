//! Evidence: the published calls as the SDK sends them, files, and their whole life.

mod checks;
mod costs;
mod files;
mod hostile;
mod interrupted;
mod lists;
mod repeats;
mod scale;
mod scan_template;
pub mod scans;
mod texts;

pub use end_to_end::evidence::{base64, file_body, text_body};
use end_to_end::{ApiResponse, Ban, Call, TestApp, Workspace};
use serde_json::Value;

use crate::routes::{EXPERIENCE, USER};

pub const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR and whatever follows";

/// The guid of a new ban.
pub async fn case(workspace: &Workspace<'_>) -> String {
    let ban = Ban::of(USER, EXPERIENCE).permanent();
    let ban = workspace.ban_shown(ban).await;
    ban["guid"].as_str().unwrap().to_owned()
}

pub fn create(body: &Value) -> Call {
    Call::new("PATCH", "/evidence/create").json(body)
}

/// A call about a piece, such as `GET`, `/metadata`.
pub fn about(method: &str, guid: &str, rest: &str) -> Call {
    Call::new(method, &format!("/evidence/{guid}{rest}"))
}

pub async fn created(workspace: &Workspace<'_>, body: &Value) -> Value {
    workspace.send(create(body)).await.success()
}

pub fn guid_of(piece: &Value) -> String {
    piece["evidenceGuid"].as_str().unwrap().to_owned()
}

pub async fn complete(workspace: &Workspace<'_>, guid: &str) -> ApiResponse {
    workspace.send(about("POST", guid, "/complete")).await
}

/// Creates and uploads a file, without completing it.
pub async fn uploaded(workspace: &Workspace<'_>, case: &str) -> Value {
    let piece = created(workspace, &file_body(case, "image/png", PNG)).await;
    let answer = workspace.app().upload(&piece["upload"], PNG).await;
    assert_eq!(answer.status, 200, "{answer}");
    piece
}

/// The stored items of one kind.
pub async fn stored(workspace: &Workspace<'_>, kind: &str) -> Vec<Value> {
    workspace.stored_of(kind).await
}

/// How many bytes the workspace's count has.
pub async fn counted(workspace: &Workspace<'_>) -> u64 {
    let items = stored(workspace, "evidence-bytes").await;
    let value = items.first().map(|item| item["value"]["N"].as_str());
    value.flatten().unwrap_or("0").parse().unwrap()
}

/// Whether the bucket has the object of a piece.
pub async fn has_object(workspace: &Workspace<'_>, guid: &str) -> bool {
    let prefix = workspace.id().prefix();
    workspace
        .app()
        .has_evidence(prefix, guid.parse().unwrap())
        .await
}

/// Makes the time of everything that is due come, and runs the schedule.
pub async fn run_when_due(app: &TestApp, workspace: &Workspace<'_>) {
    workspace.bring_evidence_due().await;
    app.run_schedule("expire-evidence", "EachFiveMinutes").await;
}

/// The names of the recorded events of evidence, in no particular order.
pub async fn events(workspace: &Workspace<'_>) -> Vec<String> {
    let items = stored(workspace, "activity").await;
    let name = |item: &Value| item["event"]["S"].as_str().unwrap().to_owned();
    let mut names: Vec<_> = items.iter().map(name).collect();
    names.sort();
    names
}
