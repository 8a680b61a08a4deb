//! The operator's part of links: making, ending and listing them.
//!
//! Ending a link keeps the users' items of the experience with its reports: those bans are on
//! Roblox's list there, and when linked again, it must not be asked to apply them a second time.
//! Its pending changes leave the indexes. Nothing is propagated to it while it is not linked; when
//! it is linked again, a back-fill brings every item of it in line with the current decisions,
//! whatever was written late or not at all meanwhile.

use aws_sdk_dynamodb::types::ReturnValue;
use futures::future::try_join_all;
use serde::Deserialize;

use crate::domain::clock::UnixSeconds;
use crate::domain::error::ApiError;
use crate::domain::ids::{ExperienceId, PlaceId, WorkspacePrefix};
use crate::domain::places::{Join, Membership, Resolved};
use crate::store::Store;
use crate::store::access::links::{Link, LinkState, LinkedBy};
use crate::store::access::places::JoinAttributes;
use crate::store::dynamo::database::{DatabaseError, number, text};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{self, Item, Key, StoredKind, attributes};
use crate::store::lists::pending::Pending;

/// How many entries of a pending index are dropped in parallel.
const DROPPED_AT_ONCE: usize = 25;

/// A linked experience.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkedExperience {
    pub experience: ExperienceId,
    pub linked: UnixSeconds,
    /// Whether its back-fill has ended.
    pub is_filled: bool,
    /// Who linked it, if recorded.
    pub by: Option<LinkedBy>,
    /// Its join, if it is part of another place.
    pub join: Option<Join>,
}

impl LinkedExperience {
    fn read(item: Item) -> Result<Option<Self>, DatabaseError> {
        #[derive(Deserialize)]
        struct LinkItem {
            #[serde(default)]
            linked: UnixSeconds,
            backfill: String,
            #[serde(default)]
            linked_by: Option<LinkedBy>,
        }
        let Some(experience) = Key::of(&item).and_then(|key| ExperienceId::in_key(&key.sk)) else {
            return Ok(None);
        };
        let join = items::read::<JoinAttributes>(item.clone())?.join();
        let LinkItem {
            linked,
            backfill,
            linked_by,
        } = items::read(item)?;
        Ok(Some(Self {
            experience,
            linked,
            is_filled: backfill == Link::BACKFILL_DONE,
            by: linked_by,
            join,
        }))
    }
}

/// The slots of a workspace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct LinkSlots {
    /// How many are taken.
    #[serde(default, rename = "value")]
    pub taken: u64,
    /// The last experience that found none, as far as recorded.
    #[serde(default)]
    pub refused: Option<ExperienceId>,
    #[serde(default)]
    pub refused_at: Option<UnixSeconds>,
}

impl Store {
    pub async fn links(&self, prefix: WorkspacePrefix) -> Result<Vec<LinkedExperience>, ApiError> {
        let query = self
            .database
            .querying()
            .consistent_read(true)
            .key_condition_expression("pk = :links")
            .expression_attribute_values(":links", text(schema::link_partition(prefix)));
        let mut links = Vec::new();
        for item in self.database.query_all(query).await? {
            links.extend(LinkedExperience::read(item)?);
        }
        Ok(links)
    }

    /// The link of an experience, if there is one.
    pub async fn linked(
        &self,
        prefix: WorkspacePrefix,
        experience: ExperienceId,
    ) -> Result<Option<LinkedExperience>, ApiError> {
        let item = self.database.get(Key::link(prefix, experience)).await?;
        let link = item.map(LinkedExperience::read).transpose()?;
        Ok(link.flatten())
    }

    /// What the link of a place says about other places.
    pub async fn place_membership(
        &self,
        prefix: WorkspacePrefix,
        place: ExperienceId,
    ) -> Result<Membership, ApiError> {
        let item = self.database.get(Key::link(prefix, place)).await?;
        let link = item.map(items::read::<JoinAttributes>).transpose()?;
        Ok(link.unwrap_or_default().membership())
    }

    /// Links an experience for the operator, if it is not linked. Its back-fill starts, by the
    /// stream's function or by a caller of [`Store::backfill_some`]. One that had linked itself
    /// becomes the operator's, and returns its slot.
    pub async fn link_experience(
        &self,
        prefix: WorkspacePrefix,
        experience: ExperienceId,
        now: UnixSeconds,
    ) -> Result<(), ApiError> {
        self.write_link(prefix, experience, now).await?;
        self.recount_link_slots(prefix).await
    }

    /// Writes the operator's link of an experience.
    pub(in crate::store) async fn write_link(
        &self,
        prefix: WorkspacePrefix,
        experience: ExperienceId,
        now: UnixSeconds,
    ) -> Result<(), DatabaseError> {
        let update = self.updating_link(prefix, experience, LinkedBy::Operator, now);
        self.database.update(update).await?;
        Ok(())
    }

