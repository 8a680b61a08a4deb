//! A player and a ban in the form in which pages show them.

use std::collections::HashMap;

use shared::domain::clock::UnixSeconds;
use shared::domain::ids::UserId;
use shared::domain::rules::{Ban, EndingKind, Expiry, Scope};
use shared::domain::text::printable_lines;
use shared::store::BanRecord;

use crate::people::People;
use crate::times::{self, TimeTag};
use shared::domain::user_name::RobloxName;

/// The most characters of a reason in a list; the player's page has all.
const LISTED: usize = 140;

/// A player.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlayerView {
    pub id: u64,
    /// `@name`, or `Player 156`.
    pub shown: String,
    /// Without the id.
    pub title: String,
    pub display: Option<String>,
    pub is_named: bool,
}

impl PlayerView {
    pub fn new(user: UserId, names: &HashMap<UserId, RobloxName>) -> Self {
        let name = names.get(&user);
        let handle = name.map(|name| format!("@{}", name.name()));
        let display = name.filter(|name| name.display_name() != name.name());
        Self {
            id: user.get(),
            is_named: name.is_some(),
            shown: handle.clone().unwrap_or_else(|| format!("Player {user}")),
            title: handle.unwrap_or_else(|| "Player".to_owned()),
            display: display.map(|name| name.display_name().to_owned()),
        }
    }
}

/// The state of a ban: a word, and a class that colours it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateView {
    pub class: &'static str,
    pub word: String,
}

impl StateView {
    fn new(class: &'static str, word: impl Into<String>) -> Self {
        Self {
            class,
            word: word.into(),
        }
    }

    pub fn of(ban: &Ban, now: UnixSeconds) -> Self {
        match (ban.ending.map(|ending| ending.kind), ban.terms.expires) {
            (Some(EndingKind::Lifted), _) => Self::new("s-lifted", "Lifted"),
            (Some(EndingKind::Appealed), _) => Self::new("s-appealed", "Appealed"),
            (None, Expiry::Never) => Self::new("s-permanent", "Permanent"),
            (None, Expiry::At(at)) if at > now => {
                Self::new("s-timed", format!("Until {}", times::day(at, now)))
            }
            (None, Expiry::At(_)) => Self::new("s-expired", "Expired"),
        }
    }

    /// The state of a player whom nothing keeps out.
    pub fn free() -> Self {
        Self::new("s-free", "Not banned")
    }
}

/// Where a ban is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedView {
    pub text: String,
    pub is_complete: bool,
}

impl AppliedView {
    pub fn new(experiences: usize, of: usize) -> Self {
        let text = match (experiences, of) {
            (1, 1) => "Applied".to_owned(),
            (0, 1) => "Not applied yet".to_owned(),
            _ => format!("{experiences} of {of} applied"),
        };
        Self {
            text,
            is_complete: experiences >= of,
        }
    }
}

/// How a ban ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedView {
    pub how: &'static str,
    pub by: Option<String>,
    pub when: TimeTag,
    pub reason: Option<String>,
}

/// A ban.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BanView {
    pub guid: String,
    pub decisions: u32,
    pub user: PlayerView,
    pub state: StateView,
    /// When it ends or ended, relative to now.
    pub until: Option<TimeTag>,
    /// The end of a ban in force, in full.
    pub end: Option<TimeTag>,
    pub is_global: bool,
    pub experience: u64,
    pub applied: Option<AppliedView>,
    pub public_reason: String,
    /// Unless it repeats the public one.
    pub private_reason: Option<String>,
    /// Empty for a reader who may not see it.
    pub moderator: String,
    pub made: TimeTag,
    pub ended: Option<EndedView>,
    pub may_edit: bool,
    pub may_repeat: bool,
}

/// Who reads, and what is known about names.
#[derive(Clone, Debug)]
pub struct Reader {
    pub now: UnixSeconds,
    /// Whether private reasons and moderators are shown.
    pub moderates: bool,
    pub moderates_globally: bool,
    pub people: People,
    pub names: HashMap<UserId, RobloxName>,
}

