//! Which experiences are mirrored to Roblox's own list of bans, and how that stands. The key of Open
//! Cloud is not among it, only the name under which Secrets Manager keeps it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Store;
use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::ids::{ExperienceId, UniverseId, WorkspacePrefix};
use crate::domain::rules::mirror::MirrorStop;
use crate::store::dynamo::database::{DatabaseError, number, text};
use crate::store::dynamo::items;
use crate::store::dynamo::lease::Lease;
use crate::store::dynamo::schema::{self, Item, Key};

/// How long it is kept in mind that a universe is to be left alone, beyond that time, in seconds.
const PAUSE_KEPT: u64 = 86_400;

/// That an experience is mirrored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror {
    /// Whose.
    pub workspace: WorkspacePrefix,
    /// The experience.
    pub experience: ExperienceId,
    /// How it is set up and how it stands.
    pub settings: MirrorSettings,
}

/// How a mirror is set up, and how it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MirrorSettings {
    /// The universe that the experience is a place of.
    pub universe: UniverseId,
    /// Under which name, or ARN, Secrets Manager keeps the key of Open Cloud.
    pub secret: String,
    /// What is carried over.
    #[serde(rename = "mirror")]
    pub options: MirrorOptions,
    /// When it was set up.
    pub created: UnixSeconds,
    /// Set while Roblox does not accept the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<MirrorStop>,
    /// When the key was last tried without need.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked: Option<UnixSeconds>,
}

/// What is carried over to Roblox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MirrorOptions {
    /// Bans.
    pub bans: bool,
    /// Their ends.
    pub unbans: bool,
    /// Kicks of banned players from running servers.
    pub kicks: bool,
}

impl MirrorOptions {
    /// Everything.
    pub const ALL: Self = Self {
        bans: true,
        unbans: true,
        kicks: true,
    };
}

impl Mirror {
    fn read(item: Item) -> Result<Option<Self>, DatabaseError> {
        let key = Key::of(&item);
        let named = key.as_ref().and_then(|key| key.sk.split_once('#'));
        // Of one that was ended, the universe follows.
        let parsed = named.and_then(|(prefix, id)| {
            let experience = id.split('#').next()?.parse().ok()?;
            Some((prefix.parse().ok()?, experience))
        });
        let Some((workspace, experience)) = parsed else {
            return Ok(None);
        };
        Ok(Some(Self {
            workspace,
            experience,
            settings: items::read(item)?,
        }))
    }
}

impl Store {
    /// Everything that is mirrored, of all workspaces.
    pub async fn mirrors(&self) -> Result<Vec<Mirror>, ApiError> {
        self.mirrors_below("").await
    }

    /// What a workspace mirrors, by experience.
    pub async fn mirrors_of(&self, prefix: WorkspacePrefix) -> Result<Vec<Mirror>, ApiError> {
        self.mirrors_below(&format!("{prefix}#")).await
    }

    /// Everything that is mirrored, from memory or the table. A change is effective everywhere
    /// within 60 s.
    pub async fn cached_mirrors(&self) -> Result<Arc<[Mirror]>, ApiError> {
        self.caches.mirrors.or(self.mirrors()).await
    }

    /// How one experience is mirrored, if it is.
    pub async fn mirror(
        &self,
        prefix: WorkspacePrefix,
        experience: ExperienceId,
    ) -> Result<Option<Mirror>, ApiError> {
        let item = self.database.get(Key::mirror(prefix, experience)).await?;
        Ok(item.map(Mirror::read).transpose()?.flatten())
    }

    /// Sets up a mirror, or changes it.
    pub async fn set_mirror(&self, mirror: &Mirror) -> Result<(), ApiError> {
        let key = Key::mirror(mirror.workspace, mirror.experience);
        let put = self
            .database
            .putting(items::write(key, "enforcement", &mirror.settings)?)?;
        self.database.put(put).await?;
        self.caches.mirrors.remove();
        Ok(())
    }

    /// Ends a mirror; `false` if there was none. What Roblox holds stays as it is, so the settings are
    /// kept: with them it can still be compared and lifted.
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
        let ended = items::write(ended, "ended-enforcement", &before.settings)?;
        self.database.put(self.database.putting(ended)?).await?;
        let key = Key::mirror(prefix, experience);
        let was = self.database.delete_existing(key).await?;
        self.caches.mirrors.remove();
        Ok(was)
    }

    /// The mirrors of an experience that were ended, one for each universe.
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

    /// Notes what came of trying a mirror's key: that it stopped, or goes on.
    pub async fn record_key_check(
        &self,
        mirror: &Mirror,
        stopped: Option<&MirrorStop>,
        checked: UnixSeconds,
    ) -> Result<(), ApiError> {
        let key = Key::mirror(mirror.workspace, mirror.experience);
        let update = self
            .database
            .updating(key)
            // One that was ended or set up anew meanwhile stays as it is.
            .condition_expression("created = :created")
            .expression_attribute_values(":created", number(mirror.settings.created))
            .expression_attribute_values(":checked", number(checked));
        let update = match stopped {
            None => update.update_expression("SET checked = :checked REMOVE stopped"),
            Some(stopped) => update
                .update_expression("SET checked = :checked, stopped = :stopped")
                .expression_attribute_values(":stopped", items::attribute(stopped)?),
        };
        self.database.update_if(update).await?;
        Ok(())
    }

    /// Takes the lease of those who mirror a universe; none if somebody else has it.
    pub async fn take_universe_lease(
        &self,
        prefix: WorkspacePrefix,
        universe: UniverseId,
        seconds: u64,
        now: UnixMillis,
    ) -> Result<Option<Lease>, ApiError> {
        let name = schema::mirror_lease(universe);
        self.take_lease(prefix, &name, seconds, now).await
    }

    /// Until when a universe is to be left alone, if Roblox asked for that.
    pub async fn universe_pause(
        &self,
        prefix: WorkspacePrefix,
        universe: UniverseId,
    ) -> Result<Option<UnixMillis>, ApiError> {
        let key = Key::lease(prefix, &schema::mirror_lease(universe));
        let item = self.database.get(key).await?;
        Ok(item.and_then(|item| {
            let until = item.get("paused_until")?.as_n().ok()?.parse().ok()?;
            Some(UnixMillis::from_millis(until))
        }))
    }

    /// Keeps in mind, beside the lease of the universe, until when it is to be left alone.
    pub async fn pause_universe(
        &self,
        prefix: WorkspacePrefix,
        universe: UniverseId,
        until: UnixMillis,
    ) -> Result<(), ApiError> {
        let update = self
            .database
            .updating(Key::lease(prefix, &schema::mirror_lease(universe)))
            .update_expression("SET kind = :kind, paused_until = :until, #ttl = :ttl")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":kind", text("lease"))
            .expression_attribute_values(":until", number(until.millis()))
            .expression_attribute_values(":ttl", number(until.seconds().plus(PAUSE_KEPT)));
        self.database.update(update).await?;
        Ok(())
    }

    async fn mirrors_below(&self, prefix: &str) -> Result<Vec<Mirror>, ApiError> {
        let query = self
            .database
            .querying_workspaces()
            .consistent_read(true)
            .expression_attribute_values(":all", text(schema::MIRRORS));
        let query = if prefix.is_empty() {
            query.key_condition_expression("pk = :all")
        } else {
            query
                .key_condition_expression("pk = :all AND begins_with(sk, :prefix)")
                .expression_attribute_values(":prefix", text(prefix))
        };
        let mut found = Vec::new();
        for item in self.database.query_all(query).await? {
            found.extend(Mirror::read(item)?);
        }
        Ok(found)
    }
}