    /// Ends the link of an experience; `false` if there was none. Functions with a cached link use
    /// it for up to a minute. Ends its mirror too.
    pub async fn unlink_experience(
        &self,
        prefix: WorkspacePrefix,
        experience: ExperienceId,
    ) -> Result<bool, ApiError> {
        self.remove_mirror(prefix, experience).await?;
        let link = Key::link(prefix, experience);
        let was_linked = self.database.delete_existing(link).await?;
        self.recount_link_slots(prefix).await?;
        Ok(was_linked)
    }

    /// Drops some of what is pending, now or later, for an experience that is no longer linked, and
    /// returns how much; 0 when nothing is left. An entry that was rewritten meanwhile stays for
    /// the next call.
    pub async fn drop_pending(
        &self,
        pending: Pending,
        prefix: WorkspacePrefix,
        experience: ExperienceId,
        after: &mut Option<Item>,
    ) -> Result<u64, ApiError> {
        let (_, range) = pending.index();
        let query = self
            .querying_pending(pending, prefix, experience, None)
            .limit(i32::try_from(DROPPED_AT_ONCE).unwrap_or(i32::MAX))
            .set_exclusive_start_key(after.take());
        let (found, next) = self.database.query(query).await?;
        *after = next;
        let (condition, change) = match pending {
            Pending::Bans => ("ban_owed = :owed", "REMOVE ban_owed, ban_owed_until"),
            Pending::Unbans => ("unban_owed = :owed", "REMOVE unban_owed"),
        };
        let drops = found.iter().filter_map(|item| {
            let update = self
                .database
                .updating(Key::of(item)?)
                .update_expression(change)
                .condition_expression(condition)
                .expression_attribute_values(":owed", item.get(range)?.clone());
            Some(self.database.update_if(update))
        });
        let dropped = try_join_all(drops).await?;
        Ok(dropped.into_iter().map(u64::from).sum())
    }

    /// Drops all that is pending for such an experience, in at most `steps` for bans and as many for unbans;
    /// `false` if some of it remains.
    pub async fn drop_all_pending(
        &self,
        prefix: WorkspacePrefix,
        experience: ExperienceId,
        steps: u32,
    ) -> Result<bool, ApiError> {
        for pending in [Pending::Bans, Pending::Unbans] {
            let mut after = None;
            for _ in 0..steps {
                self.drop_pending(pending, prefix, experience, &mut after)
                    .await?;
                if after.is_none() {
                    break;
                }
            }
            if after.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The place of a call by the operator, which links it.
    pub async fn link_of(&self, prefix: WorkspacePrefix, place: PlaceId) -> Result<Link, ApiError> {
        self.find_link(prefix, place, LinkedBy::Operator).await
    }

    /// The experience of a call that does not change whether it is linked.
    pub async fn link_unchanged(
        &self,
        prefix: WorkspacePrefix,
        experience: ExperienceId,
    ) -> Result<Link, ApiError> {
        let (_, is_linked) = self.resolve_link(prefix, experience.into()).await?;
        let state = if is_linked {
            LinkState::Linked
        } else {
            LinkState::Unlinked
        };
        let resolved = Resolved::itself(experience);
        Ok(Link { resolved, state })
    }

    /// Marks the back-fill as complete, if the experience is still linked.
    pub async fn end_backfill(
        &self,
        prefix: WorkspacePrefix,
        experience: ExperienceId,
    ) -> Result<(), ApiError> {
        let update = self
            .database
            .updating(Key::link(prefix, experience))
            .update_expression("SET backfill = :done")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":done", text(Link::BACKFILL_DONE));
        self.database.update_if(update).await?;
        Ok(())
    }

    pub async fn link_slots(&self, prefix: WorkspacePrefix) -> Result<LinkSlots, ApiError> {
        let item = self.database.get(Key::link_slots(prefix)).await?;
        Ok(item.map(items::read).transpose()?.unwrap_or_default())
    }

    /// Counts the experiences that linked themselves, and corrects the slots. It reads all links.
    async fn recount_link_slots(&self, prefix: WorkspacePrefix) -> Result<(), ApiError> {
        let before = self.link_slots(prefix).await?.taken;
        let links = self.links(prefix).await?;
        let taken = links
            .iter()
            .filter(|it| it.by == Some(LinkedBy::Call))
            .count();
        let taken = u64::try_from(taken).unwrap_or(u64::MAX);
        if taken == before {
            return Ok(());
        }
        let set = self
            .database
            .updating(Key::link_slots(prefix))
            .update_expression("SET kind = :kind, #value = :taken")
            .condition_expression("attribute_not_exists(#value) OR #value = :before")
            .expression_attribute_names("#value", attributes::VALUE)
            .expression_attribute_values(":kind", text(StoredKind::Counter))
            .expression_attribute_values(":taken", number(taken))
            .expression_attribute_values(":before", number(before))
            .return_values(ReturnValue::None);
        // If not, experiences are linking themselves right now: the next recount corrects it.
        self.database.update_if(set).await?;
        Ok(())
    }
}
