//! The experiences that belong to a workspace. A Global ban applies to all of them.

use crate::domain::clock::UnixSeconds;
use crate::domain::error::ApiError;
use crate::domain::ids::{ExperienceId, PlaceId, WorkspacePrefix};
use crate::domain::places::Resolved;
use crate::store::Store;
use crate::store::dynamo::database::{DatabaseError, text};
use crate::store::dynamo::schema::{self, Key};

/// How experiences become linked to a workspace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Linking {
    /// By their first call with a secret key.
    #[default]
    Automatic,
    /// By the operator only.
    Strict,
}

/// What a key may do about links: the workspace it belongs to, and whether its calls link experiences.
#[derive(Clone, Copy, Debug)]
pub struct LinkRights {
    pub prefix: WorkspacePrefix,
    pub may_write: bool,
}

/// The place of a call: where the call acts, and whether it links the place.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    pub(in crate::store) resolved: Resolved,
    pub(in crate::store) state: LinkState,
}

/// Whether an experience is linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum LinkState {
    Linked,
    /// Not linked yet; the call links it.
    New(LinkedBy),
    /// Not linked, and not by this call: nothing becomes pending for it.
    Unlinked,
}

/// Who linked an experience. Links from before this was recorded have no such attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LinkedBy {
    /// The experience itself, by its first call.
    Call,
    Operator,
}

impl LinkedBy {
    pub(in crate::store) const fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Operator => "operator",
        }
    }
}

impl Link {
    /// The start of a back-fill.
    pub(in crate::store) const BACKFILL_START: &str = "start";
    /// The back-fill has ended.
    pub(in crate::store) const BACKFILL_DONE: &str = "done";
    pub(in crate::store) const WRITE: &str = "SET kind = :kind, linked = if_not_exists(linked, :now), \
        backfill = if_not_exists(backfill, :start), linked_by = :by";
    /// Requires that it is not linked yet.
    pub(in crate::store) const IS_NEW: &str = "attribute_not_exists(pk)";

    /// An experience that is known to be linked.
    #[must_use]
    pub const fn linked(experience: ExperienceId) -> Self {
        Self {
            resolved: Resolved::itself(experience),
            state: LinkState::Linked,
        }
    }

    /// The experience in which the call acts.
    #[must_use]
    pub const fn experience(&self) -> ExperienceId {
        self.resolved.experience
    }

    /// Whether the experience is linked already. The first calls of an unlinked one conflict, as each
    /// would link it.
    #[must_use]
    pub fn is_linked(&self) -> bool {
        self.state == LinkState::Linked
    }

    pub(in crate::store) const fn state(&self) -> LinkState {
        self.state
    }
}

impl Store {
    /// Resolves the place of a call that may link it: 403 for an unlinked one where linking is
    /// strict. A key without `bans:write` links nothing, and neither does any key once the
    /// workspace's experiences have used up their slots; such a call succeeds without a link.
    ///
    /// This writes nothing: [`Store::commit_with_retry`] writes the link with the call. A call that
    /// writes nothing else uses [`Store::with_link`].
    pub async fn check_link(&self, rights: LinkRights, place: PlaceId) -> Result<Link, ApiError> {
        let LinkRights { prefix, may_write } = rights;
        let link = self.find_link(prefix, place, LinkedBy::Call).await?;
        if link.state != LinkState::New(LinkedBy::Call) {
            return Ok(link);
        }
        let is_full = self.knows_no_slot(prefix);
        if may_write && is_full {
            self.database.meter().link_limit_reached();
        }
        let state = if may_write && !is_full {
            link.state
        } else {
            LinkState::Unlinked
        };
        Ok(Link { state, ..link })
    }

    /// Runs a call that may link its place and writes nothing else: resolves the place, as
    /// [`Store::check_link`] does, and writes the link after `work`, which gets the experience. Also
    /// returns whether the place is linked then.
    pub async fn with_link<F, T>(
        &self,
        rights: LinkRights,
        place: PlaceId,
        now: UnixSeconds,
        work: impl FnOnce(ExperienceId) -> F,
    ) -> Result<(T, bool), ApiError>
    where
        F: Future<Output = Result<T, ApiError>>,
    {
        let link = self.check_link(rights, place).await?;
        let done = work(link.experience()).await?;
        let is_linked = self.ensure_linked(rights.prefix, link, now).await?;
        Ok((done, is_linked))
    }

    /// The experience of a place, for calls that only read and so link nothing: 403 for an unlinked
    /// one where linking is strict.
    pub async fn experience_of(
        &self,
        prefix: WorkspacePrefix,
        place: PlaceId,
    ) -> Result<ExperienceId, ApiError> {
        let found = self.find_link(prefix, place, LinkedBy::Call).await?;
        Ok(found.experience())
    }

    pub(in crate::store) async fn find_link(
        &self,
        prefix: WorkspacePrefix,
        place: PlaceId,
        by: LinkedBy,
    ) -> Result<Link, ApiError> {
        let (resolved, is_linked) = self.resolve_link(prefix, place).await?;
        if is_linked {
            let state = LinkState::Linked;
            return Ok(Link { resolved, state });
        }
        match self.linking(prefix).await? {
            Linking::Automatic => Ok(Link {
                resolved,
                state: LinkState::New(by),
            }),
            Linking::Strict => Err(ApiError::Forbidden(
                "this experience is not linked to the workspace: ask the workspace's operator to link it",
            )),
        }
    }

    /// Links an experience if its first call wrote nothing else, and returns whether it is linked
    /// then.
    async fn ensure_linked(
        &self,
        prefix: WorkspacePrefix,
        link: Link,
        now: UnixSeconds,
    ) -> Result<bool, ApiError> {
        let mut linking = self.begin_linking(prefix, link);
        let written = linking.write_alone(now).await;
        linking.end().await;
        Ok(written?)
    }

    /// An experience of the workspace, always the same while its links are; none if it has none. A decision
    /// about all of them is made there.
    pub async fn first_experience(
        &self,
        prefix: WorkspacePrefix,
    ) -> Result<Option<ExperienceId>, ApiError> {
        let linked = self.linked_experiences(prefix).await?;
        Ok(linked.into_iter().min())
    }

    pub(in crate::store) async fn linked_experiences(
        &self,
        prefix: WorkspacePrefix,
    ) -> Result<Vec<ExperienceId>, DatabaseError> {
        let query = self
            .database
            .querying()
            .consistent_read(true)
            .key_condition_expression("pk = :links")
            .projection_expression("pk, sk")
            .expression_attribute_values(":links", text(schema::link_partition(prefix)));
        let links = self.database.query_all(query).await?;
        let keys = links.iter().filter_map(Key::of);
        Ok(keys
            .filter_map(|key| ExperienceId::in_key(&key.sk))
            .collect())
    }

    /// How experiences become linked, read from the table: once a workspace is strict, no more link
    /// themselves.
    async fn linking(&self, prefix: WorkspacePrefix) -> Result<Linking, ApiError> {
        let workspace = self.look_up_workspace(prefix).await?;
        Ok(workspace.map_or_else(Linking::default, |workspace| workspace.linking))
    }
}
