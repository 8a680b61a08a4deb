//! Forms that make something each time they are sent, such as a key: each form does so once.

use crate::domain::clock::UnixSeconds;
use crate::domain::error::ApiError;
use crate::domain::idempotency::IdempotencyKey;
use crate::domain::ids::WorkspacePrefix;
use crate::domain::members::MemberId;
use crate::store::Store;
use crate::store::decisions::requests;

impl Store {
    /// Uses up a member's form; `false` if it was used before. It is used up before its effect, so
    /// a secret that a lost answer contained is never shown twice.
    pub async fn use_form(
        &self,
        prefix: WorkspacePrefix,
        member: MemberId,
        form: &IdempotencyKey,
        now: UnixSeconds,
    ) -> Result<bool, ApiError> {
        let key = requests::key(prefix, &member.to_string(), form);
        let item = requests::item(key, form, None, now)?;
        Ok(self.database.create(item).await?)
    }
}
