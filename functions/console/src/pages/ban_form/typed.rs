//! What a moderator has typed into the form, and the ban that it asks for.

use shared::domain::clock::UnixSeconds;
use shared::domain::ids::{ModeratorId, PlaceId, UserId};
use shared::domain::length;
use shared::domain::rules::{Ban, BanRequest, Expiry, Length, Scope, Terms};

use super::WorkspaceOffer;
use crate::form::{Submitted, TypedField};
use crate::look::Choice;

/// The lengths to choose from, besides one's own.
const LENGTHS: [(&str, &str); 6] = [
    ("1h", "1 hour"),
    ("1d", "1 day"),
    ("3d", "3 days"),
    ("7d", "7 days"),
    ("30d", "30 days"),
    (FOREVER, "Forever"),
];

const FOREVER: &str = "forever";

/// A length or end that the moderator types.
const OWN: &str = "own";

/// The end that an edited ban has.
const KEEP: &str = "keep";

/// What stands in the form.
#[derive(Clone, Debug)]
pub struct TypedBan {
    /// Makes a second click on the button the same ban.
    pub key: String,
    pub scope: Scope,
    pub place: Option<PlaceId>,
    /// The chosen length.
    pub length: String,
    pub own: String,
    /// The name of the chosen preset; empty for own words.
    pub preset: String,
    pub public: TypedField,
    pub private: TypedField,
    /// The workspace's name, which confirms a Global ban.
    pub workspace: TypedField,
    pub scope_error: Option<String>,
    pub experience_error: Option<String>,
    pub length_error: Option<String>,
    pub preset_error: Option<String>,
}

pub const fn scope_name(scope: Scope) -> &'static str {
    match scope {
        Scope::Experience => "experience",
        Scope::Global => "global",
    }
}

/// A new form's key.
pub fn new_key() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

impl TypedBan {
    /// A new form.
    pub fn empty(offer: &WorkspaceOffer) -> Self {
        Self {
            key: new_key(),
            scope: Scope::Experience,
            place: offer.any_place(),
            length: "7d".to_owned(),
            own: String::new(),
            preset: String::new(),
            public: TypedField::default(),
            private: TypedField::default(),
            workspace: TypedField::default(),
            scope_error: None,
            experience_error: None,
            length_error: None,
            preset_error: None,
        }
    }

    /// A form with the terms of a ban in force.
    pub fn to_edit(ban: &Ban) -> Self {
        Self {
            length: KEEP.to_owned(),
            ..Self::again(ban)
        }
    }

    /// A form with the terms of an ended ban, and its length from now on.
    pub fn again(ban: &Ban) -> Self {
        let (length, own) = match ban.terms.expires {
            Expiry::Never => (FOREVER.to_owned(), String::new()),
            Expiry::At(at) => as_length(at.0.saturating_sub(ban.created.0)),
        };
        let private = if ban.terms.private_reason == ban.terms.public_reason {
            ""
        } else {
            &ban.terms.private_reason
        };
        Self {
            key: new_key(),
            scope: ban.scope,
            place: Some(ban.made_in.into()),
            length,
            own,
            preset: String::new(),
            public: TypedField::filled(&ban.terms.public_reason),
            private: TypedField::filled(private),
            workspace: TypedField::default(),
            scope_error: None,
            experience_error: None,
            length_error: None,
            preset_error: None,
        }
    }

    /// A submitted form, with what is wrong beside each field.
    pub fn of_form(
        form: &Submitted,
        offer: &WorkspaceOffer,
        workspace: &str,
        is_edit: bool,
        may_ban_globally: bool,
    ) -> Self {
        let is_global = form.text("scope") == scope_name(Scope::Global);
        let scope = if is_global {
            Scope::Global
        } else {
            Scope::Experience
        };
        let place: Option<PlaceId> = form.parsed("experience");
        let key = Some(form.text("key")).filter(|key| (1..=64).contains(&key.len()));
        let preset = offer.presets.named(form.text("preset"));
        let mut typed = Self {
            key: key.map_or_else(new_key, str::to_owned),
            scope,
            place,
            length: form.text("length").to_owned(),
            own: form.text("own").to_owned(),
            preset: preset.map(|preset| preset.name.clone()).unwrap_or_default(),
            public: form.typed("public_reason", Terms::LONGEST_PUBLIC_REASON),
            private: form.typed("private_reason", Terms::LONGEST_PRIVATE_REASON),
            workspace: form.typed("workspace", 400),
            scope_error: None,
            experience_error: None,
            length_error: None,
            preset_error: None,
        };
        if let Some(preset) = preset {
            // Without a script, the choice alone fills the fields.
            if typed.public.value().is_empty() {
                typed.public = TypedField::filled(&preset.public_reason);
            }
            if typed.private.value().is_empty() {
                typed.private = TypedField::filled(&preset.private_reason);
            }
        } else if offer.presets.compulsory && !is_edit {
            typed.preset_error = Some("Choose one of the reasons.".to_owned());
        }
        let is_of_preset =
            preset.is_some_and(|it| it.length.as_deref() == Some(typed.own.as_str()));
        if typed.length == OWN && is_bare(&typed.own) && !is_of_preset {
            typed.length_error = Some(format!(
                "Type the unit too: {0}d for days, {0}h for hours.",
                typed.own
            ));
        }
        if typed.public.value().is_empty() {
            let missing = "Say why. The player reads this.".to_owned();
            typed.public.error = Some(missing);
        }
        if is_global && !may_ban_globally {
            typed.scope_error = Some("You may ban in experiences only.".to_owned());
        }
        if !is_edit {
            typed.judge_place(offer, workspace);
        }
        typed
    }

