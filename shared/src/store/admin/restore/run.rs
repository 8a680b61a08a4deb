//! The restore in progress, stored so that one that was killed can continue.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::domain::error::ApiError;
use crate::store::Store;
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{Item, Key, RESTORE_RUN, StoredKind};

/// The stored state, in the workspaces table; only the CLI reads it.
#[derive(Serialize, Deserialize)]
struct RunItem {
    state: String,
}

/// A restore in progress. Its state records what was stopped; its checkpoint, how far the tables
/// have been compared.
#[derive(Debug)]
pub struct RestoreRun;

impl RestoreRun {
    /// The state of the restore in progress; `None` if there is none.
    pub async fn load<T: DeserializeOwned>(store: &Store) -> Result<Option<T>, ApiError> {
        read(store, Key::restore_run()).await
    }

    /// Stores the state of a restore. The first time, `false` if another is in progress.
    pub async fn save<T: Serialize + Sync>(
        store: &Store,
        state: &T,
        is_first: bool,
    ) -> Result<bool, ApiError> {
        let item = written(Key::restore_run(), state)?;
        if is_first {
            return Ok(store.database.create(item).await?);
        }
        let put = store.database.putting(item)?;
        store.database.put(put).await?;
        Ok(true)
    }

    /// How far the tables have been compared, if that was stored.
    pub async fn checkpoint<T: DeserializeOwned>(store: &Store) -> Result<Option<T>, ApiError> {
        read(store, Key::restore_checkpoint()).await
    }

    /// Stores how far the tables have been compared.
    pub async fn save_checkpoint<T: Serialize + Sync>(
        store: &Store,
        checkpoint: &T,
    ) -> Result<(), ApiError> {
        let item = written(Key::restore_checkpoint(), checkpoint)?;
        let put = store.database.putting(item)?;
        Ok(store.database.put(put).await?)
    }

    /// Deletes the state of the restore: it is done.
    pub async fn end(store: &Store) -> Result<(), ApiError> {
        store.database.delete(Key::restore_checkpoint()).await?;
        Ok(store.database.delete(Key::restore_run()).await?)
    }
}

impl Key {
    /// The restore in progress.
    fn restore_run() -> Self {
        Self {
            pk: RESTORE_RUN.to_owned(),
            sk: "restore".to_owned(),
        }
    }

    /// How far a restore has compared the tables.
    fn restore_checkpoint() -> Self {
        Self {
            pk: RESTORE_RUN.to_owned(),
            sk: "checkpoint".to_owned(),
        }
    }
}

async fn read<T: DeserializeOwned>(store: &Store, key: Key) -> Result<Option<T>, ApiError> {
    let Some(item) = store.database.get(key).await? else {
        return Ok(None);
    };
    let RunItem { state } = items::read(item)?;
    let state = serde_json::from_str(&state);
    let unreadable =
        |error| ApiError::Internal(format!("unreadable state of the restore: {error}"));
    state.map(Some).map_err(unreadable)
}

fn written<T: Serialize>(key: Key, state: &T) -> Result<Item, ApiError> {
    let state = serde_json::to_string(state);
    let state = state.map_err(|error| ApiError::Internal(error.to_string()))?;
    Ok(items::write(key, StoredKind::Restore, RunItem { state })?)
}
