//! The ban list, newest first, for `/bans` and the exports.
//!
//! A list lies in several index partitions, so that neither writes nor exports are limited to the
//! throughput of one. They are merged here by guid, which is by time.

use std::cmp::Reverse;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use futures::future::try_join_all;
use tokio::task::JoinHandle;

use crate::domain::actor::DecidedBy;
use crate::domain::ban_info::BanPresenter;
use crate::domain::clock::UnixSeconds;
use crate::domain::error::ApiError;
use crate::domain::event::{ListedActor, ListedBan};
use crate::domain::ids::{ExperienceId, Guid, ModeratorId, UserId, WorkspacePrefix};
use crate::domain::rules::{Ban, Scope};
use crate::store::Store;
use crate::store::dynamo::database::{Database, DatabaseError, text};
use crate::store::dynamo::items::{self, BanItem};
use crate::store::dynamo::merge::{Merge, Next};
use crate::store::dynamo::schema::{self, Item, LEDGER_SHARDS, names};

/// How many bans an export reads per query. Two pages of each shard are in memory at once.
const EXPORT_PAGE: usize = 500;

/// Which bans to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub user: Option<UserId>,
    /// Made from this experience.
    pub experience: Option<ExperienceId>,
    pub moderator: Option<ModeratorId>,
    pub scope: Option<Scope>,
    /// In force, or not.
    pub active: Option<bool>,
}

impl Filter {
    /// Whether the filter also reads bans that do not match: no index selects them.
    #[must_use]
    pub const fn needs_filtering(&self) -> bool {
        self.moderator.is_some()
            || self.scope.is_some()
            || self.active.is_some()
            || (self.user.is_some() && self.experience.is_some())
    }

    /// Whether a ban matches.
    #[must_use]
    pub fn matches(&self, ban: &Ban, now: UnixSeconds) -> bool {
        self.user.is_none_or(|user| ban.user == user)
            && self
                .experience
                .is_none_or(|experience| ban.made_in == experience)
            && self
                .moderator
                .is_none_or(|moderator| ban.terms.moderator == moderator)
            && self.scope.is_none_or(|scope| ban.scope == scope)
            && self.active.is_none_or(|active| ban.holds(now) == active)
    }
}

/// A ban on record.
#[derive(Clone, Debug)]
pub struct BanRecord {
    pub ban: Ban,
    /// Whether the experience it was made from has applied its current revision.
    pub applied: bool,
    /// Who made it; records of earlier versions do not say.
    pub made_by: Option<DecidedBy>,
    /// Who made the last decision about it, and why.
    pub last_by: Option<DecidedBy>,
    pub last_reason: Option<String>,
}

impl From<BanItem> for BanRecord {
    fn from(item: BanItem) -> Self {
        let ban = Ban::from(item.ban);
        Self {
            applied: item.applied == Some(ban.revision),
            ban,
            last_by: item.last_by.or_else(|| item.made_by.clone()),
            made_by: item.made_by,
            last_reason: item.last_reason,
        }
    }
}

impl BanRecord {
    /// The ban as a reader of lists and exports sees it.
    #[must_use]
    pub fn listed(&self, presenter: &BanPresenter) -> ListedBan {
        ListedBan {
            ban: presenter.show(&self.ban, self.applied),
            actor: self.last_by.as_ref().map(ListedActor::from),
        }
    }
}

/// A list of bans being read, newest first. Eventually consistent.
#[derive(Debug)]
pub struct BanPages {
    database: Database,
    shards: Vec<Shard>,
    merge: Merge<BanRecord>,
    ahead: bool,
}

/// One partition of the list.
#[derive(Debug)]
struct Shard {
    query: QueryFluentBuilder,
    reading: Reading,
}

type Page = Result<(Vec<Item>, Option<Item>), DatabaseError>;

/// What follows after what was read.
#[derive(Debug)]
enum Reading {
    /// The page that begins here, not requested yet.
    From(Option<Item>),
    /// A page in progress.
    Underway(JoinHandle<Page>),
    Ended,
}

