//! Undoes a key's decisions, one chain of bans after the other.

use crate::domain::clock::{Moment, Timestamp};
use crate::domain::error::ApiError;
use crate::domain::ids::WorkspaceTag;
use crate::domain::rules::{self, Decision, Outcome, Standing};
use crate::store::{Actor, Bounds, Call, Chain, Decided, Store, UndoWindow};

/// An undo of one key's decisions in a workspace.
#[derive(Clone, Debug)]
pub struct Undo {
    pub tag: WorkspaceTag,
    /// The decisions to undo.
    pub window: UndoWindow,
    /// The actor name of the undo's own decisions, by which they can be undone in turn.
    pub name: String,
    /// The AWS principal who runs it.
    pub principal: Option<String>,
}

impl Undo {
    /// What restoring a chain would decide now; writes nothing.
    pub async fn preview(&self, store: &Store, chain: &Chain) -> Result<Vec<Decision>, ApiError> {
        let snapshot = store
            .standing(self.tag, chain.user, chain.experience)
            .await?;
        let now = Moment::now().seconds();
        let outcome = self.outcome(store, chain, &snapshot.standing, now).await?;
        Ok(outcome.decisions)
    }

    /// Restores a chain and returns the decisions made. Repeating it decides nothing more.
    pub async fn carry_out(&self, store: &Store, chain: &Chain) -> Result<Vec<Decision>, ApiError> {
        let call = Call {
            user: chain.user,
            tag: self.tag,
            link: store.link_as_it_is(self.tag, chain.experience).await?,
            actor: Actor {
                key_id: self.name.clone(),
                moderator: None,
                principal: self.principal.clone(),
                request_id: uuid::Uuid::new_v4().to_string(),
            },
            bounds: Bounds::Unbound,
            idempotency: None,
            digest: None,
        };
        let settled = store
            .settle(&call, |snapshot, now| {
                let call = &call;
                async move {
                    let standing = &snapshot.standing;
                    let outcome = self.outcome(store, chain, standing, now.seconds()).await?;
                    if outcome.decisions.is_empty() {
                        Ok(Decided::nothing(outcome))
                    } else {
                        Ok(Decided::new(outcome, store.permit_lift(call).await?))
                    }
                }
            })
            .await?;
        Ok(settled.decisions)
    }

    async fn outcome(
        &self,
        store: &Store,
        chain: &Chain,
        standing: &Standing,
        now: Timestamp,
    ) -> Result<Outcome, ApiError> {
        let history = store
            .history(self.tag, chain.user, self.window.since)
            .await?;
        let steps = self.window.steps(chain, &history);
        let reason = format!("Undo of what {} decided.", self.window.key_id);
        Ok(rules::undo(standing, chain.scope(), &steps, &reason, now))
    }
}
