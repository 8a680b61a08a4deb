//! The decisions about a player: one entry each, verb first, with what it changed.

use shared::domain::actor::Channel;
use shared::domain::history::PastDecision;
use shared::domain::rules::{Ban, DecisionKind, Scope};
use shared::domain::text::printable_lines;

use crate::ban_view::{PlayerView, Reader, StateView};
use crate::times::{self, TimeTag};

/// A decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    pub id: String,
    pub guid: String,
    /// The colour of its mark.
    pub class: &'static str,
    pub what: String,
    pub by: Option<String>,
    /// Where a member decided; otherwise empty.
    pub channel: &'static str,
    pub when: TimeTag,
    /// The time in full, for the text.
    exact: String,
    pub changes: Vec<ChangeView>,
    pub may_repeat: bool,
}

/// A term before and after a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeView {
    pub title: &'static str,
    /// None for a new ban.
    pub before: Option<String>,
    pub after: String,
}

impl HistoryEntry {
    pub fn new(decision: &PastDecision, reader: &Reader) -> Self {
        let ban = &decision.ban;
        let is_end = matches!(
            decision.kind,
            DecisionKind::Lifted | DecisionKind::Appealed | DecisionKind::Expired
        );
        let channel = match decision.channel {
            Some(Channel::Console) => " in the console",
            Some(Channel::Discord) => " in Discord",
            // Who decided says it.
            _ => "",
        };
        let mut changes = Vec::new();
        if !is_end {
            let before = decision.previous.as_ref();
            let before = before.filter(|before| before.guid == ban.guid);
            changes = differences(before, ban, reader);
        }
        let reason = decision
            .reason
            .as_deref()
            .and_then(|it| reader.moderation(it));
        changes.extend(reason.map(|reason| ChangeView {
            title: "Reason",
            before: None,
            after: printable_lines(reason).into_owned(),
        }));
        Self {
            id: decision.id(),
            guid: ban.guid.to_string(),
            class: StateView::of(ban, decision.at).class,
            what: what(decision),
            by: reader.moderation(reader.people.of_decision(decision)),
            channel,
            when: TimeTag::new(decision.at, reader.now),
            exact: times::exact(decision.at),
            changes,
            may_repeat: is_end && reader.may_decide(ban.scope),
        }
    }
}

/// A decision in words, verb first.
pub fn what(decision: &PastDecision) -> String {
    let verb = match decision.kind {
        DecisionKind::Made => "Banned",
        DecisionKind::Changed => "Edited",
        DecisionKind::Lifted => "Lifted",
        DecisionKind::Appealed => "Appeal accepted",
        DecisionKind::Restored => "Banned again",
        DecisionKind::Imported => "Imported",
        DecisionKind::Expired => "Expired",
    };
    match decision.ban.scope {
        Scope::Global => format!("{verb} everywhere"),
        Scope::Experience => format!("{verb} in experience {}", decision.ban.made_in),
    }
}

