//! Quarantines a piece in whose file a scan found malware.

use super::item::StoredEvidence;
use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::domain::evidence::FileKey;
use crate::store::Store;
use crate::store::dynamo::conflicts::Rounds;

/// How often it is retried after a conflict, such as with a completion or a removal.
const ROUNDS: u32 = 8;

impl Store {
    /// Quarantines the piece with this file; returns whether this call did. A repeat, a piece that has
    /// been removed or rejected, and one without a file stay unchanged. The file is kept, and counts,
    /// until the piece is removed.
    pub async fn quarantine_evidence(&self, file: FileKey) -> Result<bool, ApiError> {
        let FileKey { prefix, guid } = file;
        let mut rounds = Rounds::at_most(ROUNDS);
        loop {
            let found = self.stored_evidence(prefix, guid).await?;
            let Some(StoredEvidence::Present(item)) = found else {
                return Ok(false);
            };
            if item.file().is_none() || item.state.quarantine() == item.state {
                return Ok(false);
            }
            let after = item.quarantined(UnixMillis::now().seconds());
            let write = after.write(&self.database.tables().bans, prefix)?;
            let written = self.database.transact_counted(vec![write]).await;
            let written = self.database.retry_on_conflict(&mut rounds, written);
            if written.await?.is_some() {
                return Ok(true);
            }
        }
    }
}
