//! Where the local stack's other services listen, which it writes into its own workspaces table.

use serde::de::DeserializeOwned;

use crate::domain::error::ApiError;
use crate::store::Store;
use crate::store::dynamo::items;
use crate::store::dynamo::schema::Key;

impl Store {
    /// The addresses, if this is the database of a local stack.
    pub async fn local_stack<T: DeserializeOwned>(&self) -> Result<Option<T>, ApiError> {
        let found = self.database.get(Key::local_stack()).await?;
        Ok(found.map(items::read).transpose()?)
    }
}
