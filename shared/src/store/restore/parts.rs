//! The partitions of a table, one after the other.

use crate::error::ApiError;
use crate::ids::{UserId, WorkspaceTag};
use crate::store::Store;
use crate::store::database::{DatabaseError, failure, text};
use crate::store::schema::{Item, Key};

/// A partition of the bans table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Partition {
    /// Everything about a user, with their Global ban and their protection, which lie elsewhere.
    User(WorkspaceTag, UserId),
    /// Any other, by its key.
    Other(WorkspaceTag, String),
}

impl Partition {
    /// The workspace it belongs to.
    #[must_use]
    pub const fn tag(&self) -> WorkspaceTag {
        match self {
            Self::User(tag, _) | Self::Other(tag, _) => *tag,
        }
    }

    /// The partition with this key. `None` for the users' Global bans and protections, which belong
    /// to their users, and for what is no partition of ours.
    fn of(key: &str) -> Option<Self> {
        let (tag, rest) = key.split_once('#')?;
        let tag = tag.parse().ok()?;
        match rest.split_once('#') {
            Some(("U", user)) => Some(Self::User(tag, user.parse().ok()?)),
            Some(("G", _)) => None,
            None if rest == "P" => None,
            _ => Some(Self::Other(tag, key.to_owned())),
        }
    }
}

impl Store {
    /// Some partitions of one of `segments` equal parts of the bans table, and where the next begin;
    /// `None` at the end. For the operator only: it reads the whole table.
    pub async fn some_partitions(
        &self,
        (segment, segments): (i32, i32),
        after: Option<Item>,
    ) -> Result<(Vec<Partition>, Option<Item>), ApiError> {
        let scan = self
            .database
            .client()
            .scan()
            .table_name(&self.database.tables().bans)
            .consistent_read(true)
            .projection_expression("pk, sk")
            .segment(segment)
            .total_segments(segments)
            .set_exclusive_start_key(after);
        let page = self.database.timed(scan.send()).await.map_err(failure)?;
        let mut found: Vec<Partition> = Vec::new();
        for item in page.items() {
            let Some(key) = Key::of(item) else { continue };
            let protected = key.pk.strip_suffix("#P").and_then(|tag| {
                let user = key.sk.parse().ok()?;
                Some(Partition::User(tag.parse().ok()?, user))
            });
            // The items of a partition come one after the other.
            let partition = protected.or_else(|| Partition::of(&key.pk));
            found.extend(partition.filter(|partition| found.last() != Some(partition)));
        }
        let next = page.last_evaluated_key.filter(|key| !key.is_empty());
        Ok((found, next))
    }

    /// Whether the table holds anything of a user's own partition.
    pub async fn holds_user(&self, tag: WorkspaceTag, user: UserId) -> Result<bool, ApiError> {
        let key = crate::store::schema::user_partition(tag, user);
        let query = self.querying_partition(&key).projection_expression("pk");
        let (found, _) = self.database.query(query.limit(1)).await?;
        Ok(!found.is_empty())
    }

    /// All items of a partition.
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

    #[test]
    fn global_bans_and_protections_are_restored_with_their_users() {
        let tag: WorkspaceTag = "26092f67".parse().unwrap();
        let user = UserId::new(156).unwrap();
        assert_eq!(
            Partition::of("26092f67#U#156"),
            Some(Partition::User(tag, user))
        );
        for elsewhere in ["26092f67#G#3", "26092f67#P", "W", "none#U#156"] {
            assert_eq!(Partition::of(elsewhere), None, "{elsewhere}");
        }
        for other in ["26092f67#X", "26092f67#D#ep_1", "26092f67#I#00ff"] {
            let expected = Partition::Other(tag, other.to_owned());
            assert_eq!(Partition::of(other), Some(expected));
        }
    }
}
