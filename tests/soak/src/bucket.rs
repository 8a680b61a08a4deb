//! Runs the removal of evidence to its end, and compares the bucket with the stored pieces.

use std::collections::BTreeSet;

use end_to_end::Workspace;
use serde_json::Value;

use crate::schedules::{EACH_FIVE_MINUTES, EXPIRE_EVIDENCE};

/// More rounds than any piece needs: a rejected upload is due three times.
const ROUNDS: usize = 6;

/// Removes all that is due now or later. Returns what is wrong with the objects: each must belong to
/// an item at first, and to a piece at the end.
pub async fn empty(workspace: &Workspace<'_>) -> Vec<String> {
    let app = workspace.app();
    let mut problems = Vec::new();
    for round in 0..ROUNDS {
        let ran = app.try_run_schedule(EXPIRE_EVIDENCE, EACH_FIVE_MINUTES);
        problems.extend(ran.await.err());
        if round == 0 {
            let items = files(workspace, &["evidence", "removed-evidence"]).await;
            let lost = objects(workspace).into_iter();
            let lost = lost.filter(|object| !items.contains(object));
            problems.extend(lost.map(|object| format!("the object {object} has no item")));
        }
        if workspace.bring_evidence_due().await == 0 {
            break;
        }
    }
    let (pieces, objects) = (files(workspace, &["evidence"]).await, objects(workspace));
    if pieces != objects {
        problems.push(format!(
            "after everything due was removed, there are files of {pieces:?} and objects of {objects:?}"
        ));
    }
    problems
}

fn objects(workspace: &Workspace<'_>) -> BTreeSet<String> {
    let objects = workspace.app().evidence_objects(workspace.id().prefix());
    objects.into_iter().collect()
}

/// The guids in the keys of items of these kinds, without texts.
async fn files(workspace: &Workspace<'_>, kinds: &[&str]) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for kind in kinds {
        for item in workspace.stored_of(kind).await {
            let is_file = item.get("file").is_some()
                || item.pointer("/is_file/BOOL") == Some(&Value::Bool(true));
            let key = item.pointer("/pk/S").and_then(Value::as_str);
            let guid = key.and_then(|key| key.rsplit('#').next());
            files.extend(guid.filter(|_| is_file).map(str::to_owned));
        }
    }
    files
}
