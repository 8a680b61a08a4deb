//! Checks for workspaces from an older version.

use shared::store::Store;

use super::finding::Finding;

pub async fn examine(store: &Store) -> Finding {
    let check = "workspaces";
    let all = match store.workspaces().await {
        Ok(all) => all,
        Err(error) => return Finding::of_error(check, &error.into()),
    };
    let outdated = all.iter().filter(|workspace| !workspace.is_current());
    match outdated.count() {
        0 => Finding::ok(check, format!("{} workspaces, all up to date", all.len())),
        outdated => Finding::failed(
            check,
            format!("{outdated} workspaces are from an older version: their lists have no pages"),
            "run `portcullis workspace upgrade`",
        ),
    }
}
