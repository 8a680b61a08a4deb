//! Where the local stack's other services listen, which it writes into its own workspaces table.

use serde::de::DeserializeOwned;

use super::items;
use super::schema::Key;
use crate::domain::error::ApiError;
use crate::store::Store;

impl Store {
    /// The addresses, if this is the database of a local stack.
    pub async fn local_stack<T: DeserializeOwned>(&self) -> Result<Option<T>, ApiError> {
        let found = self.database.get(Key::local_stack()).await?;
        Ok(found.map(items::read).transpose()?)
    }
}
