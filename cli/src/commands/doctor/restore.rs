//! Checks whether a restore is in progress.

use serde::Deserialize;
use shared::store::Store;
use shared::store::admin::RestoreRun;

use super::finding::Finding;

const CHECK: &str = "restore";

/// Returns a finding only if a restore is in progress.
pub async fn examine(store: &Store) -> Option<Finding> {
    #[derive(Deserialize)]
    struct Run {
        copy: String,
    }
    match RestoreRun::load::<Run>(store).await {
        Ok(None) => None,
        Ok(Some(Run { copy })) => Some(Finding::failed(
            CHECK,
            format!(
                "a restore from {copy} is in progress, and the functions that write are stopped"
            ),
            format!(
                "`portcullis restore --from {copy}` continues it, `portcullis restore --cancel` \
                 starts the functions again"
            ),
        )),
        Err(error) => Some(Finding::of_error(CHECK, &error.into())),
    }
}
