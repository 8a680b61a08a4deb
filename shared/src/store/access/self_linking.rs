//! Experiences that link themselves, and their limit per workspace.
//!
//! A Global decision writes to every linked experience, and any key that may write can name any
//! place. So a workspace has a number of slots for experiences that link themselves; the operator
//! needs none. The slots are one counter: a slot is taken before the link is written, and returned
//! if the link is not written after all. A function that is killed in between loses one, which the
//! operator's next `experience link` or `unlink` recovers. Beyond the last slot a call succeeds
//! without a link.

use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{ConditionCheck, TransactWriteItem, Update};

use super::links::{Link, LinkState, LinkedBy};
use crate::domain::clock::{Reading, UnixSeconds};
use crate::domain::ids::{ExperienceId, WorkspacePrefix};
use crate::store::Store;
use crate::store::dynamo::database::{DatabaseError, number, refused, text};
use crate::store::dynamo::schema::{Key, StoredKind, attributes};

/// How many experiences of a workspace can link themselves.
pub const SELF_LINKED: u64 = 250;

/// How long a warm function requests no slot after there was none.
const NONE_REMEMBERED: Duration = Duration::from_mins(1);

/// The link of a call's experience, from the decision to the write.
#[derive(Debug)]
pub(in crate::store) struct SelfLinking<'a> {
    store: &'a Store,
    prefix: WorkspacePrefix,
    experience: ExperienceId,
    state: LinkState,
    /// Whether a slot was taken for a link that is not known to be written.
    has_slot: bool,
    /// Whether a write of the link got no answer.
    is_unsure: bool,
}

impl SelfLinking<'_> {
    /// Takes a slot if the call links the experience, and returns whether the experience will be
    /// linked once the call is written.
    pub async fn prepare(&mut self, now: UnixSeconds) -> Result<bool, DatabaseError> {
        if self.state == LinkState::New(LinkedBy::Call) && !self.has_slot {
            self.has_slot = self
                .store
                .take_slot(self.prefix, self.experience, now)
                .await?;
            if !self.has_slot {
                self.state = LinkState::Unlinked;
            }
        }
        Ok(self.state != LinkState::Unlinked)
    }

    /// The part of the call's transaction: a new link, or a check that there still is none, so that
    /// nothing is written without a pending entry for an experience linked meanwhile. A call that
    /// writes nothing else needs no check.
    pub fn write(
        &self,
        now: UnixSeconds,
        is_alone: bool,
    ) -> Result<Option<TransactWriteItem>, DatabaseError> {
        let table = &self.store.database.tables().bans;
        let key = Key::link(self.prefix, self.experience).item();
        let write = TransactWriteItem::builder();
        Ok(match self.state {
            LinkState::New(by) => {
                let update = Update::builder()
                    .table_name(table)
                    .set_key(Some(key))
                    .update_expression(Link::WRITE)
                    .condition_expression(Link::IS_NEW)
                    .expression_attribute_values(":kind", text(StoredKind::Link))
                    .expression_attribute_values(":now", number(now.0))
                    .expression_attribute_values(":start", text(Link::BACKFILL_START))
                    .expression_attribute_values(":by", text(by.as_str()));
                Some(write.update(update.build().map_err(refused)?).build())
            }
            LinkState::Unlinked if !is_alone => {
                let check = ConditionCheck::builder()
                    .table_name(table)
                    .set_key(Some(key))
                    .condition_expression(Link::IS_NEW);
                let check = check.build().map_err(refused)?;
                Some(write.condition_check(check).build())
            }
            LinkState::Linked | LinkState::Unlinked => None,
        })
    }

    /// The call is written, and a new link with it.
    pub fn written(&mut self) {
        if self.becomes_linked() {
            self.store.remember_link(self.prefix, self.experience);
        }
    }

    /// The call turns out to be done already: by its own write that got no answer, or under an
    /// idempotency key, in which case it is unknown whether it linked the experience.
    pub fn found_done(&mut self) {
        if self.is_unsure {
            self.becomes_linked();
        }
    }

    /// Whether the link is new. The slot of a link that another call wrote is returned.
    const fn becomes_linked(&mut self) -> bool {
        let is_new = matches!(self.state, LinkState::New(_));
        if is_new {
            self.has_slot = false;
            self.state = LinkState::Linked;
        }
        is_new
    }

    /// A write of the call got no answer.
    pub const fn unanswered(&mut self) {
        self.is_unsure = true;
    }

    /// Checks again after a conflict: another call may have linked the experience.
    pub async fn refresh(&mut self) -> Result<(), DatabaseError> {
        if self.state != LinkState::Linked && self.exists().await? {
            self.state = LinkState::Linked;
        }
        Ok(())
    }

    /// Writes the link of a call that writes nothing else, and returns whether there is one then.
    pub async fn write_alone(&mut self, now: UnixSeconds) -> Result<bool, DatabaseError> {
        let is_linked = self.prepare(now).await?;
        if self.state == LinkState::New(LinkedBy::Call) {
            let made = self
                .store
                .updating_link(self.prefix, self.experience, LinkedBy::Call, now);
            let is_new = self
                .store
                .database
                .update_if(made.condition_expression(Link::IS_NEW))
                .await
                .inspect_err(|_| self.is_unsure = true)?;
            if is_new {
                self.written();
            } else {
                self.state = LinkState::Linked;
            }
        }
        Ok(is_linked)
    }

    /// Returns an unused slot. A failure costs the slot.
    pub async fn end(self) {
        if !self.has_slot || (self.is_unsure && self.exists().await.unwrap_or(true)) {
            return;
        }
        let _ = self.store.give_slot_back(self.prefix).await;
    }

    async fn exists(&self) -> Result<bool, DatabaseError> {
        let key = Key::link(self.prefix, self.experience);
        Ok(self.store.database.get(key).await?.is_some())
    }
}

