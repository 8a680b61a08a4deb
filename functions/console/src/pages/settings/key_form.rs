//! The fields of a new key, as typed.

use std::num::NonZeroU32;

use shared::domain::clock::UnixSeconds;
use shared::domain::ids::WorkspaceId;
use shared::domain::keys::{KeyKind, KeyScope, PinnedFlagFormat, PlainKey};
use shared::domain::length;
use shared::domain::rules::Length;
use shared::domain::text::{LONGEST_NAME, display_name};
use shared::store::admin::NewKey;

use super::super::message::sentence;
use crate::form::{Submitted, TypedField};
use crate::look::Choice;

/// The longest text of a number or a time, in bytes.
const SHORT: usize = 60;

/// What a person typed about a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypedKey {
    pub name: TypedField,
    pub is_public: bool,
    pub scopes: Vec<KeyScope>,
    pub scopes_error: Option<String>,
    pub bans_per_hour: TypedField,
    pub checks_per_minute: TypedField,
    pub expires: TypedField,
}

/// The settings of a key, once they are all right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFields {
    pub name: String,
    pub kind: KeyKind,
    pub scopes: Vec<KeyScope>,
    pub bans_per_hour: Option<NonZeroU32>,
    pub checks_per_minute: Option<NonZeroU32>,
    pub expires: Option<UnixSeconds>,
}

impl TypedKey {
    /// An empty form, with the scopes that a new key has by default.
    pub fn empty() -> Self {
        Self {
            scopes: KeyScope::DEFAULT.to_vec(),
            ..Self::default()
        }
    }

    pub fn read(form: &Submitted, now: UnixSeconds) -> (Self, Option<KeyFields>) {
        let scopes = form.all("scope").filter_map(|name| name.parse().ok());
        let mut typed = Self {
            name: form.required(
                "name",
                4 * LONGEST_NAME,
                "Type a name, such as where it is used.",
            ),
            is_public: form.text("kind") == "public",
            scopes: scopes.collect(),
            scopes_error: None,
            bans_per_hour: form.typed("bans_per_hour", SHORT),
            checks_per_minute: form.typed("checks_per_minute", SHORT),
            expires: form.typed("expires", SHORT),
        };
        let name = display_name(typed.name.value()).map(str::to_owned);
        if name.is_none() && typed.name.is_fine() {
            let wrong = format!("The name must be 1 to {LONGEST_NAME} characters on one line.");
            typed.name.error = Some(wrong);
        }
        let (kind, asked) = if typed.is_public {
            (KeyKind::Public, Vec::new())
        } else {
            (KeyKind::Secret, typed.scopes.clone())
        };
        let granted = if kind == KeyKind::Secret && asked.is_empty() {
            Err("Tick at least one scope.".to_owned())
        } else {
            KeyScope::granted(kind, &asked).map_err(|invalid| sentence(&invalid.to_string()))
        };
        typed.scopes_error = granted.as_ref().err().cloned();
        let bans_per_hour = cap(&mut typed.bans_per_hour);
        let checks_per_minute = cap(&mut typed.checks_per_minute);
        let expires = expiry(&mut typed.expires, now);
        let fields = name.zip(granted.ok()).filter(|_| typed.is_fine());
        let fields = fields.map(|(name, scopes)| KeyFields {
            name,
            kind,
            scopes,
            // A public key cannot ban.
            bans_per_hour: bans_per_hour.filter(|_| kind == KeyKind::Secret),
            checks_per_minute,
            expires,
        });
        (typed, fields)
    }

    fn is_fine(&self) -> bool {
        let fields = [
            &self.name,
            &self.bans_per_hour,
            &self.checks_per_minute,
            &self.expires,
        ];
        fields.into_iter().all(TypedField::is_fine)
    }

    /// Each scope as a box to tick.
    pub fn scope_choices(&self) -> Vec<Choice> {
        let choice = |scope| {
            let title = format!("{}: {}", KeyScope::name(scope), words(scope));
            Choice::new(scope.name(), title, self.scopes.contains(&scope))
        };
        KeyScope::ALL.into_iter().map(choice).collect()
    }
}

impl KeyFields {
    /// A new key with these settings.
    pub fn mint(self, workspace: WorkspaceId, now: UnixSeconds) -> NewKey {
        NewKey {
            key: PlainKey::random(self.kind, workspace),
            workspace,
            name: self.name,
            scopes: self.scopes,
            flags: PinnedFlagFormat::Auto,
            bans_per_hour: self.bans_per_hour,
            checks_per_minute: self.checks_per_minute,
            expires: self.expires,
            created: now,
        }
    }
}