impl Store {
    /// The bans of a workspace that `filter`'s user and experience select by key, made before
    /// `before`; the caller applies the rest of the filter. About `wanted` will be read; without a
    /// number, all of them, with read-ahead.
    #[must_use]
    pub fn ban_list(
        &self,
        prefix: WorkspacePrefix,
        filter: &Filter,
        before: Option<Guid>,
        wanted: Option<usize>,
    ) -> BanPages {
        let queries = match (filter.user, filter.experience) {
            (Some(user), _) => vec![self.user_query(prefix, user, before)],
            (None, Some(experience)) => (0..LEDGER_SHARDS)
                .map(|shard| {
                    let partition = schema::experience_ledger_partition(prefix, experience, shard);
                    self.index_query(names::BY_EXPERIENCE, "experience_ledger", partition, before)
                })
                .collect(),
            (None, None) => (0..LEDGER_SHARDS)
                .map(|shard| {
                    let partition = schema::ledger_partition(prefix, shard);
                    self.index_query(names::BY_WORKSPACE, "ledger", partition, before)
                })
                .collect(),
        };
        // An equal share and a few more, because the shards do not alternate exactly.
        let share = |wanted: usize| match queries.len() {
            0 | 1 => wanted.saturating_add(1),
            shards => wanted.div_ceil(shards).saturating_add(3),
        };
        let page = i32::try_from(wanted.map_or(EXPORT_PAGE, share)).unwrap_or(i32::MAX);
        let shards: Vec<_> = queries
            .into_iter()
            .map(|query| Shard {
                // Parsing unneeded attributes would cost an export a good part of its CPU time.
                query: query
                    .projection_expression(items::BAN_ITEM)
                    .scan_index_forward(false)
                    .limit(page),
                reading: Reading::From(None),
            })
            .collect();
        BanPages {
            database: self.database.clone(),
            merge: Merge::new(shards.len()),
            shards,
            ahead: wanted.is_none(),
        }
    }

    fn user_query(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
        before: Option<Guid>,
    ) -> QueryFluentBuilder {
        let last = before.map_or(u64::MAX, |guid| guid.get().saturating_sub(1));
        let sort_key = |guid: u64| {
            format!(
                "{}{}",
                schema::BAN_PREFIX,
                schema::padded_guid(Guid::from(guid))
            )
        };
        self.database
            .querying()
            .key_condition_expression("pk = :user AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":user", text(schema::user_partition(prefix, user)))
            .expression_attribute_values(":first", text(sort_key(0)))
            .expression_attribute_values(":last", text(sort_key(last)))
    }

    fn index_query(
        &self,
        index: &str,
        hash_key: &str,
        partition: String,
        before: Option<Guid>,
    ) -> QueryFluentBuilder {
        let before = before.unwrap_or(Guid::from(u64::MAX));
        self.database
            .querying()
            .index_name(index)
            .key_condition_expression(format!("{hash_key} = :partition AND guid_key < :before"))
            .expression_attribute_values(":partition", text(partition))
            .expression_attribute_values(":before", text(schema::padded_guid(before)))
    }
}

impl BanPages {
    /// The next ban, or none at the end.
    pub async fn next(&mut self) -> Result<Option<BanRecord>, ApiError> {
        loop {
            match self.merge.next(|recorded| Reverse(recorded.ban.guid)) {
                Next::Entry(_, recorded) => return Ok(Some(recorded)),
                Next::End => return Ok(None),
                Next::Unread(unread) => self.read(&unread).await?,
            }
        }
    }

    /// Reads the next page of each of these shards.
    async fn read(&mut self, unread: &[usize]) -> Result<(), DatabaseError> {
        let (database, ahead) = (&self.database, self.ahead);
        let pages = self.shards.iter_mut().enumerate();
        let pages =
            pages
                .filter(|(number, _)| unread.contains(number))
                .map(|(number, shard)| async move {
                    let (page, goes_on) = shard.page(database, ahead).await?;
                    Ok::<_, DatabaseError>((number, page, goes_on))
                });
        for (number, page, goes_on) in try_join_all(pages).await? {
            self.merge.add(number, page, goes_on);
        }
        Ok(())
    }
}

impl Shard {
    /// The next page, and whether more follows.
    async fn page(
        &mut self,
        database: &Database,
        ahead: bool,
    ) -> Result<(Vec<BanRecord>, bool), DatabaseError> {
        let (items, next) = match std::mem::replace(&mut self.reading, Reading::Ended) {
            Reading::Ended => return Ok((Vec::new(), false)),
            Reading::From(start) => {
                let query = self.query.clone().set_exclusive_start_key(start);
                database.query(query).await?
            }
            Reading::Underway(page) => page
                .await
                .map_err(|error| DatabaseError::Unavailable(error.to_string()))??,
        };
        self.reading = match next {
            None => Reading::Ended,
            start if ahead => {
                let query = self.query.clone().set_exclusive_start_key(start);
                let database = database.clone();
                Reading::Underway(tokio::spawn(async move { database.query(query).await }))
            }
            start => Reading::From(start),
        };
        let page = items
            .into_iter()
            .map(|item| items::read::<BanItem>(item).map(BanRecord::from))
            .collect::<Result<_, _>>()?;
        Ok((page, !matches!(self.reading, Reading::Ended)))
    }
}
