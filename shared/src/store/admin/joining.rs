//! The operator's part of joins: announcing one, carrying the users over, completing and ending it.

use aws_sdk_dynamodb::types::{ConditionCheck, TransactWriteItem, Update};
use futures::{StreamExt, TryStreamExt, stream};

use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::ids::{ExperienceId, UserId, WorkspacePrefix};
use crate::domain::places::Join;
use crate::domain::rules::{self, Scope};
use crate::store::Store;
use crate::store::decisions::backfill::BackfillPosition;
use crate::store::decisions::carry_over::{IS_THIS_JOIN, Joining};
use crate::store::dynamo::database::{DatabaseError, holds, number, refused};
use crate::store::dynamo::items::{self, ExperienceItem};
use crate::store::dynamo::schema::Key;
use crate::store::lists::ban_list::Filter;

/// How many users are carried over at once.
const CARRIED_AT_ONCE: usize = 16;

/// A page of carrying users over.
#[derive(Clone, Debug)]
pub struct CarriedPage {
    pub looked_at: u64,
    /// The users about whom something was decided.
    pub carried: u64,
    pub next: Option<BackfillPosition>,
}

impl Store {
    /// Announces that a place becomes part of another one. `false` if one of them is not linked or
    /// part of a place already, or if the place has parts.
    pub async fn announce_join(
        &self,
        prefix: WorkspacePrefix,
        part: ExperienceId,
        root: ExperienceId,
        now: UnixMillis,
    ) -> Result<bool, ApiError> {
        let table = &self.database.tables().bans;
        let update = Update::builder()
            .table_name(table)
            .set_key(Some(Key::link(prefix, part).item()))
            .update_expression(
                "SET root = :root, announced = :now REMOVE joined, former_root, #left",
            )
            .condition_expression(IS_NO_PART)
            .expression_attribute_names("#left", "left")
            .expression_attribute_values(":root", number(root))
            .expression_attribute_values(":now", number(now.millis()));
        let check = ConditionCheck::builder()
            .table_name(table)
            .set_key(Some(Key::link(prefix, root).item()))
            .condition_expression(IS_NO_PART);
        let writes = vec![
            TransactWriteItem::builder()
                .update(update.build().map_err(refused)?)
                .build(),
            TransactWriteItem::builder()
                .condition_check(check.build().map_err(refused)?)
                .build(),
        ];
        let written = self.database.transact(writes).await;
        if !holds(written)? {
            return Ok(false);
        }
        // Another operator may have made it a root meanwhile; each of the two sees the other's join.
        let join = Join {
            root,
            announced: now,
            is_complete: false,
        };
        let links = self.links(prefix).await?;
        let has_parts =
            |it: &super::LinkedExperience| it.join.is_some_and(|join| join.root == part);
        let root_is_part =
            |it: &super::LinkedExperience| it.experience == root && it.join.is_some();
        if links.iter().any(|it| has_parts(it) || root_is_part(it)) {
            self.leave_root(prefix, part, join).await?;
            return Ok(false);
        }
        Ok(true)
    }

    /// Carries the next users over. Those who have anything in the part have a ban that was made
    /// there, or a Global one.
    pub async fn carry_over_some(
        &self,
        joining: &Joining,
        at: &BackfillPosition,
    ) -> Result<CarriedPage, ApiError> {
        let prefix = joining.prefix;
        let (users, looked_at, next) = self.backfill_users(prefix, joining.part, at).await?;
        let now = UnixMillis::now().seconds();
        let found = self.to_carry(prefix, joining.part, &users, now).await?;
        let carrying = found.into_iter().map(|user| self.carry_over(joining, user));
        let carried = stream::iter(carrying).buffer_unordered(CARRIED_AT_ONCE);
        let counted = carried.try_fold(0_u64, |count, decisions| async move {
            Ok(count.saturating_add(u64::from(!decisions.is_empty())))
        });
        Ok(CarriedPage {
            looked_at,
            carried: counted.await?,
            next,
        })
    }

