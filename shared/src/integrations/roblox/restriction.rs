//! User restrictions on the wire.

use serde_json::{Value, json};

use super::answer::RobloxError;
use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::ids::{ExperienceId, UserId};
use crate::domain::rules::mirror::{Level, restriction_seconds};
use crate::domain::rules::{Expiry, Terms};

/// The longest reasons that Roblox accepts, in UTF-16 units: its docs say characters, and no other
/// count gives a larger number.
const PRIVATE_REASON: usize = 1000;
const DISPLAY_REASON: usize = 400;

/// A requested change. A repeat is identical in every byte.
#[derive(Clone, Debug)]
pub struct RestrictionRequest {
    pub level: Level,
    pub change: RestrictionChange,
    /// The key by which Roblox recognises a repeat.
    pub idempotency_key: String,
    /// When it was first requested; a ban's remaining time counts from there.
    pub first_sent: UnixMillis,
}

/// The desired state.
#[derive(Clone, Debug)]
pub enum RestrictionChange {
    /// A restriction with these terms.
    Set(Terms),
    Lift,
}

impl RestrictionRequest {
    pub(super) fn query(&self) -> [(&'static str, String); 3] {
        [
            ("updateMask", "gameJoinRestriction".to_owned()),
            ("idempotencyKey.key", self.idempotency_key.clone()),
            ("idempotencyKey.firstSent", self.first_sent.rfc3339()),
        ]
    }

    pub(super) fn body(&self) -> Value {
        let restriction = match &self.change {
            RestrictionChange::Lift => json!({ "active": false }),
            RestrictionChange::Set(terms) => {
                let mut restriction = json!({
                    "active": true,
                    "privateReason": cut(&terms.private_reason, PRIVATE_REASON),
                    "displayReason": cut(&terms.public_reason, DISPLAY_REASON),
                    "excludeAltAccounts": false,
                });
                let seconds = restriction_seconds(terms.expires, self.first_sent);
                if let (Some(seconds), Some(object)) = (seconds, restriction.as_object_mut()) {
                    object.insert("duration".to_owned(), json!(format!("{seconds}s")));
                }
                restriction
            }
        };
        json!({ "gameJoinRestriction": restriction })
    }

    /// Rejects an answer that contradicts the request. Missing fields are not contradictions; a
    /// place may still show its universe's restriction after its own was lifted; and one that was
    /// set may have expired.
    pub(super) fn check(&self, answer: &Value) -> Result<(), RobloxError> {
        let active = answer.pointer("/gameJoinRestriction/active");
        let is_lift =
            matches!(self.change, RestrictionChange::Lift) && self.level == Level::Universe;
        if is_lift && active.and_then(Value::as_bool) == Some(true) {
            let detail = "the restriction is still active in the answer";
            return Err(RobloxError::Unavailable(detail.to_owned()));
        }
        Ok(())
    }
}

/// A restriction at Roblox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restriction {
    /// The user, if Roblox named one.
    pub user: Option<UserId>,
    /// Whether it keeps the user out.
    pub active: bool,
    pub start: Option<UnixSeconds>,
    /// The duration in seconds; absent = permanent.
    pub seconds: Option<u64>,
    pub private_reason: String,
    /// Shown to the user.
    pub display_reason: String,
    /// Whether it is the universe's, shown at a place.
    pub inherited: bool,
    /// The place it applies to; absent = the universe.
    pub place: Option<ExperienceId>,
    /// What could not be parsed. Its end may then differ.
    pub fault: Option<String>,
}

impl Restriction {
    /// Parses a restriction as Open Cloud returns it. Anything unintelligible is a fault.
    #[must_use]
    pub fn read(answer: &Value) -> Self {
        let of = |name: &str| answer.pointer(&format!("/gameJoinRestriction/{name}"));
        let text = |name: &str| of(name).and_then(Value::as_str).unwrap_or_default();
        let flag = |name: &str| of(name).and_then(Value::as_bool).unwrap_or_default();
        let start = text("startTime").parse::<jiff::Timestamp>().ok();
        let mut read = Self {
            user: user(answer),
            place: place(answer),
            active: flag("active"),
            start: start
                .and_then(|at| u64::try_from(at.as_second()).ok())
                .map(UnixSeconds),
            seconds: seconds(text("duration")),
            private_reason: text("privateReason").to_owned(),
            display_reason: text("displayReason").to_owned(),
            inherited: flag("inherited"),
            fault: None,
        };
        read.fault = fault(answer, &read);
        read
    }

