//! Several bans of one user in one file, and several users with one guid.
//!
//! Of several bans of one user in one scope, the one that ends last is in force; the others are imported as
//! replaced. This must be known before the first one is written.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use shared::domain::clock::UnixSeconds;
use shared::domain::ids::{ExperienceId, Guid, UserId};
use shared::domain::rules::{Scope, Terms};

use super::{ImportedBan, RowError};

/// The duplicates in a file.
#[derive(Debug, Default)]
pub struct Duplicates {
    /// Users with more than one row.
    pub users: HashSet<UserId>,
    /// Replaced rows by number, from 0, with the terms of the ban that replaces them.
    replaced: HashMap<u64, Terms>,
    /// Guids that several users share, so that none of them can be trusted.
    clashing: HashSet<Guid>,
    /// Users with removed bans, and the number of the last entry that removes them.
    taken_back: HashMap<UserId, u64>,
    /// Users that are keys of several entries: either entry could be meant.
    repeated_keys: HashSet<UserId>,
}

impl Duplicates {
    /// Whether entries remove earlier bans.
    pub fn has_removals(&self) -> bool {
        !self.taken_back.is_empty()
    }

    /// The terms of the ban that replaces this row.
    pub fn replaced_by(&self, ordinal: u64) -> Option<&Terms> {
        self.replaced.get(&ordinal)
    }

    /// Why other rows prevent the import of this one.
    pub fn objection(&self, ordinal: u64, row: &ImportedBan) -> Option<RowError> {
        let last = self.taken_back.get(&row.user);
        if last.is_some_and(|last| *last > ordinal) {
            return Some(RowError::NotABan("a later entry removes it".to_owned()));
        }
        if self.repeated_keys.contains(&row.user) {
            return Some(RowError::Invalid(format!(
                "duplicate key \"{}\": keep one of the entries",
                row.user
            )));
        }
        let guid = row.guid.filter(|guid| self.clashing.contains(guid))?;
        Some(RowError::Invalid(format!(
            "several users in this file have the guid {guid}, which can only name one ban"
        )))
    }
}

/// The users and guids of the first pass: 8 bytes per row, and 16 more for a row with a guid.
#[derive(Debug, Default)]
pub struct SeenRows {
    users: Vec<u64>,
    guids: Vec<(u64, u64)>,
    keys: Vec<u64>,
    taken_back: HashMap<UserId, u64>,
}

impl SeenRows {
    pub fn add(&mut self, row: &ImportedBan) {
        self.users.push(row.user.get());
        if let Some(guid) = row.guid {
            self.guids.push((guid.get(), row.user.get()));
        }
    }

    /// Records the key of an entry, if it is a user id.
    pub fn add_key(&mut self, key: &str) {
        self.keys.extend(key.parse::<u64>().ok());
    }

    /// Records that an entry removes the earlier bans of a user.
    pub fn take_back(&mut self, user: UserId, ordinal: u64) {
        self.taken_back.insert(user, ordinal);
    }

    pub fn repeats(mut self) -> Duplicates {
        self.keys.sort_unstable();
        self.users.sort_unstable();
        self.guids.sort_unstable();
        self.guids.dedup();
        let pairs = self.users.iter().zip(self.users.iter().skip(1));
        let repeated = pairs.filter(|(one, other)| one == other);
        let pairs = self.guids.iter().zip(self.guids.iter().skip(1));
        let clashing = pairs.filter(|(one, other)| one.0 == other.0);
        let keys = self.keys.iter().zip(self.keys.iter().skip(1));
        let keys = keys.filter(|(one, other)| one == other);
        Duplicates {
            repeated_keys: keys.filter_map(|(key, _)| UserId::new(*key)).collect(),
            users: repeated
                .filter_map(|(user, _)| UserId::new(*user))
                .collect(),
            clashing: clashing.map(|(one, _)| Guid::from(one.0)).collect(),
            replaced: HashMap::new(),
            taken_back: self.taken_back,
        }
    }
}

/// The bans of a user in one scope.
type Chain = (UserId, Option<ExperienceId>);

/// Finds the replaced rows of users with several rows.
#[derive(Debug, Default)]
pub struct ReplacementRound(HashMap<Chain, Vec<(u64, ImportedBan)>>);

impl ReplacementRound {
    pub fn add(&mut self, ordinal: u64, row: ImportedBan, repeats: &Duplicates, now: UnixSeconds) {
        let is_one_of_several = repeats.users.contains(&row.user) && row.holds(now);
        if !is_one_of_several || repeats.objection(ordinal, &row).is_some() {
            return;
        }
        let experience = (row.scope == Scope::Experience).then_some(row.experience);
        let rows = self.0.entry((row.user, experience)).or_default();
        rows.push((ordinal, row));
    }

