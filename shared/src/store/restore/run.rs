//! The restore that is under way, so that one that was killed goes on where it was.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::ApiError;
use crate::store::Store;
use crate::store::items;
use crate::store::schema::Key;

/// What a restore has to remember, in the table of workspaces: its own words, which only the
/// operator's program reads.
#[derive(Serialize, Deserialize)]
struct RunItem {
    state: String,
}

/// A restore that is under way.
#[derive(Debug)]
pub struct RestoreRun;

impl RestoreRun {
    /// What was remembered of the restore that is under way; `None` if there is none.
    pub async fn load<T: DeserializeOwned>(store: &Store) -> Result<Option<T>, ApiError> {
        let Some(item) = store.database.get(Key::restore_run()).await? else {
            return Ok(None);
        };
        let RunItem { state } = items::read(item)?;
        let state = serde_json::from_str(&state);
        let unreadable = |error| ApiError::Internal(format!("the state of the restore: {error}"));
        state.map(Some).map_err(unreadable)
    }

    /// Remembers the state of a restore. The first time, `false` if another is under way.
    pub async fn save<T: Serialize + Sync>(
        store: &Store,
        state: &T,
        is_first: bool,
    ) -> Result<bool, ApiError> {
        let state = serde_json::to_string(state);
        let state = state.map_err(|error| ApiError::Internal(error.to_string()))?;
        let item = items::write(Key::restore_run(), "restore", RunItem { state })?;
        if is_first {
            return Ok(store.database.create(item).await?);
        }
        let put = store.database.putting(item)?;
        store.database.put(put).await?;
        Ok(true)
    }

    /// Forgets the restore: it is done.
    pub async fn end(store: &Store) -> Result<(), ApiError> {
        Ok(store.database.delete(Key::restore_run()).await?)
    }
}