    fn judge_place(&mut self, offer: &WorkspaceOffer, workspace: &str) {
        if self.scope == Scope::Global {
            self.place = offer.any_place();
            if self.place.is_none() {
                self.scope_error = Some("No experience is linked yet.".to_owned());
            }
            if self.workspace.value() != workspace {
                let error = format!("Type {workspace} exactly.");
                self.workspace.error = Some(error);
            }
        } else if !self.place.is_some_and(|place| offer.is_linked(place)) {
            self.experience_error = Some("Choose one of the experiences.".to_owned());
        }
    }

    /// The same text under a new key: what was sent before was answered.
    pub fn with_new_key(self) -> Self {
        Self {
            key: new_key(),
            ..self
        }
    }

    /// The length from now on, noted as wrong if it cannot be read. `present` is the end of the ban that
    /// is edited.
    pub fn judge_length(&mut self, present: Option<Expiry>, now: UnixSeconds) -> Option<Length> {
        if self.length_error.is_some() {
            return None;
        }
        let length = match (self.length.as_str(), present) {
            (KEEP, Some(Expiry::Never)) | (FOREVER, _) => Some(Length::Permanent),
            (KEEP, Some(Expiry::At(at))) => Some(Length::Until(at)),
            (OWN, _) => parsed(&self.own, now),
            (chosen, _) if LENGTHS.iter().any(|(it, _)| *it == chosen) => parsed(chosen, now),
            _ => None,
        };
        if length.is_none() {
            let error = if self.length == OWN {
                "Type a length such as 12h or 2w, or an end in the future such as 2027-01-31T18:00Z."
            } else {
                "Choose a length."
            };
            self.length_error = Some(error.to_owned());
        }
        length
    }

    pub fn is_global(&self) -> bool {
        self.scope == Scope::Global
    }

    /// Whether nothing is wrong.
    pub fn is_fine(&self) -> bool {
        let errors = [
            &self.scope_error,
            &self.experience_error,
            &self.length_error,
            &self.preset_error,
        ];
        let texts = [&self.public, &self.private, &self.workspace];
        errors.iter().all(|error| error.is_none()) && texts.iter().all(|text| text.is_fine())
    }

    /// The ban that the form asks for, if nothing is wrong.
    pub fn request(
        &self,
        user: UserId,
        length: Option<Length>,
        moderator: ModeratorId,
        overwrite: bool,
    ) -> Option<BanRequest> {
        let public = self.public.value();
        let private = Some(self.private.value()).filter(|text| !text.is_empty());
        self.is_fine().then_some(BanRequest {
            user,
            place: self.place?,
            scope: self.scope,
            overwrite,
            applied: false,
            moderator,
            private_reason: private.unwrap_or(public).to_owned(),
            public_reason: public.to_owned(),
            length: length?,
            universal: None,
        })
    }

    /// The lengths to choose from.
    pub fn lengths(&self, is_edit: bool) -> Vec<Choice> {
        let keep = is_edit.then_some((KEEP, "Same end"));
        let all = keep.into_iter().chain(LENGTHS).chain([(OWN, "Other…")]);
        all.map(|(value, title)| Choice::new(value, title, self.length == value))
            .collect()
    }
}

/// A number without a unit, which the API takes for seconds and a person means otherwise.
fn is_bare(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn parsed(text: &str, now: UnixSeconds) -> Option<Length> {
    let length = length::parse(&text.into(), now)?;
    match length {
        Length::Until(at) if at <= now => None,
        length => Some(length),
    }
}

/// The choice for a number of seconds: one of those offered, or one's own.
fn as_length(seconds: u64) -> (String, String) {
    const HOUR: u64 = 3_600;
    let text = match seconds {
        0 => return ("7d".to_owned(), String::new()),
        _ if seconds.is_multiple_of(24 * HOUR) => format!("{}d", seconds / (24 * HOUR)),
        _ if seconds.is_multiple_of(HOUR) => format!("{}h", seconds / HOUR),
        _ if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    };
    if LENGTHS.iter().any(|(value, _)| *value == text) {
        (text, String::new())
    } else {
        (OWN.to_owned(), text)
    }
}

#[cfg(test)]
mod tests;
