//! The mirror's settings per experience, and whether it is stopped. The Open Cloud key itself is not stored
//! here, only the name of its secret.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::ids::{ExperienceId, UniverseId, WorkspacePrefix};
use crate::domain::rules::mirror::MirrorStop;
use crate::store::Store;
use crate::store::dynamo::database::{DatabaseError, number, text};
use crate::store::dynamo::items;
use crate::store::dynamo::lease::Lease;
use crate::store::dynamo::schema::{self, Item, Key, StoredKind, attributes};

/// How long a universe's pause stays stored after its end, in seconds.
const PAUSE_KEPT: u64 = 86_400;

/// The mirror of one experience.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror {
    /// The experience's workspace.
    pub workspace: WorkspacePrefix,
    /// The experience.
    pub experience: ExperienceId,
    /// Its settings and state.
    pub settings: MirrorSettings,
}

/// The settings and state of a mirror.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MirrorSettings {
    /// The universe that the experience is a place of.
    pub universe: UniverseId,
    /// The name or ARN of the secret that holds the Open Cloud key.
    pub secret: String,
    /// What is mirrored.
    #[serde(rename = "mirror")]
    pub options: MirrorOptions,
    /// When it was set up.
    pub created: UnixSeconds,
    /// Set while the key is not accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<MirrorStop>,
    /// When the key was last checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked: Option<UnixSeconds>,
}

/// What a mirror applies on Roblox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MirrorOptions {
    /// Bans.
    pub bans: bool,
    /// Unbans and expiries.
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
    pub(in crate::store) fn read(item: Item) -> Result<Option<Self>, DatabaseError> {
        let key = Key::of(&item);
        let named = key.as_ref().and_then(|key| key.sk.split_once('#'));
        // The key of an ended mirror also has the universe.
        let parsed = named.and_then(|(prefix, id)| {
            let experience = ExperienceId::in_key(id.split('#').next()?)?;
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
    /// The mirrors of all workspaces.
    pub async fn mirrors(&self) -> Result<Vec<Mirror>, ApiError> {
        self.mirrors_below("").await
    }

    /// The mirrors of a workspace, by experience.
    pub async fn mirrors_of(&self, prefix: WorkspacePrefix) -> Result<Vec<Mirror>, ApiError> {
        self.mirrors_below(&format!("{prefix}#")).await
    }

    /// The mirrors of all workspaces, from the cache or the table. A change takes effect everywhere within
    /// 60 s.
    pub async fn cached_mirrors(&self) -> Result<Arc<[Mirror]>, ApiError> {
        self.caches.mirrors.or(self.mirrors()).await
    }

    /// Records the result of checking a mirror's key: whether the mirror is stopped.
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
            // A mirror that was ended or created again meanwhile is not changed.
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

    /// Takes the mirror's lease on a universe; none if another worker holds it.
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

    /// The end of a universe's pause, if one was saved.
    pub async fn universe_pause(
        &self,
        prefix: WorkspacePrefix,
        universe: UniverseId,
    ) -> Result<Option<UnixMillis>, ApiError> {
        let key = Key::lease(prefix, &schema::mirror_lease(universe));
        let item = self.database.get(key).await?;
        Ok(item.and_then(|item| {
            let until = item
                .get(attributes::PAUSED_UNTIL)?
                .as_n()
                .ok()?
                .parse()
                .ok()?;
            Some(UnixMillis::from_millis(until))
        }))
    }

    /// Saves the end of a universe's pause, in the item of its lease.
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
            .expression_attribute_names("#ttl", attributes::TTL)
            .expression_attribute_values(":kind", text(StoredKind::Lease))
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