/// What differs between two states of a ban; for a new one, its terms.
pub fn differences(before: Option<&Ban>, after: &Ban, reader: &Reader) -> Vec<ChangeView> {
    let shown = |text: &str| printable_lines(text).into_owned();
    let terms = |ban: &Ban| {
        [
            ("Length", Some(capital(&times::until(ban.terms.expires)))),
            ("Public reason", Some(shown(&ban.terms.public_reason))),
            (
                "Private reason",
                reader.moderation(shown(&ban.terms.private_reason)),
            ),
        ]
    };
    let old = before.map(terms);
    let changes = terms(after).into_iter().enumerate();
    let changes = changes.filter_map(|(at, (title, after))| {
        let before = old.as_ref().and_then(|old| old.get(at)?.1.clone());
        let after = after?;
        (before.as_ref() != Some(&after)).then_some(ChangeView {
            title,
            before,
            after,
        })
    });
    let changes: Vec<_> = changes.collect();
    if before.is_some() {
        return changes;
    }
    // Most private reasons repeat the public one.
    let [.., public, private] = changes.as_slice() else {
        return changes;
    };
    if private.title == "Private reason" && private.after == public.after {
        changes.iter().take(2).cloned().collect()
    } else {
        changes
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    format!("{first}{}", letters.as_str())
}

/// The history as lines to paste elsewhere.
pub fn as_text(player: &PlayerView, entries: &[HistoryEntry]) -> String {
    let lines = entries.iter().map(|entry| {
        let by = entry.by.as_deref().map(|by| format!(" by {by}"));
        let changes = entry.changes.iter().map(|change| {
            let before = change.before.as_deref().map(|it| format!("{it} -> "));
            format!(
                "\n  {}: {}{}",
                change.title,
                before.unwrap_or_default(),
                change.after
            )
        });
        let changes: String = changes.collect();
        format!(
            "{} {}{}{changes}",
            entry.exact,
            entry.what,
            by.unwrap_or_default()
        )
    });
    let lines: Vec<_> = lines.collect();
    format!("{} ({})\n{}", player.shown, player.id, lines.join("\n"))
}

#[cfg(test)]
pub mod tests {
    use shared::domain::clock::UnixMillis;
    use shared::domain::rules::{EndingKind, Expiry};

    use super::*;
    use crate::ban_view::tests::{NOW, ban, reader};

    /// A decision by the operator an hour ago.
    pub fn decision(kind: DecisionKind, ban: Ban) -> PastDecision {
        PastDecision {
            kind,
            at: NOW.minus(3_600),
            moment: UnixMillis::from_millis(0),
            ban,
            previous: None,
            applied: false,
            previous_applied: false,
            reason: None,
            key_id: "operator".to_owned(),
            channel: Some(Channel::Cli),
            moderator: None,
            principal: None,
        }
    }

    fn titles(entry: &HistoryEntry) -> Vec<&str> {
        entry.changes.iter().map(|change| change.title).collect()
    }

    #[test]
    fn new_ban_shows_its_terms_once() {
        let mut spam = ban("Spam");
        spam.terms
            .private_reason
            .clone_from(&spam.terms.public_reason);
        let entry = HistoryEntry::new(&decision(DecisionKind::Made, spam), &reader(true));
        assert_eq!(entry.what, "Banned in experience 75521396999004");
        assert_eq!(entry.by.as_deref(), Some("Operator"));
        assert_eq!(titles(&entry), ["Length", "Public reason"]);
    }

    #[test]
    fn edit_shows_only_what_changed() {
        let before = ban("Spam");
        let mut after = before.revised(before.terms.clone(), NOW);
        after.terms.expires = Expiry::At(NOW.plus(60));
        let mut changed = decision(DecisionKind::Changed, after);
        changed.previous = Some(before);
        let entry = HistoryEntry::new(&changed, &reader(true));
        assert_eq!(
            entry.changes,
            [ChangeView {
                title: "Length",
                before: Some("Permanently".to_owned()),
                after: "Until 15 Jan 2027, 08:01 UTC".to_owned(),
            }]
        );
    }

    #[test]
    fn lift_shows_its_reason_to_moderators() {
        let mut lifted = decision(
            DecisionKind::Lifted,
            ban("x").ended(EndingKind::Lifted, NOW),
        );
        lifted.reason = Some("Mistake".to_owned());
        assert_eq!(
            titles(&HistoryEntry::new(&lifted, &reader(true))),
            ["Reason"]
        );
        let seen = HistoryEntry::new(&lifted, &reader(false));
        assert_eq!(
            (seen.changes.len(), seen.by, seen.may_repeat),
            (0, None, false)
        );
    }

    #[test]
    fn text_has_a_line_for_each_decision() {
        let reader = reader(true);
        let player = PlayerView::new(ban("x").user, &reader.names);
        let entry = HistoryEntry::new(&decision(DecisionKind::Made, ban("Spam")), &reader);
        assert_eq!(
            as_text(&player, &[entry]),
            "Player 156 (156)\n15 Jan 2027, 07:00 UTC Banned in experience 75521396999004 by Operator\
             \n  Length: Permanently\n  Public reason: Spam\n  Private reason: Private: Spam"
        );
    }
}
