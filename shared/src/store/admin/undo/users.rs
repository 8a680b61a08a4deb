//! The users of a large undo, part by part.

use std::collections::BTreeSet;

use super::{UndoWindow, decisions_until};
use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::domain::ids::{UserId, WorkspacePrefix};
use crate::store::Store;
use crate::store::dynamo::database::text;
use crate::store::dynamo::schema::{self, Key, names};

/// Some users about whom an actor may have decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UndoneUsers {
    pub users: BTreeSet<UserId>,
    /// The time from which on decisions were left out.
    pub rest: Option<UnixMillis>,
}

impl UndoneUsers {
    /// The users of the decisions of each of an actor's ids: their times in order, and whether there
    /// are more. All are read up to the same time, so that a continuation there misses none.
    fn merged(from: UnixMillis, read: Vec<(Vec<(UnixMillis, UserId)>, bool)>) -> Self {
        let ends = read.iter().filter(|(_, is_cut)| *is_cut);
        let ends = ends.filter_map(|(decisions, _)| decisions.last());
        // The last of a page may have others at the same time behind it.
        let rest = ends.map(|(last, _)| (*last).max(from.plus(1))).min();
        let all = read.into_iter().flat_map(|(decisions, _)| decisions);
        let included = all.filter(|(at, _)| rest.is_none_or(|rest| *at < rest));
        Self {
            users: included.map(|(_, user)| user).collect(),
            rest,
        }
    }
}

impl Store {
    /// The users about whom the actor may have decided in the window, from a time in it: by at most
    /// about `most` decisions of each of the actor's ids. Eventually consistent.
    pub async fn some_users_decided_on(
        &self,
        prefix: WorkspacePrefix,
        window: &UndoWindow,
        from: UnixMillis,
        most: u16,
    ) -> Result<UndoneUsers, ApiError> {
        let from = from.max(window.since);
        let mut read = Vec::new();
        for id in window.by.ids() {
            let query = self
                .database
                .querying()
                .index_name(names::DECISIONS_BY_KEY)
                .key_condition_expression("decided_by = :key AND sk BETWEEN :since AND :until")
                .projection_expression("pk, sk")
                .expression_attribute_values(":key", text(schema::decided_by(prefix, &id)))
                .expression_attribute_values(":since", text(schema::decisions_since(from)))
                .expression_attribute_values(":until", text(decisions_until(window.until)))
                .limit(most.into());
            let (found, next) = self.database.query(query).await?;
            let keys = found.iter().filter_map(Key::of);
            let decisions = keys.filter_map(|key| Some((key.moment()?, key.user()?)));
            read.push((decisions.collect(), next.is_some()));
        }
        Ok(UndoneUsers::merged(from, read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decisions(of: &[(u64, u64)]) -> Vec<(UnixMillis, UserId)> {
        let of = of.iter();
        of.map(|(at, user)| (UnixMillis::from_millis(*at), UserId::new(*user).unwrap()))
            .collect()
    }

    fn merged(read: Vec<(Vec<(UnixMillis, UserId)>, bool)>) -> (Vec<u64>, Option<u64>) {
        let merged = UndoneUsers::merged(UnixMillis::from_millis(10), read);
        let users = merged.users.into_iter().map(UserId::get).collect();
        (users, merged.rest.map(UnixMillis::millis))
    }

    #[test]
    fn all_ids_are_read_up_to_the_same_time() {
        let first = decisions(&[(10, 1), (20, 2), (30, 3)]);
        let second = decisions(&[(15, 4), (25, 5), (40, 6)]);
        let whole = vec![(first.clone(), false), (second.clone(), false)];
        assert_eq!(merged(whole), (vec![1, 2, 3, 4, 5, 6], None));
        let cut = vec![(first, true), (second, true)];
        assert_eq!(merged(cut), (vec![1, 2, 4, 5], Some(30)));
    }

    #[test]
    fn continuation_always_gets_ahead() {
        let cut = vec![(decisions(&[(10, 1), (10, 2)]), true)];
        assert_eq!(merged(cut), (vec![1, 2], Some(11)));
    }
}
