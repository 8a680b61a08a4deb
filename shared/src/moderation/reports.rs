//! Takes what an experience reports about pending changes.
//!
//! Each user's reports are one write, like a single report. Users do not affect each other, so some
//! are written side by side. If a write fails, the call fails, and the caller sends all of it again:
//! a repeated report changes nothing.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use futures::{StreamExt, TryStreamExt, stream};

use crate::domain::actor::Channel;
use crate::domain::clock::UnixSeconds;
use crate::domain::error::ApiError;
use crate::domain::ids::{PlaceId, UserId};
use crate::domain::lock::lock;
use crate::domain::rules::{self, ChangeReport, Outcome, ReportStatus, Standing};
use crate::store::{
    Actor, CallerLimits, Link, LinkRights, PolicyOutcome, Snapshot, Store, WriteContext,
};

/// How many users are written at once.
const AT_ONCE: usize = 10;

/// Who reports.
#[derive(Clone, Copy, Debug)]
pub struct Reporter<'a> {
    pub links: LinkRights,
    pub place: PlaceId,
    /// The public id of the key.
    pub key_id: &'a str,
    pub channel: Channel,
    pub request_id: &'a str,
}

/// Takes the reports; returns what became of each. Several reports on a user are taken in order.
pub async fn take_reports(
    store: &Store,
    reporter: &Reporter<'_>,
    reports: &[ChangeReport],
    now: UnixSeconds,
) -> Result<Vec<ReportStatus>, ApiError> {
    // The link first: only one of the simultaneous writes could make it.
    let Reporter { links, place, .. } = *reporter;
    store.with_link(links, place, now, async |_| Ok(())).await?;
    let link = store.check_link(links, place).await?;

    let mut by_user: BTreeMap<UserId, Vec<(usize, ChangeReport)>> = BTreeMap::new();
    for (at, report) in reports.iter().enumerate() {
        by_user
            .entry(report.user)
            .or_default()
            .push((at, report.clone()));
    }
    let writes = by_user.into_iter().map(|(user, numbered)| async move {
        let (numbers, reports): (Vec<_>, Vec<_>) = numbered.into_iter().unzip();
        let statuses = take_of_user(store, reporter, link, user, &reports).await?;
        Ok::<_, ApiError>(numbers.into_iter().zip(statuses))
    });
    let taken: Vec<_> = stream::iter(writes)
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    let mut numbered: Vec<_> = taken.into_iter().flatten().collect();
    numbered.sort_unstable_by_key(|(at, _)| *at);
    Ok(numbered.into_iter().map(|(_, status)| status).collect())
}

async fn take_of_user(
    store: &Store,
    reporter: &Reporter<'_>,
    link: Link,
    user: UserId,
    reports: &[ChangeReport],
) -> Result<Vec<ReportStatus>, ApiError> {
    let context = WriteContext {
        user,
        prefix: reporter.links.prefix,
        link,
        actor: Actor {
            key_id: reporter.key_id.to_owned(),
            channel: reporter.channel,
            moderator: None,
            principal: None,
            request_id: reporter.request_id.to_owned(),
        },
        // A report is no decision, so no cap applies.
        limits: CallerLimits::Operator,
        idempotency: None,
        digest: None,
        dry_run: None,
    };
    let statuses = Mutex::new(Vec::new());
    store
        .commit_with_retry(&context, |snapshot, now| {
            let statuses = &statuses;
            async move {
                let (standing, taken) = take(store, &snapshot, reports, now.seconds()).await?;
                *lock(statuses) = taken;
                Ok(PolicyOutcome::nothing(Outcome::reported(standing)))
            }
        })
        .await?;
    Ok(statuses
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner))
}

async fn take(
    store: &Store,
    snapshot: &Snapshot,
    reports: &[ChangeReport],
    now: UnixSeconds,
) -> Result<(Standing, Vec<ReportStatus>), ApiError> {
    let mut standing = snapshot.standing.clone();
    let mut statuses = Vec::new();
    for report in reports {
        let latest = snapshot.standing.ban(report.guid);
        let replaced = match latest {
            Some(_) => None,
            None => store.replaced_ban(snapshot, report.guid).await?,
        };
        let ban = latest.or(replaced.as_ref());
        // As for a report in the form of a ban call.
        let is_beside = ban.is_some_and(|ban| {
            let revisions = 1..=ban.revision;
            revisions.contains(&report.revision)
                && snapshot.is_of_root_beside(ban.scope, ban.current())
        });
        if is_beside {
            statuses.push(ReportStatus::Superseded);
            continue;
        }
        let (after, status) = rules::take_report(&standing, report, ban, now);
        standing = after;
        statuses.push(status);
    }
    Ok((standing, statuses))
}