    /// Its end, as far as known.
    #[must_use]
    pub fn ends(&self) -> Expiry {
        match (self.start, self.seconds) {
            (Some(start), Some(seconds)) => Expiry::At(start.plus(seconds)),
            _ => Expiry::Never,
        }
    }

    /// Whether it was set with these terms, apart from its end. The text shown to the user does not
    /// count: Roblox filters it.
    #[must_use]
    pub fn says(&self, terms: &Terms) -> bool {
        self.private_reason == cut(&terms.private_reason, PRIVATE_REASON)
    }
}

#[derive(Clone, Debug, Default)]
pub struct RestrictionPage {
    pub restrictions: Vec<Restriction>,
    /// The token of the next page.
    pub next: Option<String>,
}

impl RestrictionPage {
    pub(super) fn read(answer: &Value) -> Self {
        let list = answer.get("userRestrictions").and_then(Value::as_array);
        let next = answer.get("nextPageToken").and_then(Value::as_str);
        Self {
            restrictions: list.into_iter().flatten().map(Restriction::read).collect(),
            next: next.filter(|token| !token.is_empty()).map(str::to_owned),
        }
    }
}

/// What of a restriction cannot be parsed: a ban made from it must not be guessed. An end that
/// depends on a missing start is a fault too.
fn fault(value: &Value, read: &Restriction) -> Option<String> {
    let join = value.get("gameJoinRestriction").and_then(Value::as_object);
    let Some(join) = join else {
        return Some("gameJoinRestriction is missing, or not an object".to_owned());
    };
    let is_flag = |name: &str| join.get(name).is_none_or(Value::is_boolean);
    let says = |name: &str| join.get(name).is_some_and(|value| !value.is_null());
    let fault = if read.user.is_none() {
        "user must be users/ID, with the id of a Roblox user"
    } else if !is_flag("active") || !is_flag("inherited") {
        "active and inherited must be true or false"
    } else if says("startTime") && read.start.is_none() {
        "startTime must be an instant (RFC 3339)"
    } else if says("duration") && read.seconds.is_none() {
        "duration must be seconds such as 86400s"
    } else if says("duration") && read.start.is_none() {
        "startTime is missing, from which duration counts"
    } else {
        return None;
    };
    Some(fault.to_owned())
}

/// The user, from `users/ID` or from the end of the restriction's own path.
fn user(value: &Value) -> Option<UserId> {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let named = text("user").map(|user| user.strip_prefix("users/"));
    let of_path = || text("path").map(|path| Some(path.rsplit_once("/user-restrictions/")?.1));
    named.or_else(of_path)??.parse().ok()
}

fn place(value: &Value) -> Option<ExperienceId> {
    let path = value.get("path").or_else(|| value.get("name"))?.as_str()?;
    let (_, rest) = path.split_once("/places/")?;
    ExperienceId::in_key(rest.split('/').next()?)
}

/// The whole seconds of `86400s`, or of `1.500s`.
fn seconds(text: &str) -> Option<u64> {
    text.strip_suffix('s')?.split('.').next()?.parse().ok()
}

