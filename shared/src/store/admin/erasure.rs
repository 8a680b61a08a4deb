//! Erases users for the operator, and manages the intakes and queues of erasure requests.

use crate::domain::error::ApiError;
use crate::domain::ids::{UserId, WorkspacePrefix};
use crate::store::dynamo::database::{DatabaseError, text};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{self, Key, StoredKind};
use crate::store::erasure::erase_user::UserErasure;
use crate::store::erasure::erase_user::sweep::Sweep;
use crate::store::{
    ErasureIntake, ErasureReceipt, ErasureSource, NotificationId, QueuedErasure, Store,
};

impl Store {
    /// Removes every item that names a user: their bans, the history of these, what is pending, and
    /// their place on the list of protected users. A receipt with the counts is written with the
    /// last of it; if there was nothing, there is none. The user's own decisions as a moderator are
    /// kept with the bans of others.
    ///
    /// Each revision that an experience could still report leaves a marker, which names no user, in
    /// the transaction that deletes it. Repeating an interrupted erasure completes it.
    pub async fn erase_user(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
        source: ErasureSource,
    ) -> Result<ErasureReceipt, ApiError> {
        let erasure = UserErasure {
            prefix,
            user,
            source,
            until: None,
        };
        self.erase_user_as(&erasure).await
    }

    /// What erasing the user would remove.
    pub async fn preview_erasure(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
    ) -> Result<ErasureReceipt, ApiError> {
        let (mut known, mut sweep) = (ErasureReceipt::default(), Sweep::of(prefix, user));
        while let Some(page) = sweep.next(&self.database).await? {
            known = known.with(&page);
        }
        let pieces = self.evidence_count(prefix, user).await?;
        known.items = known.items.saturating_add(pieces);
        Ok(known)
    }

    /// Sets up or changes the intake of a workspace.
    pub async fn set_erasure_intake(&self, intake: &ErasureIntake) -> Result<(), ApiError> {
        let key = Key::erasure_intake(intake.guid.prefix());
        let put = self
            .database
            .putting(items::write(key, StoredKind::ErasureIntake, intake)?)?;
        self.database.put(put).await?;
        self.caches.intakes.remove();
        Ok(())
    }

    /// Removes the intake of a workspace; does nothing without one.
    pub async fn remove_erasure_intake(&self, prefix: WorkspacePrefix) -> Result<(), ApiError> {
        self.database.delete(Key::erasure_intake(prefix)).await?;
        self.caches.intakes.remove();
        Ok(())
    }

    /// The requests that wait for the operator.
    pub async fn erasure_queue(
        &self,
        prefix: WorkspacePrefix,
    ) -> Result<Vec<QueuedErasure>, ApiError> {
        let query = self
            .database
            .querying()
            .consistent_read(true)
            .key_condition_expression("pk = :queue")
            .expression_attribute_values(":queue", text(schema::erasure_queue(prefix)));
        let found = self.database.query_all(query).await?;
        Ok(found
            .into_iter()
            .map(items::read)
            .collect::<Result<_, DatabaseError>>()?)
    }

    /// Removes a request from the queue, once the user is erased or the request is declined.
    pub async fn take_from_erasure_queue(
        &self,
        prefix: WorkspacePrefix,
        notification: &NotificationId,
    ) -> Result<(), ApiError> {
        let key = Key::queued_erasure(prefix, notification);
        Ok(self.database.delete(key).await?)
    }
}
