//! Reads the bans table page by page.

use serde::{Deserialize, Serialize};

use crate::domain::error::ApiError;
use crate::domain::ids::{UserId, WorkspacePrefix};
use crate::store::Store;
use crate::store::dynamo::database::{DatabaseError, failure, text};
use crate::store::dynamo::schema::{self, Item, Key, Partition};

/// The most items on a page. It bounds the memory of a restore, and the work that an interrupted
/// one repeats.
const PAGE: i32 = 1000;

/// How many items without a user are restored together: as many as one call reads.
const TOGETHER: usize = 100;

/// Something to restore.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// A user's items, including their Global ban and their protection, which lie in other
    /// partitions.
    User(WorkspacePrefix, UserId),
    /// The same for a user with items outside of their partition, which may not exist.
    Beside(WorkspacePrefix, UserId),
    /// Items without a user.
    Items(WorkspacePrefix, Vec<Item>),
}

impl Piece {
    #[must_use]
    pub const fn prefix(&self) -> WorkspacePrefix {
        match self {
            Self::User(prefix, _) | Self::Beside(prefix, _) | Self::Items(prefix, _) => *prefix,
        }
    }
}

/// A position in the table: the key of the last item read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestorePosition {
    pk: String,
    sk: String,
}

/// A page of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct TablePage {
    /// Its contents. A user is on the page on which their partition begins.
    pub pieces: Vec<Piece>,
    /// The start of the next page; `None` at the end.
    pub next: Option<RestorePosition>,
}

/// What an item belongs to.
enum About {
    User(WorkspacePrefix, UserId),
    Beside(WorkspacePrefix, UserId),
    Other(WorkspacePrefix),
}

impl About {
    /// `None` for the users' Global bans, which belong to their users, and for foreign items.
    fn of(key: &Key) -> Option<Self> {
        let Partition { prefix, kind, name } = key.partition()?;
        match (kind, name) {
            ("U", Some(_)) => Some(Self::User(prefix, key.user()?)),
            ("G", Some(_)) => None,
            ("P", None) => Some(Self::Beside(prefix, key.sk.parse().ok()?)),
            _ => Some(Self::Other(prefix)),
        }
    }
}

/// The pieces of a page that begins after an item of the partition `before`.
fn pieces(items: Vec<Item>, before: Option<&str>) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    // The items of a partition are adjacent.
    let mut before = before.map(str::to_owned);
    for item in items {
        let Some(key) = Key::of(&item) else { continue };
        match About::of(&key) {
            Some(About::User(prefix, user)) if before.as_ref() != Some(&key.pk) => {
                pieces.push(Piece::User(prefix, user));
            }
            Some(About::User(..)) | None => {}
            Some(About::Beside(prefix, user)) => pieces.push(Piece::Beside(prefix, user)),
            Some(About::Other(prefix)) => match pieces.last_mut() {
                Some(Piece::Items(own, items)) if *own == prefix && items.len() < TOGETHER => {
                    items.push(item);
                }
                _ => pieces.push(Piece::Items(prefix, vec![item])),
            },
        }
        before = Some(key.pk);
    }
    pieces
}

impl Store {
    /// A page of one of `segments` equal parts of the bans table, after a position in it; with
    /// `whole` items or their keys only. For the operator only: all pages together are the whole
    /// table.
    pub async fn table_page(
        &self,
        (segment, segments): (i32, i32),
        after: Option<&RestorePosition>,
        whole: bool,
    ) -> Result<TablePage, ApiError> {
        let start = after.map(|RestorePosition { pk, sk }| {
            let (pk, sk) = (pk.clone(), sk.clone());
            Key { pk, sk }.item()
        });
        let scan = self
            .database
            .client()
            .scan()
            .table_name(&self.database.tables().bans)
            .consistent_read(true)
            .limit(PAGE)
            .set_projection_expression((!whole).then(|| "pk, sk".to_owned()))
            .segment(segment)
            .total_segments(segments)
            .set_exclusive_start_key(start);
        let page = self.database.timed(scan.send()).await.map_err(failure)?;
        let next = page.last_evaluated_key.as_ref().and_then(Key::of);
        let before = after.map(|place| place.pk.as_str());
        Ok(TablePage {
            pieces: pieces(page.items.unwrap_or_default(), before),
            next: next.map(|Key { pk, sk }| RestorePosition { pk, sk }),
        })
    }

    /// Whether the table has anything in a user's own partition.
    pub(super) async fn holds_user(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
    ) -> Result<bool, DatabaseError> {
        let key = schema::user_partition(prefix, user);
        let query = self.querying_partition(&key).projection_expression("pk");
        let (found, _) = self.database.query(query.limit(1)).await?;
        Ok(!found.is_empty())
    }

    /// Whether a walk through the table finds this user.
    pub(super) async fn holds_anything_of(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
    ) -> Result<bool, DatabaseError> {
        if self.holds_user(prefix, user).await? {
            return Ok(true);
        }
        let protected = self.database.get(Key::protected(prefix, user)).await?;
        Ok(protected.is_some())
    }

    pub(super) async fn partition(&self, key: &str) -> Result<Vec<Item>, DatabaseError> {
        self.database.query_all(self.querying_partition(key)).await
    }

    fn querying_partition(
        &self,
        key: &str,
    ) -> aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder {
        self.database
            .querying()
            .consistent_read(true)
            .key_condition_expression("pk = :key")
            .expression_attribute_values(":key", text(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(keys: &[(&str, &str)]) -> Vec<Item> {
        let item = |(pk, sk): &(&str, &str)| {
            Key {
                pk: (*pk).to_owned(),
                sk: (*sk).to_owned(),
            }
            .item()
        };
        keys.iter().map(item).collect()
    }

    #[test]
    fn user_is_on_the_page_on_which_their_partition_begins() {
        let prefix: WorkspacePrefix = "26092f67".parse().unwrap();
        let user = |user| UserId::new(user).unwrap();
        let own = [("26092f67#U#156", "B#1"), ("26092f67#U#156", "E#7")];
        let page = [&own[..], &[("26092f67#U#2", "E#7")]].concat();
        let both = [Piece::User(prefix, user(156)), Piece::User(prefix, user(2))];
        assert_eq!(pieces(items(&page), None), both);
        let went_on = pieces(items(&page), Some("26092f67#U#156"));
        assert_eq!(went_on, both[1..]);
        assert_eq!(pieces(items(&own), Some("26092f67#U#156")), []);
    }

    #[test]
    fn items_without_a_user_are_restored_together() {
        let prefix: WorkspacePrefix = "26092f67".parse().unwrap();
        let none = [("26092f67#G#3", "156"), ("W", "W"), ("none#U#156", "E#1")];
        assert_eq!(pieces(items(&none), None), []);
        let protected = pieces(items(&[("26092f67#P", "156")]), None);
        assert_eq!(
            protected,
            [Piece::Beside(prefix, UserId::new(156).unwrap())]
        );
        let others = [("26092f67#X", "1"), ("26092f67#D#we_1", "2")];
        let together = Piece::Items(prefix, items(&others));
        assert_eq!(pieces(items(&others), None), [together]);
        let many: Vec<_> = std::iter::repeat_n(("26092f67#X", "1"), TOGETHER + 1).collect();
        assert_eq!(pieces(items(&many), None).len(), 2);
    }
}