impl Reader {
    /// Whether the reader may decide about bans of a scope.
    pub const fn may_decide(&self, scope: Scope) -> bool {
        match scope {
            Scope::Global => self.moderates_globally,
            Scope::Experience => self.moderates,
        }
    }

    /// A value that only moderators see.
    pub fn moderation<T>(&self, value: T) -> Option<T> {
        self.moderates.then_some(value)
    }

    /// A ban in a list, with short reasons.
    pub fn listed(&self, record: &BanRecord, applied: Option<AppliedView>) -> BanView {
        let mut view = self.full(record, applied);
        view.public_reason = shortened(&view.public_reason);
        view.private_reason = None;
        if let Some(ended) = &mut view.ended {
            ended.reason = ended.reason.as_deref().map(shortened);
        }
        view
    }

    /// A ban with everything that the reader may see.
    pub fn full(&self, record: &BanRecord, applied: Option<AppliedView>) -> BanView {
        let BanRecord { ban, .. } = record;
        let (now, terms) = (self.now, &ban.terms);
        let holds = ban.holds(now);
        let by = |by| self.moderation(self.people.name(by, terms.moderator));
        let end = match terms.expires {
            Expiry::At(at) => Some(at),
            Expiry::Never => None,
        };
        let until = ban.ending.map(|ending| ending.at).or(end);
        let ended = ban.ending.map(|ending| EndedView {
            how: match ending.kind {
                EndingKind::Lifted => "Lifted",
                EndingKind::Appealed => "Appeal accepted",
            },
            by: by(record.last_by.as_ref()),
            when: TimeTag::new(ending.at, now),
            reason: record
                .last_reason
                .as_deref()
                .and_then(|reason| self.moderation(printable_lines(reason).into_owned())),
        });
        BanView {
            guid: ban.guid.to_string(),
            decisions: ban.decisions,
            user: PlayerView::new(ban.user, &self.names),
            state: StateView::of(ban, now),
            until: until.map(|at| TimeTag::new(at, now)),
            end: end.filter(|_| holds).map(TimeTag::exact),
            is_global: ban.scope == Scope::Global,
            experience: ban.made_in.get(),
            applied: applied.filter(|_| holds),
            public_reason: printable_lines(&terms.public_reason).into_owned(),
            private_reason: self
                .moderation(printable_lines(&terms.private_reason).into_owned())
                .filter(|_| terms.private_reason != terms.public_reason),
            moderator: by(record.made_by.as_ref()).unwrap_or_default(),
            made: TimeTag::new(ban.created, now),
            ended,
            may_edit: holds && self.may_decide(ban.scope),
            may_repeat: !holds && self.may_decide(ban.scope),
        }
    }
}

/// The text on one line, cut at a character.
pub fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LISTED) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
pub mod tests {
    use shared::domain::actor::{Channel, DecidedBy};
    use shared::domain::ids::{ExperienceId, Guid, ModeratorId, PlaceId, Uid};
    use shared::domain::rules::Terms;

    use super::*;

    /// 15 Jan 2027, 08:00 UTC.
    pub const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

    /// What a hostile person would type.
    pub const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'\u{202e}&";

    pub fn experience() -> ExperienceId {
        ExperienceId::of_root(PlaceId::new(75_521_396_999_004).unwrap())
    }

    /// A permanent Experience ban with these reasons.
    pub fn ban(reason: &str) -> Ban {
        Ban {
            guid: Guid::from(633_197_862_920_433_664),
            uid: Uid(1),
            user: UserId::new(156).unwrap(),
            scope: Scope::Experience,
            made_in: experience(),
            terms: Terms {
                moderator: ModeratorId::new(1).unwrap(),
                private_reason: format!("Private: {reason}"),
                public_reason: reason.to_owned(),
                expires: Expiry::Never,
                universal: true,
            },
            revision: 1,
            decisions: 1,
            created: NOW.minus(3_600),
            updated: NOW.minus(3_600),
            ending: None,
        }
    }

