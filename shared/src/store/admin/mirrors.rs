//! Sets up and ends mirrors.

use crate::domain::error::ApiError;
use crate::domain::ids::{ExperienceId, WorkspacePrefix};
use crate::store::dynamo::database::text;
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{self, Key, StoredKind};
use crate::store::{Mirror, Store};

impl Store {
    /// The mirror of an experience, if it has one.
    pub async fn mirror(
        &self,
        prefix: WorkspacePrefix,
        experience: ExperienceId,
    ) -> Result<Option<Mirror>, ApiError> {
        let item = self.database.get(Key::mirror(prefix, experience)).await?;
        Ok(item.map(Mirror::read).transpose()?.flatten())
    }

    /// Creates or changes a mirror.
    pub async fn set_mirror(&self, mirror: &Mirror) -> Result<(), ApiError> {
        let key = Key::mirror(mirror.workspace, mirror.experience);
        // The stored kinds keep an older word for the mirror.
        let item = items::write(key, StoredKind::Mirror, &mirror.settings)?;
        let put = self.database.putting(item)?;
        self.database.put(put).await?;
        self.caches.mirrors.remove();
        Ok(())
    }

    /// Ends a mirror; `false` if there was none. Roblox keeps its restrictions, so the settings are kept too:
    /// with them, the restrictions can still be compared and lifted.
    pub async fn remove_mirror(
        &self,
        prefix: WorkspacePrefix,
        experience: ExperienceId,
    ) -> Result<bool, ApiError> {
        let Some(before) = self.mirror(prefix, experience).await? else {
            return Ok(false);
        };
        let universe = before.settings.universe;
        let ended = Key::ended_mirror(prefix, experience, universe);
        let ended = items::write(ended, StoredKind::EndedMirror, &before.settings)?;
        self.database.put(self.database.putting(ended)?).await?;
        let key = Key::mirror(prefix, experience);
        let was = self.database.delete_existing(key).await?;
        self.caches.mirrors.remove();
        Ok(was)
    }

    /// The ended mirrors of an experience, one for each universe, or those of all experiences.
    pub async fn ended_mirrors(
        &self,
        prefix: WorkspacePrefix,
        experience: Option<ExperienceId>,
    ) -> Result<Vec<Mirror>, ApiError> {
        let of = experience.map_or(String::new(), |id| format!("{:016}#", id.get()));
        let query = self
            .database
            .querying_workspaces()
            .consistent_read(true)
            .key_condition_expression("pk = :all AND begins_with(sk, :prefix)")
            .expression_attribute_values(":all", text(schema::ENDED_MIRRORS))
            .expression_attribute_values(":prefix", text(format!("{prefix}#{of}")));
        let mut found = Vec::new();
        for item in self.database.query_all(query).await? {
            found.extend(Mirror::read(item)?);
        }
        Ok(found)
    }
}