/// A cap, or none if the field is empty.
fn cap(field: &mut TypedField) -> Option<NonZeroU32> {
    if field.value().is_empty() || !field.is_fine() {
        return None;
    }
    let number = field.value().parse().ok();
    if number.is_none() {
        field.error = Some("Type a whole number from 1, or nothing.".to_owned());
    }
    number
}

/// A time in the future, or none if the field is empty.
fn expiry(field: &mut TypedField, now: UnixSeconds) -> Option<UnixSeconds> {
    let text = field.value();
    if text.is_empty() || !field.is_fine() {
        return None;
    }
    // A number without a unit suggests a typing mistake.
    let has_unit = text.parse::<u64>().is_err();
    let day = format!("{text}T00:00:00Z");
    let length = |text: &str| length::parse(&text.into(), now).filter(|_| has_unit);
    let at = match length(text).or_else(|| length(&day)) {
        Some(Length::For(seconds)) => Some(now.plus(seconds)),
        Some(Length::Until(at)) => Some(at).filter(|at| *at > now),
        Some(Length::Permanent) | None => None,
    };
    if at.is_none() {
        field.error = Some(
            "Type a length such as 90d, or a date in the future such as 2027-01-31.".to_owned(),
        );
    }
    at
}

/// A scope in a few words.
const fn words(scope: KeyScope) -> &'static str {
    match scope {
        KeyScope::ReadBans => "read lists, polls and exports",
        KeyScope::WriteBans => "make and lift Experience bans, and report",
        KeyScope::WriteGlobalBans => "also Global bans",
        KeyScope::BulkBans => "also many users in one call",
        KeyScope::ReadEvidence => "read evidence",
        KeyScope::WriteEvidence => "add and remove evidence",
        KeyScope::WriteGroups => "change group roles",
        KeyScope::ReadLinks => "read which Discord and Roblox accounts are linked",
        KeyScope::WriteLinks => "make and redeem codes that link accounts",
        KeyScope::ImportLinks => "link accounts without a code, and unlink them",
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

    fn read(fields: &[(&str, &str)]) -> (TypedKey, Option<KeyFields>) {
        let fields = fields.iter();
        let fields = fields.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        TypedKey::read(&Submitted::new(fields.collect()), NOW)
    }

    #[test]
    fn complete_form_is_a_key() {
        let (_, fields) = read(&[
            ("name", "Game servers"),
            ("kind", "secret"),
            ("scope", "bans:write"),
            ("scope", "bans:read"),
            ("bans_per_hour", "60"),
            ("expires", "90d"),
        ]);
        let fields = fields.unwrap();
        assert_eq!(fields.scopes, [KeyScope::ReadBans, KeyScope::WriteBans]);
        assert_eq!(fields.bans_per_hour, NonZeroU32::new(60));
        assert_eq!(fields.expires, Some(NOW.plus(90 * 86_400)));
        let record = fields.mint(WorkspaceId::random(), NOW).record();
        assert_eq!(record.name, "Game servers");
    }

    #[test]
    fn public_key_has_neither_scopes_nor_a_cap_on_bans() {
        let (_, fields) = read(&[
            ("name", "Partners"),
            ("kind", "public"),
            ("scope", "bans:write"),
            ("bans_per_hour", "60"),
            ("checks_per_minute", "600"),
        ]);
        let fields = fields.unwrap();
        assert_eq!((fields.scopes.len(), fields.bans_per_hour), (0, None));
        assert_eq!(fields.checks_per_minute, NonZeroU32::new(600));
    }

    #[test]
    fn each_wrong_field_has_its_error() {
        let (typed, fields) = read(&[
            ("name", " "),
            ("scope", "bans:bulk"),
            ("bans_per_hour", "0"),
            ("checks_per_minute", "-1"),
            ("expires", "7"),
        ]);
        assert_eq!(fields, None);
        assert_eq!(
            typed.scopes_error.as_deref(),
            Some("Bans:bulk requires bans:write.")
        );
        for field in [
            &typed.name,
            &typed.bans_per_hour,
            &typed.checks_per_minute,
            &typed.expires,
        ] {
            assert!(!field.is_fine(), "{field:?}");
        }
        let (typed, _) = read(&[("name", "x"), ("expires", "2020-01-31")]);
        assert!(!typed.expires.is_fine());
        assert!(typed.scopes_error.is_some());
    }
}
