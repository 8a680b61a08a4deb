//! Records when an experience last polled, which shows the operator why nothing is applied.

use std::time::Duration;

use crate::domain::clock::{Reading, UnixSeconds};
use crate::domain::ids::{ExperienceId, WorkspacePrefix};
use crate::store::Store;
use crate::store::dynamo::database::{number, text};
use crate::store::dynamo::schema::{Key, StoredKind, attributes};

/// How often one environment records that an experience polls. A game server polls about every
/// minute; recording each poll would cost more than the polls.
const NOTED: Duration = Duration::from_mins(10);

impl Store {
    /// Records that an experience polls, beside the request and not before its answer. If the
    /// environment ends first, a later poll records it.
    pub fn record_poll(&self, prefix: WorkspacePrefix, experience: ExperienceId, now: UnixSeconds) {
        let (noted, name) = (&self.caches.last_polls, (prefix, experience));
        if noted.get(&name, |()| NOTED).is_some() {
            return;
        }
        noted.put(name, (), Reading::now());
        let call = self
            .database
            .updating(Key::sighting(prefix, experience))
            .update_expression("SET kind = :kind, #at = :now")
            .expression_attribute_names("#at", attributes::AT)
            .expression_attribute_values(":kind", text(StoredKind::Sighting))
            .expression_attribute_values(":now", number(now.0));
        self.database.beside(call);
    }
}
