//! The history of one ban in pages: a ban may be changed thousands of times.

use super::DecisionItem;
use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::domain::history::PastDecision;
use crate::domain::ids::{Guid, UserId, WorkspacePrefix};
use crate::store::Store;
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{self, Item, Key};

/// The most items of the user that one page reads, including those of the user's other bans. Such a
/// page may be shorter than its limit.
const EXAMINED: usize = 2000;

/// The minimum page size for reading them.
const AT_ONCE: usize = 100;

/// The position of an item of a user's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryPosition {
    /// When the decision was made. An expiry has none: they all follow the decisions.
    pub at: Option<UnixMillis>,
    pub guid: Guid,
    /// The number of the decision on the ban, or of the one before the expiry.
    pub number: u32,
}

impl HistoryPosition {
    pub(in crate::store) fn key(self, prefix: WorkspacePrefix, user: UserId) -> Key {
        let Self { at, guid, number } = self;
        match at {
            Some(at) => Key::decision(prefix, user, at, guid, number),
            None => Key::expiry(prefix, user, guid, number),
        }
    }

    /// The position of an item of a user's partition, if it belongs to the history.
    pub(in crate::store) fn of(key: &Key) -> Option<Self> {
        if !schema::is_past(key) {
            return None;
        }
        let parts: Vec<_> = key.sk.split('#').skip(1).collect();
        let (at, guid, number) = match *parts.as_slice() {
            [at, guid, number] => (Some(at), guid, number),
            [guid, number] => (None, guid, number),
            _ => return None,
        };
        let at = at.map(str::parse).transpose().ok()?;
        Some(Self {
            at: at.map(UnixMillis::from_millis),
            guid: Guid::from(guid.parse::<u64>().ok()?),
            number: number.parse().ok()?,
        })
    }
}

/// A page of the history of a ban.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryPage {
    /// The decisions and expiries with their positions, in the order of storage: decisions by time,
    /// then expiries.
    pub decisions: Vec<(HistoryPosition, PastDecision)>,
    /// The position after which to continue, if there may be more.
    pub next: Option<HistoryPosition>,
}

impl Store {
    /// The decisions on a ban at or after `since` and after a position, and its expiry; at most
    /// `limit`. Strongly consistent.
    pub async fn history_of_ban(
        &self,
        prefix: WorkspacePrefix,
        (user, guid): (UserId, Guid),
        since: UnixMillis,
        after: Option<HistoryPosition>,
        limit: usize,
    ) -> Result<HistoryPage, ApiError> {
        let query = self
            .past(prefix, user, since, schema::EXPIRIES_END)
            .consistent_read(true);
        let mut page = HistoryPage::default();
        let mut start = after.map(|after| after.key(prefix, user).item());
        // An upper bound: expired items are read and skipped.
        let mut examined = 0_usize;
        // One more than requested shows whether anything follows.
        while page.decisions.len() <= limit {
            let wanted = limit.saturating_add(1).saturating_sub(page.decisions.len());
            let wanted = wanted.max(AT_ONCE);
            let query = query
                .clone()
                .limit(i32::try_from(wanted).unwrap_or(i32::MAX))
                .set_exclusive_start_key(start);
            let (items, next) = self.database.query(query).await?;
            examined = examined.saturating_add(wanted);
            for item in items {
                page.decisions.extend(read(item, guid)?);
            }
            start = next;
            if start.is_none() {
                break;
            }
            if examined >= EXAMINED && page.decisions.len() <= limit {
                // The next page continues after the last item read, whatever it is.
                let last = start.as_ref().and_then(Key::of);
                page.next = last.as_ref().and_then(HistoryPosition::of);
                if page.next.is_some() {
                    return Ok(page);
                }
            }
        }
        if page.decisions.len() > limit {
            page.decisions.truncate(limit);
            page.next = page.decisions.last().map(|(position, _)| *position);
        }
        Ok(page)
    }
}

/// An item as a decision on the ban, if it is one.
fn read(item: Item, guid: Guid) -> Result<Option<(HistoryPosition, PastDecision)>, ApiError> {
    let position = Key::of(&item).as_ref().and_then(HistoryPosition::of);
    let Some(position) = position.filter(|position| position.guid == guid) else {
        return Ok(None);
    };
    let decision = items::read::<DecisionItem>(item)?;
    Ok(Some((position, decision.into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn position_is_read_from_the_key_that_it_leads_to() {
        let prefix = "26092f67".parse().unwrap();
        let user = UserId::new(156).unwrap();
        let guid = Guid::from(633_197_862_920_433_664);
        for at in [Some(UnixMillis::from_millis(1_777_777_777_777)), None] {
            let position = HistoryPosition {
                at,
                guid,
                number: 12,
            };
            assert_eq!(
                HistoryPosition::of(&position.key(prefix, user)),
                Some(position)
            );
        }
        let at = UnixMillis::from_millis(1_777_777_777_777);
        let activity = Key::activity(prefix, Some(user), at, "act_1");
        assert_eq!(HistoryPosition::of(&activity), None);
        assert_eq!(HistoryPosition::of(&Key::ban(prefix, user, guid)), None);
        assert_eq!(
            HistoryPosition::of(&Key::restriction_sync(prefix, user, 7)),
            None
        );
    }
}
