//! Reads everything that names a user, in pages.

use crate::domain::account_links::LinkSide;
use crate::domain::ids::{ModeratorId, UserId, WorkspacePrefix};
use crate::store::account_links::led_to;
use crate::store::dynamo::database::{Database, DatabaseError, number, text};
use crate::store::dynamo::schema::{self, DECISION_PREFIX, DECISIONS_END, Item, Key, attributes};

/// How many items a page has.
const PAGE: i32 = 100;

/// The parts of what names a user. Those in the user's partition cover all of it.
#[derive(Clone, Copy, Debug)]
enum Part {
    /// The sort keys of the user's partition from the first to the second, inclusive.
    Keys(&'static str, &'static str),
    /// The items outside of their partition that name the user, and what their link leads to.
    Others,
    /// The user's own erasure requests.
    Requests,
}

/// The order of the parts.
///
/// The history comes first: as long as it exists, so do the bans that lead to it. The Global ban
/// comes before the experiences, so that nothing propagates to them from it. Each record comes
/// after the standings of its ban, and what is written only while there is a record after that.
const PARTS: [Part; 6] = [
    Part::Keys(DECISION_PREFIX, DECISIONS_END),
    Part::Others,
    Part::Requests,
    Part::Keys(AFTER_RECORDS, DECISION_PREFIX),
    Part::Keys(FIRST, AFTER_RECORDS),
    Part::Keys(DECISIONS_END, LAST),
];

/// Sorts before all sort keys.
const FIRST: &str = "!";

/// Sorts between the records of bans (`B#`) and the experiences (`E#`).
const AFTER_RECORDS: &str = "C";

/// Sorts after all sort keys.
const LAST: &str = "~";

/// The attributes that deleting an item depends on.
const READ: &str = "pk, sk, #kind, version, #ban, #previous, #report, #at, since";

/// The position of the sweep.
#[derive(Clone, Debug)]
pub(in crate::store) struct Sweep {
    prefix: WorkspacePrefix,
    user: UserId,
    /// Whether everything that names the user may fit into one page.
    is_small: bool,
    part: usize,
    start: Option<Item>,
}

impl Sweep {
    pub fn of(prefix: WorkspacePrefix, user: UserId) -> Self {
        Self {
            prefix,
            user,
            is_small: true,
            part: 0,
            start: None,
        }
    }

    /// The next items, at least one; none at the end.
    pub async fn next(&mut self, database: &Database) -> Result<Option<Vec<Item>>, DatabaseError> {
        if std::mem::take(&mut self.is_small)
            && let Some(items) = self.whole(database).await?
        {
            self.part = PARTS.len();
            return Ok(Some(items).filter(|items| !items.is_empty()));
        }
        while let Some(part) = PARTS.get(self.part) {
            let (items, next) = self.read(*part, database).await?;
            if next.is_none() {
                self.part = self.part.saturating_add(1);
            }
            self.start = next;
            if !items.is_empty() {
                return Ok(Some(items));
            }
        }
        Ok(None)
    }

    /// Everything that names a user with few items: in three calls, in the order of the parts.
    async fn whole(&mut self, database: &Database) -> Result<Option<Vec<Item>>, DatabaseError> {
        let mut all = Vec::new();
        for part in [Part::Keys(FIRST, LAST), Part::Others, Part::Requests] {
            let (items, next) = self.read(part, database).await?;
            if next.is_some() {
                return Ok(None);
            }
            all.extend(items);
        }
        let partition = schema::user_partition(self.prefix, self.user);
        all.sort_by_cached_key(|item| {
            let key = Key::of(item);
            PARTS.iter().position(|part| match (part, &key) {
                (Part::Keys(first, last), Some(key)) if key.pk == partition => {
                    (*first..=*last).contains(&key.sk.as_str())
                }
                (Part::Others, Some(key)) => key.pk != partition,
                _ => false,
            })
        });
        Ok(Some(all))
    }

    async fn read(
        &mut self,
        part: Part,
        database: &Database,
    ) -> Result<(Vec<Item>, Option<Item>), DatabaseError> {
        let (prefix, user) = (self.prefix, self.user);
        let query = database
            .querying()
            .consistent_read(true)
            .set_exclusive_start_key(self.start.take());
        match part {
            Part::Keys(first, last) => {
                let query = query
                    .key_condition_expression("pk = :user AND sk BETWEEN :first AND :last")
                    .projection_expression(READ)
                    .expression_attribute_names("#kind", attributes::KIND)
                    .expression_attribute_names("#ban", attributes::BAN)
                    .expression_attribute_names("#previous", attributes::PREVIOUS)
                    .expression_attribute_names("#report", attributes::REPORT)
                    .expression_attribute_names("#at", attributes::AT)
                    .expression_attribute_values(
                        ":user",
                        text(schema::user_partition(prefix, user)),
                    )
                    .expression_attribute_values(":first", text(first))
                    .expression_attribute_values(":last", text(last))
                    .limit(PAGE);
                database.query(query).await
            }
            Part::Others => {
                let as_moderator = ModeratorId::new(user.get());
                let pace = as_moderator.map(|id| Key::moderator_pace(prefix, id));
                let account = LinkSide::Roblox(user);
                let keys = [
                    Key::global(prefix, user),
                    Key::protected(prefix, user),
                    Key::account_link(prefix, account),
                    Key::link_code_use(prefix, account),
                ];
                let mut found = vec![
                    database
                        .batch_get_stored(keys.into_iter().chain(pace), true)
                        .await?,
                ];
                while let Some(last) = found.last() {
                    let keys = led_to(prefix, last)?;
                    let more = database.batch_get_stored(keys, true).await?;
                    if more.is_empty() {
                        break;
                    }
                    found.push(more);
                }
                // What leads to an item is deleted after it.
                Ok((found.into_iter().rev().flatten().collect(), None))
            }
            Part::Requests => {
                let query = query
                    .key_condition_expression("pk = :queue")
                    .filter_expression("#user = :user")
                    .projection_expression("pk, sk, #kind, #at")
                    .expression_attribute_names("#kind", attributes::KIND)
                    .expression_attribute_names("#at", attributes::AT)
                    .expression_attribute_names("#user", attributes::USER)
                    .expression_attribute_values(":queue", text(schema::erasure_queue(prefix)))
                    .expression_attribute_values(":user", number(user));
                database.query(query).await
            }
        }
    }
}