    pub fn decide(self, repeats: &mut Duplicates) {
        for rows in self.0.into_values() {
            let rank = |(ordinal, row): &&(u64, ImportedBan)| {
                (row.terms.expires, row.guid, Reverse(*ordinal))
            };
            let Some((_, winner)) = rows.iter().max_by_key(rank) else {
                continue;
            };
            // An identical row is the same ban.
            let others = rows.iter().filter(|(_, row)| row != winner);
            let replaced = others.map(|(ordinal, _)| (*ordinal, winner.terms.clone()));
            repeats.replaced.extend(replaced);
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::domain::rules::Expiry;

    use super::*;

    const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

    fn row(user: u64, expires: u64, guid: Option<u64>) -> ImportedBan {
        ImportedBan {
            user: UserId::new(user).unwrap(),
            guid: guid.map(Guid::from),
            uid: None,
            workspace: None,
            scope: Scope::Experience,
            experience: ExperienceId::new(7).unwrap(),
            terms: Terms {
                moderator: "1".parse().unwrap(),
                private_reason: "r".to_owned(),
                public_reason: "r".to_owned(),
                expires: Expiry::from_seconds(expires),
                universal: true,
            },
            created: None,
            updated: None,
            active: true,
            appealed: false,
            applied: false,
        }
    }

    fn of(rows: &[ImportedBan]) -> (Vec<u64>, usize) {
        let mut seen = SeenRows::default();
        for row in rows {
            seen.add(row);
        }
        let mut repeats = seen.repeats();
        let mut contest = ReplacementRound::default();
        for (row, ordinal) in rows.iter().zip(0..) {
            contest.add(ordinal, row.clone(), &repeats, NOW);
        }
        contest.decide(&mut repeats);
        let mut replaced: Vec<_> = repeats.replaced.keys().copied().collect();
        replaced.sort_unstable();
        (
            replaced,
            rows.iter()
                .filter(|row| repeats.objection(0, row).is_some())
                .count(),
        )
    }

    #[test]
    fn ban_that_ends_last_is_in_force() {
        let (short, long, never) = (NOW.0 + 10, NOW.0 + 20, 0);
        let table = [
            (vec![row(1, short, None), row(1, never, None)], vec![0]),
            (vec![row(1, never, None), row(1, long, None)], vec![1]),
            (
                vec![row(1, short, None), row(1, long, None), row(1, short, None)],
                vec![0, 2],
            ),
            (vec![row(1, long, None), row(1, long, None)], vec![]),
            (vec![row(1, long, None), row(2, short, None)], vec![]),
            (vec![row(1, NOW.0, None), row(1, long, None)], vec![]),
            (vec![row(1, long, Some(9)), row(1, long, Some(8))], vec![1]),
        ];
        for (rows, replaced) in table {
            assert_eq!(of(&rows).0, replaced);
        }
        let mut global = row(1, short, None);
        global.scope = Scope::Global;
        assert_eq!(of(&[row(1, long, None), global]).0, [0_u64; 0]);
        let mut lifted = row(1, never, None);
        lifted.active = false;
        assert_eq!(of(&[row(1, short, None), lifted]).0, [0_u64; 0]);
    }

    #[test]
    fn guid_of_several_users_is_refused_for_all_of_them() {
        let rows = [
            row(1, 0, Some(9)),
            row(2, 0, Some(9)),
            row(3, 0, Some(8)),
            row(3, 0, Some(8)),
        ];
        assert_eq!(of(&rows), (vec![], 2));
    }

    #[test]
    fn entries_with_the_same_key_are_invalid() {
        let mut seen = SeenRows::default();
        for user in [1, 2, 1] {
            seen.add(&row(user, 0, None));
            seen.add_key(&user.to_string());
        }
        let repeats = seen.repeats();
        let objection = |user| repeats.objection(0, &row(user, 0, None));
        assert!(matches!(objection(1), Some(RowError::Invalid(_))));
        assert_eq!(objection(2), None);
    }

    #[test]
    fn removed_bans_are_not_imported() {
        let mut seen = SeenRows::default();
        let ban = row(1, 0, None);
        seen.add(&ban);
        seen.take_back(ban.user, 1);
        seen.add(&ban);
        let repeats = seen.repeats();
        assert!(matches!(
            repeats.objection(0, &ban),
            Some(RowError::NotABan(_))
        ));
        assert_eq!(repeats.objection(2, &ban), None);
    }
}
