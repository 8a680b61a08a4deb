//! Which experiences are mirrored to Roblox's own list of bans, and how that stands. The key of Open
//! Cloud is not among it, only the name under which Secrets Manager keeps it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Store;
use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::ids::{ExperienceId, UniverseId, WorkspacePrefix};
use crate::store::dynamo::database::{DatabaseError, number, text};
use crate::store::dynamo::items;
use crate::store::dynamo::lease::Lease;
use crate::store::dynamo::schema::{self, Item, Key};

/// How long it is kept in mind that a universe is to be left alone, beyond that time, in seconds.
const PAUSE_KEPT: u64 = 86_400;

/// That an experience is mirrored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enforcement {
    /// Whose.
    pub workspace: WorkspacePrefix,
    /// The experience.
    pub experience: ExperienceId,
    /// How it is set up and how it stands.
    pub settings: EnforcementSettings,
}

/// How a mirror is set up, and how it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnforcementSettings {
    /// The universe that the experience is a place of.
    pub universe: UniverseId,
    /// Under which name, or ARN, Secrets Manager keeps the key of Open Cloud.
    pub secret: String,
    /// What is carried over.
    pub mirror: Mirror,
    /// When it was set up.
    pub created: UnixSeconds,
    /// Set while Roblox does not accept the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Stopped>,
    /// When the key was last tried without need.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked: Option<UnixSeconds>,
}

/// What is carried over to Roblox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mirror {
    /// Bans.
    pub bans: bool,
    /// Their ends.
    pub unbans: bool,
    /// Kicks of banned players from running servers.
    pub kicks: bool,
}

impl Mirror {
    /// Everything.
    pub const ALL: Self = Self {
        bans: true,
        unbans: true,
        kicks: true,
    };
}

/// That a mirror has stopped, until its key is accepted again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopped {
    /// Since when.
    pub at: UnixSeconds,
    /// What Roblox answered; 0 where the key could not be had from Secrets Manager.
    pub status: u16,
    /// In its own words.
    pub message: String,
}

impl Enforcement {
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
    pub async fn enforcements(&self) -> Result<Vec<Enforcement>, ApiError> {
        self.enforcements_below("").await
    }

    /// What a workspace mirrors, by experience.
    pub async fn enforcements_of(
        &self,
        prefix: WorkspacePrefix,
    ) -> Result<Vec<Enforcement>, ApiError> {
        self.enforcements_below(&format!("{prefix}#")).await
    }

    /// Everything that is mirrored, from memory or the table. A change is effective everywhere
    /// within 60 s.
    pub async fn known_enforcements(&self) -> Result<Arc<[Enforcement]>, ApiError> {
        self.caches.enforcements.or(self.enforcements()).await
    }

    /// How one experience is mirrored, if it is.
    pub async fn enforcement(
        &self,
        prefix: WorkspacePrefix,
        experience: ExperienceId,
    ) -> Result<Option<Enforcement>, ApiError> {
        let item = self
            .database
            .get(Key::enforcement(prefix, experience))
            .await?;
        Ok(item.map(Enforcement::read).transpose()?.flatten())
    }

    /// Sets up a mirror, or changes it.
    pub async fn set_enforcement(&self, enforcement: &Enforcement) -> Result<(), ApiError> {
        let key = Key::enforcement(enforcement.workspace, enforcement.experience);
        let put =
            self.database
                .putting(items::write(key, "enforcement", &enforcement.settings)?)?;
        self.database.put(put).await?;
        self.caches.enforcements.remove();
        Ok(())
    }

    /// Ends a mirror; `false` if there was none. What Roblox holds stays as it is, so the settings are
    /// kept: with them it can still be compared and lifted.
    pub async fn remove_enforcement(
        &self,
        prefix: WorkspacePrefix,
        experience: ExperienceId,
    ) -> Result<bool, ApiError> {
        let Some(before) = self.enforcement(prefix, experience).await? else {
            return Ok(false);
        };
        let universe = before.settings.universe;
        let ended = Key::ended_enforcement(prefix, experience, universe);
        let ended = items::write(ended, "ended-enforcement", &before.settings)?;
        self.database.put(self.database.putting(ended)?).await?;
        let key = Key::enforcement(prefix, experience);
        let was = self.database.delete_existing(key).await?;
        self.caches.enforcements.remove();
        Ok(was)
    }

    /// The mirrors of an experience that were ended, one for each universe.
    pub async fn ended_enforcements(
        &self,
        prefix: WorkspacePrefix,
        experience: Option<ExperienceId>,
    ) -> Result<Vec<Enforcement>, ApiError> {
        let of = experience.map_or(String::new(), |id| format!("{:016}#", id.get()));
        let query = self
            .database
            .querying_workspaces()
            .consistent_read(true)
            .key_condition_expression("pk = :all AND begins_with(sk, :prefix)")
            .expression_attribute_values(":all", text(schema::ENDED_ENFORCEMENTS))
            .expression_attribute_values(":prefix", text(format!("{prefix}#{of}")));
        let mut found = Vec::new();
        for item in self.database.query_all(query).await? {
            found.extend(Enforcement::read(item)?);
        }
        Ok(found)
    }

    /// Notes what came of trying a mirror's key: that it stopped, or goes on.
    pub async fn note_enforcement(
        &self,
        enforcement: &Enforcement,
        stopped: Option<&Stopped>,
        checked: UnixSeconds,
    ) -> Result<(), ApiError> {
        let key = Key::enforcement(enforcement.workspace, enforcement.experience);
        let update = self
            .database
            .updating(key)
            // One that was ended or set up anew meanwhile stays as it is.
            .condition_expression("created = :created")
            .expression_attribute_values(":created", number(enforcement.settings.created))
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
        let name = schema::enforcing(universe);
        self.take_lease(prefix, &name, seconds, now).await
    }

    /// Until when a universe is to be left alone, if Roblox asked for that.
    pub async fn universe_pause(
        &self,
        prefix: WorkspacePrefix,
        universe: UniverseId,
    ) -> Result<Option<UnixMillis>, ApiError> {
        let key = Key::lease(prefix, &schema::enforcing(universe));
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
            .updating(Key::lease(prefix, &schema::enforcing(universe)))
            .update_expression("SET kind = :kind, paused_until = :until, #ttl = :ttl")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":kind", text("lease"))
            .expression_attribute_values(":until", number(until.millis()))
            .expression_attribute_values(":ttl", number(until.seconds().plus(PAUSE_KEPT)));
        self.database.update(update).await?;
        Ok(())
    }

    async fn enforcements_below(&self, prefix: &str) -> Result<Vec<Enforcement>, ApiError> {
        let query = self
            .database
            .querying_workspaces()
            .consistent_read(true)
            .expression_attribute_values(":all", text(schema::ENFORCEMENTS));
        let query = if prefix.is_empty() {
            query.key_condition_expression("pk = :all")
        } else {
            query
                .key_condition_expression("pk = :all AND begins_with(sk, :prefix)")
                .expression_attribute_values(":prefix", text(prefix))
        };
        let mut found = Vec::new();
        for item in self.database.query_all(query).await? {
            found.extend(Enforcement::read(item)?);
        }
        Ok(found)
    }
}
