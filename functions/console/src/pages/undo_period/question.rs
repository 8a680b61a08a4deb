//! Whose decisions to undo, and of which period.

use shared::domain::actor::{ActorKind, Channel};
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::error::ApiError;
use shared::domain::keys::KeyRecord;
use shared::domain::members::Member;
use shared::domain::places::Join;
use shared::store::Actor;
use shared::store::admin::{Undo, UndoWindow, UndoneActor};

use crate::form::Submitted;
use crate::pages::activity::all_actors;
use crate::times;
use crate::visit::Visit;

/// What a person asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UndoQuestion {
    /// The id of a member or a key, or the name of a run.
    pub by: String,
    pub from: String,
    pub to: String,
    pub by_error: Option<String>,
    pub from_error: Option<String>,
    pub to_error: Option<String>,
}

/// Those whose decisions can be undone.
#[derive(Clone, Debug, Default)]
pub struct Actors {
    pub members: Vec<Member>,
    pub keys: Vec<KeyRecord>,
}

impl Actors {
    pub async fn read(visit: &Visit) -> Result<Self, ApiError> {
        let (store, prefix) = (&visit.store, visit.prefix());
        let (members, keys) = tokio::try_join!(store.members(prefix), store.keys(prefix))?;
        Ok(Self { members, keys })
    }

    /// The actor with this id: a member counts with all channels.
    pub fn named(&self, by: &str) -> Option<UndoneActor> {
        let mut members = self.members.iter();
        if let Some(member) = members.find(|member| member.id.to_string() == by) {
            return Some(UndoneActor::moderator(Some(member), None, &self.keys));
        }
        let is_key = self.keys.iter().any(|key| key.key_id == by);
        (is_key || is_run(by)).then(|| UndoneActor::Id(by.to_owned()))
    }

    /// The actor in words.
    pub fn title(&self, by: &str) -> String {
        let all = all_actors(&self.members, &self.keys);
        let known = all.into_iter().find(|(id, _)| id == by);
        known.map_or_else(|| format!("Run {by}"), |(_, title)| title)
    }

    /// What to do first: someone who can still decide may undo the undo.
    pub fn warning(&self, by: &str, now: UnixSeconds) -> Option<String> {
        let mut members = self.members.iter();
        if let Some(member) = members.find(|member| member.id.to_string() == by) {
            let name = &member.name;
            return member.removed.is_none().then(|| {
                format!(
                    "{name} is a member and may decide again. Remove them first, and wait a minute."
                )
            });
        }
        let key = self.keys.iter().find(|key| key.key_id == by)?;
        key.is_live(now).then(|| {
            let name = &key.name;
            format!(
                "The key {name} works and may decide again. Revoke it first, and wait a minute."
            )
        })
    }
}

/// Whether it is the operator, or the name of a run such as `undo-1f2e3d4c`. A join of places is undone
/// by the command, which knows the former root.
pub fn is_run(by: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_operator = ActorKind::of(by, Some(Channel::Cli)) == ActorKind::Operator;
    let fits = (1..=40).contains(&by.len()) && by.bytes().all(is_plain);
    fits && is_operator && Join::part_of(by).is_none()
}

impl UndoQuestion {
    /// What is typed into the form, or stands in a link to it.
    pub fn typed(form: &Submitted) -> Self {
        let text = |name| form.text(name).chars().take(80).collect();
        Self {
            by: text("by"),
            from: text("from"),
            to: text("to"),
            ..Self::default()
        }
    }

    /// The window, or what is wrong beside each field.
    pub fn window(&mut self, actors: &Actors, now: UnixMillis) -> Option<UndoWindow> {
        let by = actors.named(&self.by);
        if by.is_none() {
            self.by_error = Some("Choose whose decisions to undo.".to_owned());
        }
        let moment = |typed: &str| {
            let at =
                times::of_typed(typed).map(|at| UnixMillis::from_millis(at.0.saturating_mul(1000)));
            at.filter(|at| *at <= now)
        };
        let since = moment(&self.from);
        if since.is_none() {
            let error = "Type a past time in UTC, such as 2027-01-31T18:00.";
            self.from_error = Some(error.to_owned());
        }
        let until = match self.to.as_str() {
            "" => Some(now),
            typed => moment(typed),
        };
        let until = until.filter(|until| since.is_none_or(|since| since <= *until));
        if until.is_none() {
            let error = "Type a past time after the first one, or leave it empty for now.";
            self.to_error = Some(error.to_owned());
        }
        Some(UndoWindow {
            by: by?,
            since: since?,
            until: until?,
        })
    }
}

