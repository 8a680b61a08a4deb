//! Reads a page of the list. No index serves most filters, so it looks at a bounded number of bans, and
//! tells how far back it looked.

use shared::api::cursor::ListName;
use shared::domain::clock::UnixSeconds;
use shared::domain::error::ApiError;
use shared::domain::ids::Guid;
use shared::store::{BanRecord, Filter};

use super::query::BansQuery;
use crate::visit::Visit;

/// How many bans a page shows.
const SHOWN: usize = 50;

/// How many bans it looks at.
const EXAMINED: usize = 1000;

/// How many it reads at once.
const AT_ONCE: usize = 200;

/// A page of bans.
#[derive(Clone, Debug, Default)]
pub struct BansRead {
    pub records: Vec<BanRecord>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
    /// When the last ban that was looked at was made, if the page is not full.
    pub looked_back: Option<UnixSeconds>,
    /// Whether the list has no bans at all, before any filter.
    pub is_nothing_on_record: bool,
}

pub async fn read(visit: &Visit, query: &BansQuery) -> Result<BansRead, ApiError> {
    let (store, prefix, now) = (&visit.store, visit.prefix(), visit.now());
    let mut filter = Filter::default();
    if let Some(place) = query.experience {
        filter.experience = Some(store.experience_of(prefix, place).await?);
    }
    let before = match &query.cursor {
        Some(cursor) => Some(open(visit, query, cursor).await?),
        None => None,
    };
    let mut bans = store.ban_list(prefix, &filter, before, Some(AT_ONCE));
    let mut read = BansRead::default();
    let (mut examined, mut reached, mut goes_on) = (0_usize, None, false);
    while let Some(record) = bans.next().await? {
        goes_on = read.records.len() == SHOWN || examined == EXAMINED;
        if goes_on {
            break;
        }
        examined = examined.saturating_add(1);
        reached = Some(record.ban.guid);
        if query.fits(&record, now) {
            read.records.push(record);
        }
    }
    read.is_nothing_on_record = examined == 0 && before.is_none();
    if let Some(guid) = reached.filter(|_| goes_on) {
        let secret = store.workspace_secret(prefix).await?;
        read.next = Some(name(visit, query).seal(&secret, &guid));
        if read.records.len() < SHOWN {
            read.looked_back = Some(guid.created());
        }
    }
    Ok(read)
}

async fn open(visit: &Visit, query: &BansQuery, cursor: &str) -> Result<Guid, ApiError> {
    let secret = visit.store.workspace_secret(visit.prefix()).await?;
    let position = name(visit, query).open(&secret, cursor);
    position.ok_or_else(|| ApiError::field("cursor", "is not one of this list: start at its top"))
}

/// The list that a cursor belongs to.
fn name(visit: &Visit, query: &BansQuery) -> ListName {
    let list = ListName::new(visit.signed_in.workspace.guid, "console-bans");
    query
        .parts()
        .fold(list, |list, (name, value)| list.with(name, Some(value)))
}
