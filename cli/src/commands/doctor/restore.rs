//! Whether a restore is under way, during which the functions that write stand still.

use serde::Deserialize;
use shared::store::{RestoreRun, Store};

use super::finding::Finding;

const CHECK: &str = "restore";

/// A finding only if there is one.
pub async fn examine(store: &Store) -> Option<Finding> {
    #[derive(Deserialize)]
    struct Run {
        copy: String,
    }
    match RestoreRun::load::<Run>(store).await {
        Ok(None) => None,
        Ok(Some(Run { copy })) => Some(Finding::failed(
            CHECK,
            format!("a restore from {copy} is under way, and the functions that write are stopped"),
            format!(
                "`portcullis restore --from {copy}` goes on with it, `portcullis restore --cancel` \
                 starts the functions again"
            ),
        )),
        Err(error) => Some(Finding::of_error(CHECK, &error.into())),
    }
}
