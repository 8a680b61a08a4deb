//! Bans as commands print them.

use serde::Serialize;
use shared::domain::ban_info::{BanInfo, BanPresenter, FlagFormat};
use shared::domain::clock::UnixSeconds;
use shared::domain::ids::WorkspaceId;
use shared::domain::rules::{Ban, Expiry, Scope};

use crate::names::NamedUser;
use crate::output::Printable;
use crate::times::{Time, in_utc, in_words};

/// A ban in the shape of the API, with RFC 3339 times in addition.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BanSummary {
    #[serde(flatten)]
    info: BanInfo,
    created_at: Time,
    updated_at: Time,
    expires_at: Option<Time>,
    /// The user's name; the id is in `info`.
    #[serde(rename = "name", serialize_with = "NamedUser::serialize_name")]
    pub user: NamedUser,
    #[serde(skip)]
    ban: Ban,
    #[serde(skip)]
    now: UnixSeconds,
}

impl BanSummary {
    /// `applied` means that the experience in question has applied the ban.
    pub fn new(workspace: WorkspaceId, ban: &Ban, applied: bool, now: UnixSeconds) -> Self {
        #[expect(clippy::disallowed_methods, reason = "the operator sees everything")]
        let view = BanPresenter::of_workspace(workspace, FlagFormat::Boolean, now);
        Self {
            info: view.show(ban, applied),
            created_at: Time(ban.created),
            updated_at: Time(ban.updated),
            expires_at: Time::of(ban.terms.expires),
            user: ban.user.into(),
            ban: ban.clone(),
            now,
        }
    }

    /// The same with the user's name.
    pub fn of(self, user: &NamedUser) -> Self {
        let user = user.clone();
        Self { user, ..self }
    }

    pub fn state(&self) -> &'static str {
        state(&self.ban, self.now)
    }
}

/// `in force`, or how the ban ended.
pub fn state(ban: &Ban, now: UnixSeconds) -> &'static str {
    match ban.ending {
        Some(_) if ban.is_appealed() => "appealed",
        Some(_) => "lifted",
        None if ban.holds(now) => "in force",
        None => "expired",
    }
}

/// The scope of a ban, for a table.
pub fn place(ban: &Ban) -> String {
    match ban.scope {
        Scope::Global => "everywhere".to_owned(),
        Scope::Experience => format!("experience {}", ban.made_in),
    }
}

/// The expiry of a ban, for a table.
pub fn until(ban: &Ban) -> String {
    Time::of(ban.terms.expires).map_or_else(|| "permanent".to_owned(), Time::shown)
}

/// The scope of a ban, for a sentence.
pub fn in_place(ban: &Ban) -> String {
    match ban.scope {
        Scope::Global => "in every experience".to_owned(),
        Scope::Experience => format!("in experience {}", ban.made_in),
    }
}

/// The length of a ban from `from` on, for a sentence: `permanently`, or `for 7 days (until
/// 2026-12-05 10:00 UTC)`.
pub fn lasting(expires: Expiry, from: UnixSeconds) -> String {
    match expires {
        Expiry::Never => "permanently".to_owned(),
        Expiry::At(at) => {
            let length = in_words(at.0.saturating_sub(from.0));
            format!("for {length} (until {})", in_utc(at))
        }
    }
}

impl Printable for BanSummary {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let terms = &self.ban.terms;
        vec![
            ("guid", self.ban.guid.to_string()),
            ("user", self.user.cell()),
            ("scope", place(&self.ban)),
            ("state", self.state().to_owned()),
            ("until", until(&self.ban)),
            ("moderator", terms.moderator.to_string()),
            ("private reason", terms.private_reason.clone()),
            ("public reason", terms.public_reason.clone()),
            ("created", Time(self.ban.created).shown()),
            ("updated", Time(self.ban.updated).shown()),
        ]
    }
}
