//! Which experiences belong to a workspace. A Global ban reaches all of them.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};

use super::Store;
use super::database::{DatabaseError, number, refused, text};
use super::schema::{self, Key};
use crate::auth::Caller;
use crate::clock::Timestamp;
use crate::error::ApiError;
use crate::ids::{ExperienceId, WorkspaceTag};

/// How long a warm function takes an experience for linked without looking. An unlinking is
/// effective everywhere within this time.
const REMEMBERED: Duration = Duration::from_mins(1);

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

/// An experience that may call: it is linked, or will be by this call.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    experience: ExperienceId,
    is_new: bool,
}

impl Link {
    /// Where the back-fill of standing Global bans begins.
    pub(super) const BACKFILL_START: &str = "start";
    /// The back-fill has ended.
    pub(super) const BACKFILL_DONE: &str = "done";
    /// Marks an experience as linked, and changes nothing if it is.
    pub(super) const WRITE: &str = "SET kind = :kind, linked = if_not_exists(linked, :now), \
        backfill = if_not_exists(backfill, :start)";

    /// An experience that the call leaves linked or not, as it is.
    #[must_use]
    pub const fn as_it_is(experience: ExperienceId) -> Self {
        Self {
            experience,
            is_new: false,
        }
    }

    /// The experience.
    #[must_use]
    pub const fn experience(&self) -> ExperienceId {
        self.experience
    }

    pub(super) const fn is_new(&self) -> bool {
        self.is_new
    }
}

impl Store {
    /// Whether `experience` may call: 403 for one that is not linked where linking is strict.
    /// Nothing is written yet: the link of a new one is written with the call, or by
    /// [`Store::establish`] once the call has succeeded.
    pub async fn link<P>(
        &self,
        caller: &Caller<P>,
        experience: ExperienceId,
    ) -> Result<Link, ApiError> {
        self.link_of(caller.tag(), experience).await
    }

    /// The same without a key, for what the operator decides by hand.
    pub async fn link_of(
        &self,
        tag: WorkspaceTag,
        experience: ExperienceId,
    ) -> Result<Link, ApiError> {
        if self.knows_link(tag, experience) {
            return Ok(Link {
                experience,
                is_new: false,
            });
        }
        if self
            .database
            .get(Key::link(tag, experience))
            .await?
            .is_some()
        {
            self.remember_link(tag, experience);
            return Ok(Link {
                experience,
                is_new: false,
            });
        }
        match self.linking(tag).await? {
            Linking::Automatic => Ok(Link {
                experience,
                is_new: true,
            }),
            Linking::Strict => Err(ApiError::Forbidden(
                "this experience is not linked to the workspace: its operator has to link it",
            )),
        }
    }

    /// Links an experience whose first call wrote nothing else.
    pub async fn establish<P>(
        &self,
        caller: &Caller<P>,
        link: Link,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        if link.is_new {
            self.write_link(caller.tag(), link.experience, now).await?;
            self.remember_link(caller.tag(), link.experience);
        }
        Ok(())
    }

    fn knows_link(&self, tag: WorkspaceTag, experience: ExperienceId) -> bool {
        let known = &self.known.links;
        known.get(&(tag, experience), |()| REMEMBERED).is_some()
    }

    /// Takes an experience for linked for a while.
    pub(super) fn remember_link(&self, tag: WorkspaceTag, experience: ExperienceId) {
        let name = (tag, experience);
        self.known.links.put(name, (), Instant::now());
    }

    /// Writes the link of an experience, if there is none.
    pub(super) async fn write_link(
        &self,
        tag: WorkspaceTag,
        experience: ExperienceId,
        now: Timestamp,
    ) -> Result<(), DatabaseError> {
        let update = self
            .database
            .updating(Key::link(tag, experience))
            .update_expression(Link::WRITE)
            .expression_attribute_values(":kind", text("link"))
            .expression_attribute_values(":now", number(now.0))
            .expression_attribute_values(":start", text(Link::BACKFILL_START));
        self.database.update(update).await?;
        Ok(())
    }

    /// All linked experiences of a workspace.
    pub(super) async fn linked_experiences(
        &self,
        tag: WorkspaceTag,
    ) -> Result<Vec<ExperienceId>, DatabaseError> {
        let query = self
            .database
            .querying()
            .consistent_read(true)
            .key_condition_expression("pk = :links")
            .projection_expression("pk, sk")
            .expression_attribute_values(":links", text(schema::link_partition(tag)));
        let links = self.database.query_all(query).await?;
        let keys = links.iter().filter_map(Key::of);
        Ok(keys
            .filter_map(|key| key.sk.parse::<ExperienceId>().ok())
            .collect())
    }

    /// How experiences become linked, by the table: a workspace that has become strict lets no more
    /// in.
    async fn linking(&self, tag: WorkspaceTag) -> Result<Linking, ApiError> {
        let workspace = self.look_up_workspace(tag).await?;
        Ok(workspace.map_or_else(Linking::default, |workspace| workspace.linking))
    }
}

/// Marks the experience as linked, if it is not, which starts the back-fill of Global bans.
pub(super) fn write_link(
    table: &str,
    tag: WorkspaceTag,
    link: &Link,
    now: Timestamp,
) -> Result<TransactWriteItem, DatabaseError> {
    let update = Update::builder()
        .table_name(table)
        .set_key(Some(Key::link(tag, link.experience()).item()))
        .update_expression(Link::WRITE)
        .expression_attribute_values(":kind", text("link"))
        .expression_attribute_values(":now", number(now.0))
        .expression_attribute_values(":start", text(Link::BACKFILL_START));
    Ok(TransactWriteItem::builder()
        .update(update.build().map_err(refused)?)
        .build())
}
