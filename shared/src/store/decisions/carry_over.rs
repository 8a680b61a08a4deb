//! Carries users over from a place to the root that it becomes part of: one transaction per user.
//!
//! A call that names the place carries its own user over before it decides, and the operator's pass
//! carries over all users. Both may do so at the same time: the second finds nothing left.

use aws_sdk_dynamodb::types::{ConditionCheck, TransactWriteItem};

use super::actor::Actor;
use super::commit::{Commit, check_global};
use super::snapshot::Snapshot;
use super::write_policy::WritePolicy;
use crate::domain::actor::Channel;
use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::domain::ids::{ExperienceId, Uid, UserId, WorkspacePrefix};
use crate::domain::places::Join;
use crate::domain::rules::{self, CarriedOver, Decision, Identity, Standing};
use crate::store::Store;
use crate::store::access::places::JoinAttributes;
use crate::store::dynamo::conflicts::Rounds;
use crate::store::dynamo::database::{DatabaseError, number, refused};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::Key;

/// How often one user is tried after write conflicts.
const ROUNDS: u32 = 32;

/// A place that joins another one.
#[derive(Clone, Debug)]
pub struct Joining {
    pub prefix: WorkspacePrefix,
    pub part: ExperienceId,
    pub join: Join,
    /// Who runs the CLI.
    pub principal: Option<String>,
    /// The request on whose behalf a user is carried over.
    pub request_id: String,
}

impl Joining {
    fn actor(&self) -> Actor {
        Actor {
            key_id: self.join.name(self.part),
            channel: Channel::Cli,
            moderator: None,
            principal: self.principal.clone(),
            request_id: self.request_id.clone(),
        }
    }

    /// Requires that the place still joins the root: after it has left, its bans stay.
    fn check(&self, table: &str) -> Result<TransactWriteItem, DatabaseError> {
        let check = ConditionCheck::builder()
            .table_name(table)
            .set_key(Some(Key::link(self.prefix, self.part).item()))
            .condition_expression(IS_THIS_JOIN)
            .expression_attribute_values(":root", number(self.join.root))
            .expression_attribute_values(":announced", number(self.join.announced.millis()));
        let check = check.build().map_err(refused)?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }
}

/// Requires that a link holds the join with `:root` and `:announced`.
pub(in crate::store) const IS_THIS_JOIN: &str = "root = :root AND announced = :announced";

impl Store {
    /// Carries a user over, and returns the decisions. Repeating it changes nothing.
    pub async fn carry_over(
        &self,
        joining: &Joining,
        user: UserId,
    ) -> Result<Vec<Decision>, ApiError> {
        let pairs = [(user, joining.part), (user, joining.join.root)];
        let mut uid = None;
        let mut rounds = Rounds::at_most(ROUNDS);
        loop {
            let snapshots = self.snapshots(joining.prefix, &pairs).await?;
            let [part, root] = snapshots.as_slice() else {
                return Err(ApiError::Internal("two standings were read".to_owned()));
            };
            let now = UnixMillis::now();
            let here = &part.standing.here;
            if rules::needs_identity(here, &root.standing, now.seconds()) && uid.is_none() {
                uid = Some(self.new_uids(joining.prefix, 1).await?);
            }
            let Some(carried) = carried(part, root, uid, now) else {
                return Ok(Vec::new());
            };
            let policy = self.record_policy(joining.prefix).await?;
            let writes = self.carrying(joining, (part, root), &carried, &policy, now)?;
            let written = self.database.transact_counted(writes).await;
            let ended = self.database.retry_on_conflict(&mut rounds, written);
            if ended.await?.is_some() {
                let CarriedOver { part, root } = carried;
                let decisions = [part.decisions, root.decisions].concat();
                self.database.meter().decided(&decisions);
                return Ok(decisions);
            }
            if !self.is_current(joining).await? {
                return Ok(Vec::new());
            }
        }
    }

    /// The standing at the root as if the user had been carried over, for a dry run.
    pub(super) async fn as_carried_over(
        &self,
        joining: &Joining,
        root: &Snapshot,
    ) -> Result<Standing, ApiError> {
        let pairs = [(root.user, joining.part)];
        let found = self.snapshots(joining.prefix, &pairs).await?;
        let part = found.first();
        let carried = part.and_then(|part| carried(part, root, Some(Uid(0)), UnixMillis::now()));
        Ok(carried.map_or_else(|| root.standing.clone(), |carried| carried.root.standing))
    }

    fn carrying(
        &self,
        joining: &Joining,
        (part, root): (&Snapshot, &Snapshot),
        carried: &CarriedOver,
        policy: &WritePolicy,
        now: UnixMillis,
    ) -> Result<Vec<TransactWriteItem>, DatabaseError> {
        let table = &self.database.tables().bans;
        let actor = joining.actor();
        let mut writes = vec![joining.check(table)?, check_global(table, root)?];
        for (snapshot, outcome) in [(part, &carried.part), (root, &carried.root)] {
            let commit = Commit {
                snapshot,
                outcome,
                policy,
                actor: &actor,
                now,
            };
            writes.extend(commit.writes_here(table)?);
        }
        Ok(writes)
    }

    /// Whether the join is still to be completed. Unavailable if the place has left: a repeated call
    /// acts where it belongs then.
    async fn is_current(&self, joining: &Joining) -> Result<bool, ApiError> {
        let found = self
            .database
            .get(Key::link(joining.prefix, joining.part))
            .await?;
        let found = found.map(items::read::<JoinAttributes>).transpose()?;
        let found = found.and_then(JoinAttributes::join);
        match found {
            Some(join) if join == joining.join => Ok(true),
            Some(join)
                if (join.root, join.announced) == (joining.join.root, joining.join.announced) =>
            {
                Ok(!join.is_complete)
            }
            _ => {
                let name = (joining.prefix, joining.part.into());
                self.caches.links.remove(&name);
                Err(ApiError::Unavailable(
                    "the place has left its root".to_owned(),
                ))
            }
        }
    }
}

/// What carrying the user over changes; nothing if there is nothing to carry.
fn carried(
    part: &Snapshot,
    root: &Snapshot,
    uid: Option<Uid>,
    now: UnixMillis,
) -> Option<CarriedOver> {
    let identity = uid.map(|uid| Identity::of(uid, now));
    rules::carry_over(
        &part.standing,
        &root.standing,
        root.experience,
        identity,
        now.seconds(),
    )
}