    async fn to_carry(
        &self,
        prefix: WorkspacePrefix,
        part: ExperienceId,
        users: &[UserId],
        now: UnixSeconds,
    ) -> Result<Vec<UserId>, ApiError> {
        let keys = users
            .iter()
            .map(|user| Key::experience(prefix, *user, part));
        let mut found = Vec::new();
        for item in self.database.batch_get(keys, true).await? {
            let user = Key::of(&item).and_then(|key| key.user());
            let item: ExperienceItem = items::read(item)?;
            found.extend(user.filter(|_| rules::is_to_carry(&item.here(), now)));
        }
        Ok(found)
    }

    /// Completes a join after all users were carried over; `false` if the place has left.
    pub async fn complete_join(&self, joining: &Joining) -> Result<bool, ApiError> {
        let update = self
            .database
            .updating(Key::link(joining.prefix, joining.part))
            .update_expression("SET joined = :joined")
            .condition_expression(IS_THIS_JOIN)
            .expression_attribute_values(
                ":joined",
                aws_sdk_dynamodb::types::AttributeValue::Bool(true),
            )
            .expression_attribute_values(":root", number(joining.join.root))
            .expression_attribute_values(":announced", number(joining.join.announced.millis()));
        Ok(self.database.update_if(update).await?)
    }

    /// Ends a join, whether or not it was completed; `false` if the place has left.
    pub async fn leave_root(
        &self,
        prefix: WorkspacePrefix,
        part: ExperienceId,
        join: Join,
    ) -> Result<bool, ApiError> {
        let update = self
            .database
            .updating(Key::link(prefix, part))
            .update_expression(
                "SET former_root = root, #left = :now REMOVE root, announced, joined",
            )
            .condition_expression(IS_THIS_JOIN)
            .expression_attribute_names("#left", "left")
            .expression_attribute_values(":now", number(UnixMillis::now().millis()))
            .expression_attribute_values(":root", number(join.root))
            .expression_attribute_values(":announced", number(join.announced.millis()));
        Ok(self.database.update_if(update).await?)
    }

    /// Puts the join of a lost link back, to be completed again.
    pub(in crate::store) async fn put_back_join(
        &self,
        prefix: WorkspacePrefix,
        part: ExperienceId,
        join: Option<Join>,
    ) -> Result<(), DatabaseError> {
        let Some(join) = join else { return Ok(()) };
        let update = self
            .database
            .updating(Key::link(prefix, part))
            .update_expression("SET root = :root, announced = :announced")
            .condition_expression("attribute_not_exists(root)")
            .expression_attribute_values(":root", number(join.root))
            .expression_attribute_values(":announced", number(join.announced.millis()));
        self.database.update_if(update).await?;
        Ok(())
    }

    /// Makes checks read the part too, until the join is completed again: a restore may put its bans
    /// back in force there. `false` if the place is no part.
    pub async fn reopen_join(
        &self,
        prefix: WorkspacePrefix,
        part: ExperienceId,
    ) -> Result<bool, ApiError> {
        let update = self
            .database
            .updating(Key::link(prefix, part))
            .update_expression("REMOVE joined")
            .condition_expression("attribute_exists(root)");
        Ok(self.database.update_if(update).await?)
    }

    /// How many Experience bans of an experience are in force.
    pub async fn count_in_force(
        &self,
        prefix: WorkspacePrefix,
        experience: ExperienceId,
        now: UnixSeconds,
    ) -> Result<u64, ApiError> {
        let filter = Filter {
            experience: Some(experience),
            ..Filter::default()
        };
        let (mut bans, mut count) = (self.ban_list(prefix, &filter, None, None), 0_u64);
        while let Some(recorded) = bans.next().await? {
            let ban = &recorded.ban;
            let counts = ban.scope == Scope::Experience && ban.holds(now);
            count = count.saturating_add(u64::from(counts));
        }
        Ok(count)
    }
}

/// Requires a link that is not part of another place.
const IS_NO_PART: &str = "attribute_exists(pk) AND attribute_not_exists(root)";