impl Store {
    pub(in crate::store) const fn begin_linking(
        &self,
        prefix: WorkspacePrefix,
        link: Link,
    ) -> SelfLinking<'_> {
        SelfLinking {
            store: self,
            prefix,
            experience: link.experience(),
            state: link.state(),
            has_slot: false,
            is_unsure: false,
        }
    }

    /// Whether there was no slot a moment ago.
    pub(in crate::store) fn knows_no_slot(&self, prefix: WorkspacePrefix) -> bool {
        let full = &self.caches.without_slots;
        full.get(&prefix, |()| NONE_REMEMBERED).is_some()
    }

    /// Takes a slot; `false` if there is none, which each environment records at most once per
    /// minute.
    async fn take_slot(
        &self,
        prefix: WorkspacePrefix,
        experience: ExperienceId,
        now: UnixSeconds,
    ) -> Result<bool, DatabaseError> {
        if !self.knows_no_slot(prefix) {
            let take = self
                .database
                .updating(Key::link_slots(prefix))
                .update_expression("SET kind = :kind ADD #value :one")
                .condition_expression("attribute_not_exists(#value) OR #value < :most")
                .expression_attribute_names("#value", attributes::VALUE)
                .expression_attribute_values(":kind", text(StoredKind::Counter))
                .expression_attribute_values(":one", number(1))
                .expression_attribute_values(":most", number(SELF_LINKED));
            if self.database.update_if(take).await? {
                return Ok(true);
            }
            self.caches.without_slots.put(prefix, (), Reading::now());
            let note = self
                .database
                .updating(Key::link_slots(prefix))
                .update_expression("SET refused = :experience, refused_at = :now")
                .expression_attribute_values(":experience", number(experience))
                .expression_attribute_values(":now", number(now.0));
            self.database.update(note).await?;
        }
        self.database.meter().link_limit_reached();
        Ok(false)
    }

    async fn give_slot_back(&self, prefix: WorkspacePrefix) -> Result<(), DatabaseError> {
        let give = self
            .database
            .updating(Key::link_slots(prefix))
            .update_expression("ADD #value :less")
            .condition_expression("#value > :none")
            .expression_attribute_names("#value", attributes::VALUE)
            .expression_attribute_values(":less", number(-1))
            .expression_attribute_values(":none", number(0));
        self.database.update_if(give).await?;
        Ok(())
    }

    /// An update that links an experience, to be sent with or without a condition.
    pub(in crate::store) fn updating_link(
        &self,
        prefix: WorkspacePrefix,
        experience: ExperienceId,
        by: LinkedBy,
        now: UnixSeconds,
    ) -> UpdateItemFluentBuilder {
        self.database
            .updating(Key::link(prefix, experience))
            .update_expression(Link::WRITE)
            .expression_attribute_values(":kind", text(StoredKind::Link))
            .expression_attribute_values(":now", number(now.0))
            .expression_attribute_values(":start", text(Link::BACKFILL_START))
            .expression_attribute_values(":by", text(by.as_str()))
    }
}
