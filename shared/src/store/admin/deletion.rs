//! Deletes single items.

use aws_sdk_dynamodb::operation::delete_item::builders::DeleteItemFluentBuilder;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;

use crate::store::Database;
use crate::store::dynamo::database::{DatabaseError, failure, holds};
use crate::store::dynamo::schema::Key;

impl Database {
    /// Deletes an item; does nothing if there is none.
    pub(in crate::store) async fn delete(&self, key: Key) -> Result<(), DatabaseError> {
        self.send_delete(self.deleting(key)).await
    }

    /// Deletes an item; `false` if there is none.
    pub(in crate::store) async fn delete_existing(&self, key: Key) -> Result<bool, DatabaseError> {
        let delete = self.deleting(key);
        holds(
            self.send_delete(delete.condition_expression("attribute_exists(pk)"))
                .await,
        )
    }

    fn deleting(&self, key: Key) -> DeleteItemFluentBuilder {
        self.client()
            .delete_item()
            .table_name(self.table_of(&key))
            .set_key(Some(key.item()))
    }

    async fn send_delete(&self, delete: DeleteItemFluentBuilder) -> Result<(), DatabaseError> {
        let delete = delete.return_consumed_capacity(ReturnConsumedCapacity::Total);
        let output = self.writing(delete.send()).await?.map_err(failure)?;
        self.meter().written(&output.consumed_capacity);
        Ok(())
    }
}