/// The undo of a window, by the member. `run` is its name, under which it can be undone in turn.
pub fn undo_of(visit: &Visit, window: UndoWindow, run: String) -> Undo {
    Undo {
        prefix: visit.prefix(),
        window,
        former_root: None,
        name: run,
        channel: Channel::Console,
        principal: Some(visit.signed_in.member.id.to_string()),
    }
}

/// The name of a run in a form, or that of a new one.
pub fn run_name(sent: &str) -> String {
    let is_one = sent.starts_with("undo-") && sent.len() == 13 && is_run(sent);
    if is_one {
        sent.to_owned()
    } else {
        Actor::run_name("undo")
    }
}

#[cfg(test)]
pub mod tests {
    use shared::domain::members::MemberId;

    use super::*;
    use crate::ban_view::tests::NOW;

    pub fn actors(name: &str) -> Actors {
        let member = Member {
            id: MemberId::random(),
            name: name.parse().unwrap(),
            discord: None,
            roblox: None,
            granted: std::iter::empty().collect(),
            added: NOW,
            removed: None,
            checked: Vec::new(),
        };
        Actors {
            members: vec![member],
            keys: Vec::new(),
        }
    }

    fn question(by: &str, from: &str, to: &str) -> UndoQuestion {
        UndoQuestion {
            by: by.to_owned(),
            from: from.to_owned(),
            to: to.to_owned(),
            ..UndoQuestion::default()
        }
    }

    #[test]
    fn window_is_the_typed_period() {
        let now = UnixMillis::from_millis(NOW.0 * 1000);
        let actors = actors("Ada");
        let by = actors.members[0].id.to_string();
        let mut question = question(&by, "2027-01-15T06:00", "");
        let window = question.window(&actors, now).unwrap();
        assert_eq!(window.since.seconds(), NOW.minus(7_200));
        assert_eq!(window.until, now);
        assert!(matches!(window.by, UndoneActor::Moderator { .. }));
    }

    #[test]
    fn each_error_stands_beside_its_field() {
        let now = UnixMillis::from_millis(NOW.0 * 1000);
        let actors = actors("Ada");
        for (by, from, to, errors) in [
            ("mem_nobody", "2027-01-15T06:00", "", [true, false, false]),
            ("operator", "soon", "", [false, true, false]),
            ("operator", "2027-01-15T09:00", "", [false, true, false]),
            (
                "operator",
                "2027-01-15T06:00",
                "2027-01-15T05:00",
                [false, false, true],
            ),
            (
                "operator",
                "2027-01-15T06:00",
                "2027-01-16T06:00",
                [false, false, true],
            ),
        ] {
            let mut question = question(by, from, to);
            assert_eq!(question.window(&actors, now).map(|it| it.since), None);
            let found = [question.by_error, question.from_error, question.to_error];
            assert_eq!(
                found.map(|error| error.is_some()),
                errors,
                "{by} {from} {to}"
            );
        }
    }

    #[test]
    fn runs_are_named_and_joins_are_left_to_the_command() {
        for (name, is_one) in [
            ("operator", true),
            ("undo-1f2e3d4c", true),
            ("import-1f2e3d4c", true),
            ("join-75521396999004-1f2e3d4c", false),
            ("expiry", false),
            ("mem_0123456789abcdef", false),
            ("<b>", false),
            ("", false),
        ] {
            assert_eq!(is_run(name), is_one, "{name}");
        }
        assert_eq!(run_name("undo-1f2e3d4c"), "undo-1f2e3d4c");
        assert_ne!(run_name("undo-x"), "undo-x");
        assert_ne!(run_name("import-1f2e3"), "import-1f2e3");
    }
}
