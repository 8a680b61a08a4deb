//! Searches a user's decisions for a revision: newest first, in a bounded number of pages. A user
//! can have any number of decisions, and most of them do not matter.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::Deserialize;

use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::ids::{UserId, WorkspacePrefix};
use crate::domain::rules::{Ban, BanRequest, Expiry, LATE_WINDOW, Revision, RevisionRef, Scope};
use crate::store::Store;
use crate::store::decisions::snapshot::Snapshot;
use crate::store::dynamo::database::{DatabaseError, number, text};
use crate::store::dynamo::items::{self, StoredBan};
use crate::store::dynamo::schema::{self, Item, attributes};

/// How many pages of up to 1 MB a search reads: at least 4,000 decisions with the longest reasons, and
/// some 16,000 with ordinary ones.
const PAGES: usize = 16;

/// What a decision replaced, and when.
#[derive(Deserialize)]
struct Replaced {
    at: UnixSeconds,
    previous: StoredBan,
}

/// A decision's ban, after and before it.
#[derive(Deserialize)]
struct Changed {
    ban: StoredBan,
    #[serde(default)]
    previous: Option<StoredBan>,
}

impl Store {
    /// The revisions that a call may report late: of those in the requested scope that were in
    /// force within the last hour and have been replaced since, the latest with the call's terms.
    /// A call that names a part may also report bans of its root, or the other way round.
    ///
    /// Unavailable if the user had more changes in that hour than a search reads, and none of the
    /// newest matches.
    pub async fn late_revisions(
        &self,
        snapshot: &Snapshot,
        request: &BanRequest,
        now: UnixSeconds,
    ) -> Result<Vec<Revision>, ApiError> {
        let since = UnixMillis::from_millis(now.minus(LATE_WINDOW).0.saturating_mul(1000));
        let terms = "#previous.moderator = :moderator AND #previous.private_reason = :private \
                     AND #previous.public_reason = :public AND #previous.#global = :global";
        let query = self
            .past(snapshot.prefix, snapshot.user, since, schema::DECISIONS_END)
            .filter_expression(terms)
            .projection_expression("#at, #previous, #ttl")
            .expression_attribute_names("#at", attributes::AT)
            .expression_attribute_names("#ttl", attributes::TTL)
            .expression_attribute_names("#previous", attributes::PREVIOUS)
            .expression_attribute_names("#global", attributes::GLOBAL)
            .expression_attribute_values(":moderator", number(request.moderator))
            .expression_attribute_values(":private", text(&request.private_reason))
            .expression_attribute_values(":public", text(&request.public_reason))
            .expression_attribute_values(
                ":global",
                AttributeValue::Bool(request.scope == Scope::Global),
            );
        let reported = |item| {
            let Replaced { at, previous } = items::read(item)?;
            let revision = revision_until(previous.into(), at);
            Ok(revision.filter(|revision| {
                let is_here = snapshot.experiences().contains(&revision.ban.made_in);
                (is_here || request.scope == Scope::Global) && request.reports(revision, now)
            }))
        };
        let found = self.search(query, reported).await?;
        found.ok_or_else(|| {
            ApiError::Unavailable("too many changes of this user within an hour".to_owned())
        })
    }

    /// A past revision of a ban, from the decisions since then; none if there are too many, or they
    /// are gone.
    pub(in crate::store) async fn past_revision(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
        revision: RevisionRef,
        since: UnixMillis,
    ) -> Result<Option<Ban>, DatabaseError> {
        let query = self
            .past(prefix, user, since, schema::DECISIONS_END)
            .filter_expression(
                "(#ban.guid = :guid AND #ban.revision = :revision) \
                 OR (#previous.guid = :guid AND #previous.revision = :revision)",
            )
            .projection_expression("#ban, #previous, #ttl")
            .expression_attribute_names("#ban", attributes::BAN)
            .expression_attribute_names("#ttl", attributes::TTL)
            .expression_attribute_names("#previous", attributes::PREVIOUS)
            .expression_attribute_values(":guid", number(revision.guid.get()))
            .expression_attribute_values(":revision", number(revision.revision));
        let wanted = |item| {
            let Changed { ban, previous } = items::read(item)?;
            let mut bans = [Some(ban), previous].into_iter().flatten().map(Ban::from);
            Ok(bans.find(|ban| ban.guid == revision.guid && ban.revision == revision.revision))
        };
        let found = self.search(query, wanted).await?;
        Ok(found.and_then(|found| found.into_iter().next()))
    }

    /// The matches on the newest page that has any: empty if no page has, none if there are too
    /// many pages.
    async fn search<T>(
        &self,
        query: QueryFluentBuilder,
        wanted: impl Fn(Item) -> Result<Option<T>, DatabaseError>,
    ) -> Result<Option<Vec<T>>, DatabaseError> {
        let query = query.consistent_read(true).scan_index_forward(false);
        let mut start = None;
        for _ in 0..PAGES {
            let page = query.clone().set_exclusive_start_key(start);
            let (items, next) = self.database.query(page).await?;
            let found: Vec<T> = items
                .into_iter()
                .filter_map(|item| wanted(item).transpose())
                .collect::<Result<_, _>>()?;
            if !found.is_empty() || next.is_none() {
                return Ok(Some(found));
            }
            start = next;
        }
        Ok(None)
    }
}

/// The revision that a decision at `at` replaced, if it was in force at all.
fn revision_until(ban: Ban, at: UnixSeconds) -> Option<Revision> {
    let until = match ban.terms.expires {
        Expiry::At(expires) => expires.min(at),
        Expiry::Never => at,
    };
    ban.ending.is_none().then_some(Revision { ban, until })
}
