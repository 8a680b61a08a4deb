//! The second experience joins the first, and leaves it, in steps between the calls.

use std::time::Duration;

use serde_json::json;
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::ids::{ExperienceId, Guid, Uid, UserId};
use shared::domain::places::Join;
use shared::domain::rules::model::{Action, Model};
use shared::domain::rules::{DecisionKind, Identity};
use shared::store::Joining;

use super::comparison::{Comparison, avoid_end_of_second};
use super::expected::second;
use super::random::USERS;

/// For how many milliseconds the functions use a link.
pub const LINK_TTL: u64 = 100;

/// Longer than any test runs, in milliseconds.
const LONG: u64 = 86_400_000;

/// A join that has not ended.
pub(super) struct OpenJoin {
    joining: Joining,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Announced,
    Settling,
    Joined,
}

impl Comparison<'_> {
    /// Takes the next step of a join, or lets the place leave.
    pub(super) async fn step_of_join(&mut self) {
        self.seen.joining += 1;
        let leaves = self.random.below(4) == 0;
        match self.open_join.as_ref().map(|open| open.phase) {
            None => self.announce().await,
            Some(Phase::Announced) if !leaves => self.let_settle().await,
            Some(Phase::Settling) if !leaves => self.complete().await,
            Some(_) => self.leave().await,
        }
        // Until every function knows.
        tokio::time::sleep(Duration::from_millis(2 * LINK_TTL + 50)).await;
    }

    /// Ends a join that is not complete.
    pub(super) async fn abandon_join(&mut self) {
        let phase = self.open_join.as_ref().map(|open| open.phase);
        if phase.is_some_and(|phase| phase != Phase::Joined) {
            self.leave().await;
            tokio::time::sleep(Duration::from_millis(2 * LINK_TTL + 50)).await;
        }
    }

    /// While the place settles, a call that names it carries its user over. Doing it first shows the
    /// name of the new ban.
    pub(super) async fn carry_over_before(&mut self, action: &Action) {
        let Some(open) = &self.open_join else { return };
        let (place, user) = match action {
            Action::Ban(request) | Action::Appeal(request) => (request.place, request.user),
            Action::Unban(request) => (request.place, request.user),
            Action::Report(experience, report) => ((*experience).into(), report.user),
            Action::Poll(_) => return,
        };
        if open.phase == Phase::Settling && ExperienceId::of_root(place) == open.joining.part {
            self.carry_over(user).await;
        }
    }

    /// Announced so late that it does not settle by itself.
    async fn announce(&mut self) {
        let [root, part, ..] = *self.experiences() else {
            return;
        };
        let announced = UnixMillis::now().plus(LONG);
        let prefix = self.workspace.id().prefix();
        let store = self.workspace.app().store();
        let made = store.announce_join(prefix, part, root, announced).await;
        assert!(made.unwrap());
        self.log.push(format!("{part} is to join {root}"));
        self.in_all(|model| model.announce(part, root, announced.seconds()));
        self.open_join = Some(OpenJoin {
            joining: Joining {
                prefix,
                part,
                join: Join {
                    root,
                    announced,
                    is_complete: false,
                },
                principal: None,
                request_id: "test".to_owned(),
            },
            phase: Phase::Announced,
        });
    }

    async fn let_settle(&mut self) {
        let Some(open) = &mut self.open_join else {
            return;
        };
        let announced = UnixMillis::from_millis(UnixMillis::now().millis() - LONG);
        let Joining {
            prefix, part, join, ..
        } = &mut open.joining;
        join.announced = announced;
        let link = json!({
            "pk": { "S": format!("{prefix}#X") },
            "sk": { "S": format!("{:016}", part.get()) },
        });
        let values = json!({ ":at": { "N": announced.millis().to_string() } });
        let (part, root) = (*part, join.root);
        open.phase = Phase::Settling;
        let app = self.workspace.app();
        app.update_item(&link, "SET announced = :at", &values).await;
        self.log.push(format!("{part} settles"));
        self.in_all(|model| model.announce(part, root, UnixSeconds(0)));
    }

    async fn complete(&mut self) {
        for user in USERS {
            self.carry_over(UserId::new(user).unwrap()).await;
        }
        let Some(open) = &mut self.open_join else {
            return;
        };
        open.phase = Phase::Joined;
        let (joining, part) = (open.joining.clone(), open.joining.part);
        let store = self.workspace.app().store();
        assert!(store.complete_join(&joining).await.unwrap());
        self.log.push(format!("{part} has joined"));
        self.in_all(|model| model.complete(part));
    }

    async fn leave(&mut self) {
        let Some(OpenJoin { joining, .. }) = self.open_join.take() else {
            return;
        };
        let store = self.workspace.app().store();
        let left = store.leave_root(joining.prefix, joining.part, joining.join);
        assert!(left.await.unwrap());
        self.log.push(format!("{} leaves", joining.part));
        let now = second();
        self.in_all(|model| model.leave(joining.part, now));
    }

    async fn carry_over(&mut self, user: UserId) {
        let Some(open) = &self.open_join else { return };
        let (joining, part) = (open.joining.clone(), open.joining.part);
        avoid_end_of_second().await;
        let before = second();
        let store = self.workspace.app().store();
        let decisions = store.carry_over(&joining, user).await.unwrap();
        let after = second();
        self.log.push(format!(
            "{before}..{after} carry {user} over: {decisions:?}"
        ));
        let made = decisions.iter().find(|it| it.kind == DecisionKind::Made);
        let identity = made.map_or(
            Identity {
                guid: Guid::from(0),
                uid: Uid(0),
            },
            |it| Identity {
                guid: it.ban.guid,
                uid: it.ban.uid,
            },
        );
        let mut worlds = Vec::new();
        // Without a decision, the second makes no difference.
        let first = if decisions.is_empty() { after } else { before };
        for at in first.0..=after.0 {
            for model in &self.worlds {
                let (mut model, known) = (model.clone(), model.decided().count());
                model.carry_over(user, part, identity, UnixSeconds(at));
                if model.decided().count() == known + decisions.len() {
                    worlds.push(model);
                }
            }
        }
        self.keep(worlds, "carrying a user over");
    }

    fn in_all(&mut self, change: impl Fn(&mut Model)) {
        self.worlds.iter_mut().for_each(change);
    }
}