/// The longest prefix of a text with at most this many UTF-16 units.
fn cut(text: &str, most: usize) -> &str {
    let mut units = 0;
    let over = text.char_indices().find(|(_, character)| {
        units += character.len_utf16();
        units > most
    });
    over.and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::ModeratorId;

    fn terms(expires: Expiry) -> Terms {
        Terms {
            moderator: ModeratorId::new(1).unwrap(),
            private_reason: "ä".repeat(1001),
            public_reason: "😀".repeat(201),
            expires,
            universal: true,
        }
    }

    fn ask(change: RestrictionChange) -> RestrictionRequest {
        RestrictionRequest {
            level: Level::Universe,
            change,
            idempotency_key: "k".to_owned(),
            first_sent: UnixMillis::from_millis(1_000_500),
        }
    }

    #[test]
    fn permanent_restriction_has_no_duration() {
        let body = ask(RestrictionChange::Set(terms(Expiry::At(UnixSeconds(
            1_060,
        )))))
        .body();
        let it = &body["gameJoinRestriction"];
        assert_eq!(
            (&it["active"], &it["duration"]),
            (&json!(true), &json!("60s"))
        );
        let units = |name: &str| it[name].as_str().unwrap().encode_utf16().count();
        assert_eq!(
            (units("privateReason"), units("displayReason")),
            (1000, 400)
        );
        let body = ask(RestrictionChange::Set(terms(Expiry::Never))).body();
        assert_eq!(body["gameJoinRestriction"].get("duration"), None);
        let body = ask(RestrictionChange::Lift).body();
        assert_eq!(body, json!({ "gameJoinRestriction": { "active": false } }));
        let query = ask(RestrictionChange::Lift).query();
        assert_eq!(query[2].1, "1970-01-01T00:16:40.500Z");
    }

    #[test]
    fn contradicting_answer_is_rejected() {
        let says = |active: bool| json!({ "gameJoinRestriction": { "active": active } });
        for answer in [json!({}), says(false)] {
            assert!(
                ask(RestrictionChange::Lift).check(&answer).is_ok(),
                "{answer}"
            );
        }
        assert!(ask(RestrictionChange::Lift).check(&says(true)).is_err());
        let of_place = RestrictionRequest {
            level: Level::Place(crate::domain::ids::ExperienceId::new(1).unwrap()),
            ..ask(RestrictionChange::Lift)
        };
        assert!(of_place.check(&says(true)).is_ok());
    }

    #[test]
    fn restriction_with_missing_fields_is_read() {
        let fault = Some("gameJoinRestriction is missing, or not an object".to_owned());
        let nothing = Restriction {
            fault,
            ..Restriction::default()
        };
        assert_eq!(Restriction::read(&json!({})), nothing);
        let read = Restriction::read(&json!({
            "path": "universes/7/user-restrictions/156",
            "gameJoinRestriction": { "active": true, "duration": "60.500s",
                "startTime": "2023-07-05T12:34:56.123+00:00" },
        }));
        assert_eq!(read.user, UserId::new(156));
        assert_eq!(read.ends(), Expiry::At(UnixSeconds(1_688_560_496 + 60)));
    }

    #[test]
    fn unreadable_parts_of_a_restriction_are_faults() {
        let with = |join: Value| json!({ "user": "users/156", "gameJoinRestriction": join });
        let start = "2026-11-20T10:11:12Z";
        let read = Restriction::read(&with(json!({ "active": true, "startTime": start,
            "duration": "86400s", "privateReason": "p", "displayReason": "d" })));
        assert_eq!(read.fault, None);
        assert_eq!(read.user, UserId::new(156));
        assert_eq!(read.ends(), Expiry::At(UnixSeconds(1_795_169_472 + 86_400)));
        let permanent = Restriction::read(&with(json!({ "active": true })));
        assert_eq!((permanent.ends(), permanent.fault), (Expiry::Never, None));
        for (value, says) in [
            (json!({ "user": "users/156" }), "gameJoinRestriction"),
            (
                json!({ "user": "groups/5", "gameJoinRestriction": {} }),
                "user must be",
            ),
            (
                json!({ "path": "universes/7", "gameJoinRestriction": {} }),
                "user must be",
            ),
            (with(json!({ "active": "yes" })), "active"),
            (
                with(json!({ "duration": "86400s" })),
                "startTime is missing",
            ),
            (
                with(json!({ "duration": "1 day", "startTime": start })),
                "duration must be",
            ),
            (
                with(json!({ "startTime": "yesterday" })),
                "startTime must be",
            ),
        ] {
            let wrong = Restriction::read(&value).fault.unwrap();
            assert!(wrong.contains(says), "{value}: {wrong}");
        }
        let of_place = json!({ "path": "universes/7/places/8/user-restrictions/156" });
        assert_eq!(Restriction::read(&of_place).place, ExperienceId::new(8));
        let of_universe = json!({ "path": "universes/7/user-restrictions/156" });
        assert_eq!(Restriction::read(&of_universe).place, None);
    }

    #[test]
    fn the_last_page_of_a_list_has_no_token() {
        for (answer, next) in [
            (json!({ "nextPageToken": "" }), None),
            (json!({}), None),
            (json!({ "nextPageToken": "a" }), Some("a")),
        ] {
            assert_eq!(RestrictionPage::read(&answer).next.as_deref(), next);
        }
    }
}