    pub fn record(ban: Ban) -> BanRecord {
        BanRecord {
            ban,
            applied: false,
            made_by: Some(DecidedBy::new("0123456789ab", Some(Channel::Api))),
            last_by: Some(DecidedBy::new("operator", None)),
            last_reason: Some(HOSTILE.to_owned()),
        }
    }

    pub fn reader(moderates: bool) -> Reader {
        Reader {
            now: NOW,
            moderates,
            moderates_globally: false,
            people: People::default(),
            names: HashMap::new(),
        }
    }

    #[test]
    fn state_is_a_word_and_a_class() {
        let ended = |kind| ban("x").ended(kind, NOW);
        let expiring = |at| {
            let mut ban = ban("x");
            ban.terms.expires = Expiry::At(at);
            ban
        };
        for (ban, class, word) in [
            (ban("x"), "s-permanent", "Permanent"),
            (expiring(NOW.plus(86_400)), "s-timed", "Until 16 Jan"),
            (expiring(NOW), "s-expired", "Expired"),
            (ended(EndingKind::Lifted), "s-lifted", "Lifted"),
            (ended(EndingKind::Appealed), "s-appealed", "Appealed"),
        ] {
            assert_eq!(StateView::of(&ban, NOW), StateView::new(class, word));
        }
    }

    #[test]
    fn only_moderators_see_moderators_and_private_reasons() {
        let lifted = record(ban("Spam").ended(EndingKind::Lifted, NOW));
        let view = reader(false).full(&lifted, None);
        assert_eq!((view.private_reason, view.moderator.as_str()), (None, ""));
        let ended = view.ended.unwrap();
        assert_eq!((ended.by, ended.reason), (None, None));
        let view = reader(true).full(&lifted, None);
        assert_eq!(view.private_reason.as_deref(), Some("Private: Spam"));
        assert_eq!(view.ended.unwrap().by.as_deref(), Some("Operator"));
    }

    #[test]
    fn only_those_who_may_decide_get_buttons() {
        let mut global = ban("x");
        global.scope = Scope::Global;
        let may = |moderates, ban: &Ban| {
            let view = reader(moderates).full(&record(ban.clone()), None);
            (view.may_edit, view.may_repeat)
        };
        assert_eq!(may(true, &ban("x")), (true, false));
        assert_eq!(may(false, &ban("x")), (false, false));
        assert_eq!(may(true, &global), (false, false));
        let lifted = ban("x").ended(EndingKind::Lifted, NOW);
        assert_eq!(may(true, &lifted), (false, true));
    }

    #[test]
    fn player_is_shown_by_name_and_without_one_by_id() {
        let user = ban("x").user;
        let alone = PlayerView::new(user, &HashMap::new());
        assert_eq!(
            (alone.shown.as_str(), alone.title.as_str()),
            ("Player 156", "Player")
        );
        let known = [(user, RobloxName::new("builderman", "Builder").unwrap())];
        let named = PlayerView::new(user, &HashMap::from(known));
        assert_eq!(
            (named.shown.as_str(), named.title.as_str()),
            ("@builderman", "@builderman")
        );
        assert_eq!(named.display.as_deref(), Some("Builder"));
    }

    #[test]
    fn long_reason_is_cut_in_lists_at_a_character() {
        let long = "ä".repeat(400);
        let view = reader(true).listed(&record(ban(&long)), None);
        assert_eq!(view.public_reason.chars().count(), LISTED + 1);
        assert_eq!(shortened("a\n  b"), "a b");
    }

    #[test]
    fn directional_overrides_become_visible() {
        let view = reader(true).full(&record(ban(HOSTILE)), None);
        assert!(view.public_reason.contains("\\u{202e}"));
    }
}
