//! What a moderator just did, as the line above a page: with Undo, while nothing was decided since.

use shared::domain::history::PastDecision;
use shared::domain::rules::{DecisionKind, Scope};
use shared::moderation::UNDONE_WITHIN;
use shared::store::UserStandings;

use crate::ban_view::PlayerView;
use crate::times;
use crate::visit::Visit;

/// The line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultLine {
    pub text: String,
    pub note: Option<&'static str>,
    /// The decision that Undo reverses.
    pub undo: Option<String>,
    pub user: u64,
}

/// The note where another decision came later.
const OVERTAKEN: &str =
    "Something else was decided since, so there is nothing to undo here: see what holds now.";

impl ResultLine {
    /// The line for the decision that the query names, if the member made it.
    pub fn of(
        visit: &Visit,
        user: &PlayerView,
        decisions: &[PastDecision],
        standings: &UserStandings,
    ) -> Option<Self> {
        let query = visit.query();
        let done = query.text("done");
        let mut decisions = decisions.iter();
        let decision = decisions.find(|decision| decision.id() == done)?;
        let member = visit.signed_in.member.id.to_string();
        if decision.key_id != member || decision.at.plus(UNDONE_WITHIN) < visit.now() {
            return None;
        }
        let is_undo = query.text("undo") == "1";
        let is_latest = is_latest(decision, standings);
        Some(Self {
            text: words(decision, user, is_undo),
            note: if is_latest {
                note(decision, is_undo)
            } else {
                Some(OVERTAKEN)
            },
            undo: (is_latest && !is_undo).then(|| decision.id()),
            user: user.id,
        })
    }
}

/// Whether nothing was decided in the scope since.
fn is_latest(decision: &PastDecision, standings: &UserStandings) -> bool {
    let made = &decision.ban;
    let mut latest = standings.bans().filter(|ban| ban.scope == made.scope);
    latest.any(|ban| (ban.guid, ban.decisions) == (made.guid, made.decisions))
}

fn words(decision: &PastDecision, user: &PlayerView, is_undo: bool) -> String {
    let ban = &decision.ban;
    let place = match ban.scope {
        Scope::Global => "everywhere".to_owned(),
        Scope::Experience => format!("in experience {}", ban.made_in),
    };
    let until = times::until(ban.terms.expires);
    let who = &user.shown;
    let undone = if is_undo { "Undone: " } else { "" };
    match decision.kind {
        DecisionKind::Made | DecisionKind::Imported => {
            format!("{undone}{who} is banned {place} {until}.")
        }
        DecisionKind::Changed => format!("{undone}The ban of {who} is changed: {place} {until}."),
        DecisionKind::Lifted | DecisionKind::Appealed | DecisionKind::Expired => {
            format!("{undone}The ban of {who} {place} is lifted.")
        }
        DecisionKind::Restored => format!("{undone}{who} is banned again {place} {until}."),
    }
}

const fn note(decision: &PastDecision, is_undo: bool) -> Option<&'static str> {
    match decision.kind {
        DecisionKind::Made | DecisionKind::Changed | DecisionKind::Restored => {
            Some("Game servers apply it within about a minute.")
        }
        DecisionKind::Lifted if is_undo => Some(
            "Both decisions stay in the history. If the player was kicked already, they can join again.",
        ),
        _ => None,
    }
}
