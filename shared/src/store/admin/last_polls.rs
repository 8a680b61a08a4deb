//! Reads when experiences last polled.

use std::collections::HashMap;

use serde::Deserialize;

use crate::domain::clock::UnixSeconds;
use crate::domain::error::ApiError;
use crate::domain::ids::{ExperienceId, WorkspacePrefix};
use crate::store::Store;
use crate::store::dynamo::database::text;
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{self, Key};

#[derive(Deserialize)]
struct SightingItem {
    at: UnixSeconds,
}

impl Store {
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
            let experience = Key::of(&item).and_then(|key| ExperienceId::in_key(&key.sk));
            let at = items::read::<SightingItem>(item)?.at;
            seen.extend(experience.map(|experience| (experience, at)));
        }
        Ok(seen)
    }
}
