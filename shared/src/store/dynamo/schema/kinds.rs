//! The kinds of stored items, in one list.
//!
//! What treats every kind (a restore, and the tests of erasure, deletion and exports) matches on it
//! exhaustively, so a new kind does not compile until each of them says what becomes of it.

use super::{Item, attributes};

macro_rules! stored_kinds {
    ($($(#[$of_table:meta])* $list:ident: $($kind:ident = $name:literal,)+;)+) => {
        /// The kind of an item, as its attribute `kind` names it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum StoredKind {
            $($($kind,)+)+
        }

        impl StoredKind {
            $(
                $(#[$of_table])*
                pub const $list: &[Self] = &[$(Self::$kind,)+];
            )+

            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $($(Self::$kind => $name,)+)+
                }
            }
        }
    };
}

stored_kinds! {
    /// The kinds in the bans table.
    IN_BANS:
        AccountLink = "account-link",
        Activity = "activity",
        Application = "application",
        Ban = "ban",
        Checks = "checks",
        Counter = "counter",
        Decision = "decision",
        Delivery = "delivery",
        Erased = "erased",
        Evidence = "evidence",
        EvidenceBytes = "evidence-bytes",
        EvidenceEntry = "evidence-entry",
        EvidenceText = "evidence-text",
        Experience = "experience",
        Expiry = "expiry",
        Global = "global",
        Lease = "lease",
        Link = "link",
        LinkCode = "link-code",
        LinkCodeUse = "link-code-use",
        LinkConsent = "link-consent",
        Log = "log",
        LoggedTick = "logged-tick",
        Name = "name",
        Notification = "notification",
        Pace = "pace",
        Protected = "protected",
        QueuedErasure = "queued-erasure",
        Receipt = "receipt",
        RemovedEvidence = "removed-evidence",
        Request = "request",
        Sighting = "sighting",
        Snapshot = "snapshot",
        Tick = "tick",
        WrongCodes = "wrong-codes",
    ;
    /// The kinds in the workspaces table.
    IN_WORKSPACES:
        DiscordRules = "discord-rules",
        EndedMirror = "ended-enforcement",
        Endpoint = "endpoint",
        ErasureIntake = "erasure-intake",
        Group = "group",
        Guild = "guild",
        GuildWatch = "guild-watch",
        Invitation = "invitation",
        Key = "key",
        Member = "member",
        MemberAccount = "member-account",
        Mirror = "enforcement",
        Presets = "presets",
        Restore = "restore",
        RoleRules = "role-rules",
        RoleSync = "role-sync",
        Rules = "rules",
        Session = "session",
        Workspace = "workspace",
    ;
}

impl StoredKind {
    /// The kind of this name in the bans table.
    #[must_use]
    pub fn in_bans(name: &str) -> Option<Self> {
        let mut kinds = Self::IN_BANS.iter().copied();
        kinds.find(|kind| kind.name() == name)
    }

    /// The kind of an item of the bans table.
    #[must_use]
    pub fn of(item: &Item) -> Option<Self> {
        let name = item.get(attributes::KIND)?.as_s().ok()?;
        Self::in_bans(name)
    }

    /// Whether items of this kind are entries of the event log.
    #[must_use]
    pub const fn is_logged(self) -> bool {
        matches!(self, Self::Activity | Self::Decision | Self::Expiry)
    }
}

impl From<StoredKind> for String {
    fn from(kind: StoredKind) -> Self {
        kind.name().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn names(kinds: &[StoredKind]) -> BTreeSet<&'static str> {
        kinds.iter().map(|kind| kind.name()).collect()
    }

    /// The names in backticks at the start of the rows of a table of the architecture.
    fn documented(heading: &str) -> BTreeSet<&'static str> {
        let page = include_str!("../../../../../docs/architecture.md");
        let (_, section) = page.split_once(heading).unwrap();
        let (table, _) = section.split_once("\n\n| index |").unwrap_or((section, ""));
        let rows = table.lines();
        rows.filter_map(|line| line.strip_prefix("| `")?.split('`').next())
            .collect()
    }

    #[test]
    fn every_kind_of_the_bans_table_is_documented() {
        assert_eq!(names(StoredKind::IN_BANS), documented("### `bans`:"));
    }

    #[test]
    fn every_kind_has_its_own_name() {
        let kinds = [StoredKind::IN_BANS, StoredKind::IN_WORKSPACES].concat();
        assert_eq!(names(&kinds).len(), kinds.len());
        for kind in StoredKind::IN_BANS {
            assert_eq!(StoredKind::in_bans(kind.name()), Some(*kind));
        }
        assert_eq!(StoredKind::in_bans("workspace"), None);
    }

    #[test]
    fn stream_passes_on_every_logged_kind_and_the_tick() {
        let template = include_str!("../../../../../template.yaml");
        let is_passed = |kind: &&StoredKind| kind.is_logged() || **kind == StoredKind::Tick;
        let passed = StoredKind::IN_BANS.iter().filter(is_passed);
        let named: Vec<_> = passed.map(|kind| format!("{:?}", kind.name())).collect();
        let pattern = |kinds: &[String]| {
            let kinds = kinds.join(",");
            format!(r#"{{"NewImage":{{"kind":{{"S":[{kinds}]}},"log_position""#)
        };
        assert!(template.contains(&pattern(&named)), "{}", pattern(&named));
    }
}
