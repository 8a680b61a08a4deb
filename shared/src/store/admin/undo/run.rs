//! Undoes an actor's decisions, one chain of bans after the other.

use super::{Chain, FormerRoot, UndoWindow};
use crate::domain::actor::Channel;
use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::ids::{UserId, WorkspacePrefix};
use crate::domain::rules::{self, Decision, Outcome, Standing};
use crate::store::{Actor, CallerLimits, PolicyOutcome, Store, WriteContext};

/// An undo of one actor's decisions in a workspace.
#[derive(Clone, Debug)]
pub struct Undo {
    pub prefix: WorkspacePrefix,
    /// The decisions to undo.
    pub window: UndoWindow,
    /// Where the place acted, if a join is undone.
    pub former_root: Option<FormerRoot>,
    /// The actor name of the undo's own decisions, by which they can be undone in turn.
    pub name: String,
    pub channel: Channel,
    /// Who runs it: an AWS principal, a local user or a member.
    pub principal: Option<String>,
}

impl Undo {
    /// Restores all chains of a user, or previews that, and returns the decisions.
    pub async fn of_user(
        &self,
        store: &Store,
        user: UserId,
        is_preview: bool,
    ) -> Result<Vec<Decision>, ApiError> {
        let history = store.history(self.prefix, user, self.window.since).await?;
        let mut decisions = Vec::new();
        for chain in self.window.chains(&history) {
            decisions.extend(if is_preview {
                self.preview(store, &chain).await?
            } else {
                self.carry_out(store, &chain).await?
            });
        }
        Ok(decisions)
    }

    /// What restoring a chain would decide now; writes nothing.
    pub async fn preview(&self, store: &Store, chain: &Chain) -> Result<Vec<Decision>, ApiError> {
        let snapshot = store
            .standing(self.prefix, chain.user, chain.experience)
            .await?;
        let now = UnixMillis::now().seconds();
        let outcome = self.outcome(store, chain, &snapshot.standing, now).await?;
        Ok(outcome.decisions)
    }

    /// Restores a chain and returns the decisions made. Repeating it decides nothing more.
    pub async fn carry_out(&self, store: &Store, chain: &Chain) -> Result<Vec<Decision>, ApiError> {
        let context = WriteContext {
            user: chain.user,
            prefix: self.prefix,
            link: store.link_unchanged(self.prefix, chain.experience).await?,
            actor: Actor {
                key_id: self.name.clone(),
                channel: self.channel,
                moderator: None,
                principal: self.principal.clone(),
                request_id: uuid::Uuid::new_v4().to_string(),
            },
            limits: CallerLimits::Unbound,
            idempotency: None,
            digest: None,
            dry_run: None,
        };
        let committed = store
            .commit_with_retry(&context, |snapshot, now| {
                let context = &context;
                async move {
                    let standing = &snapshot.standing;
                    let outcome = self.outcome(store, chain, standing, now.seconds()).await?;
                    if outcome.decisions.is_empty() {
                        Ok(PolicyOutcome::nothing(outcome))
                    } else {
                        Ok(PolicyOutcome::new(
                            outcome,
                            store.lift_policy(context).await?,
                        ))
                    }
                }
            })
            .await?;
        Ok(committed.decisions)
    }

    async fn outcome(
        &self,
        store: &Store,
        chain: &Chain,
        standing: &Standing,
        now: UnixSeconds,
    ) -> Result<Outcome, ApiError> {
        let history = store
            .history(self.prefix, chain.user, self.window.since)
            .await?;
        let stays_lifted = self
            .former_root
            .is_some_and(|former| self.window.was_lifted_at_root(chain, former, &history));
        if stays_lifted {
            return Ok(rules::unchanged(standing));
        }
        let steps = self.window.steps(chain, &history);
        let reason = format!("Undo of what {} decided.", self.window.by);
        Ok(rules::undo(standing, chain.scope(), &steps, &reason, now))
    }
}
