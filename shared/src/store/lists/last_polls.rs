//! When an experience last polled: for the operator who wonders why nothing is applied.

use std::collections::HashMap;
use std::time::Duration;

use serde::Deserialize;

use crate::domain::clock::{Reading, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::ids::{ExperienceId, WorkspacePrefix};
use crate::store::Store;
use crate::store::dynamo::database::{number, text};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{self, Key, attributes};

/// How often one environment records that an experience polls. A game server polls about every
/// minute; recording each poll would cost more than the polls.
const NOTED: Duration = Duration::from_mins(10);

#[derive(Deserialize)]
struct SightingItem {
    at: UnixSeconds,
}

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
            .expression_attribute_values(":kind", text("sighting"))
            .expression_attribute_values(":now", number(now.0));
        self.database.beside(call);
    }

    /// When each experience last polled, to within ten minutes.
    pub async fn last_polls(
        &self,
        prefix: WorkspacePrefix,
    ) -> Result<HashMap<ExperienceId, UnixSeconds>, ApiError> {
        let query = self
            .database
            .querying()
            .key_condition_expression("pk = :last_polls")
            .expression_attribute_values(":last_polls", text(schema::sighting_partition(prefix)));
        let mut seen = HashMap::new();
        for item in self.database.query_all(query).await? {
            let experience = Key::of(&item).and_then(|key| key.sk.parse().ok());
            let at = items::read::<SightingItem>(item)?.at;
            seen.extend(experience.map(|experience| (experience, at)));
        }
        Ok(seen)
    }
}
