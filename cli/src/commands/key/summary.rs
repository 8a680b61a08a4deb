//! Keys as commands print them.

use std::num::NonZeroU32;

use serde::Serialize;
use shared::domain::clock::UnixSeconds;
use shared::domain::keys::{KeyKind, KeyRecord, KeyScope, KeyStatus, PinnedFlagFormat};

use crate::commands::workspace::or_any;
use crate::output::{Printable, word};
use crate::times::{Time, or_dash};

/// The settings of a key, without the key itself.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeySummary {
    key_id: String,
    name: String,
    kind: KeyKind,
    scopes: Vec<KeyScope>,
    flags: PinnedFlagFormat,
    status: KeyStatus,
    bans_per_hour: Option<NonZeroU32>,
    /// The cap, or the default of the key's kind.
    checks_per_minute: Option<NonZeroU32>,
    created: Time,
    expires: Option<Time>,
    revoked: Option<Time>,
    /// The day of the last call with the key, in UTC.
    last_used: Option<String>,
    workspace_guid: String,
}

/// A new key, shown once.
#[derive(Serialize)]
pub struct NewKeySummary {
    pub key: String,
    #[serde(flatten)]
    pub shown: KeySummary,
}

impl KeySummary {
    pub fn at(now: UnixSeconds, key: &KeyRecord) -> Self {
        Self {
            key_id: key.key_id.clone(),
            name: key.name.clone(),
            kind: key.key_kind,
            scopes: match key.key_kind {
                KeyKind::Secret => key.scopes.clone(),
                KeyKind::Public => Vec::new(),
            },
            flags: key.flags,
            status: key.status(now),
            bans_per_hour: key.bans_per_hour,
            checks_per_minute: key.check_cap(),
            created: Time(key.created),
            expires: key.expires.map(Time),
            revoked: key.revoked.map(Time),
            last_used: key.last_used.map(|day| {
                let midnight = day.begin().rfc3339();
                midnight
                    .chars()
                    .take_while(|letter| *letter != 'T')
                    .collect()
            }),
            workspace_guid: key.workspace.to_string(),
        }
    }
}

impl Printable for KeySummary {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let scopes: Vec<_> = self.scopes.iter().copied().map(KeyScope::name).collect();
        let scopes = if scopes.is_empty() {
            "-".to_owned()
        } else {
            scopes.join(",")
        };
        // Public keys can neither ban nor list.
        let of_secret = |text: String| match self.kind {
            KeyKind::Secret => text,
            KeyKind::Public => "-".to_owned(),
        };
        vec![
            ("key id", self.key_id.clone()),
            ("name", self.name.clone()),
            ("kind", word(self.kind)),
            ("scopes", scopes),
            ("flags", of_secret(word(self.flags))),
            ("status", word(self.status)),
            ("bans per hour", of_secret(or_any(self.bans_per_hour))),
            ("checks per minute", or_any(self.checks_per_minute)),
            (
                "last used",
                self.last_used.clone().unwrap_or_else(|| "never".to_owned()),
            ),
            ("created", self.created.shown()),
            ("expires", or_dash(self.expires)),
            ("revoked", or_dash(self.revoked)),
        ]
    }
}

impl Printable for NewKeySummary {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![("key", self.key.clone())];
        fields.extend(self.shown.fields());
        fields
    }
}
