//! Lists evidence: that of one ban, or of all bans of a workspace.

use std::collections::VecDeque;

use anyhow::Result;
use futures::future::try_join_all;
use shared::domain::evidence::Evidence;
use shared::domain::ids::{Guid, UserId, WorkspacePrefix};
use shared::store::{BanPages, Filter, Store};

/// How many pieces a page has.
const PAGE: usize = 100;

/// How many bans are looked up at once.
const AT_ONCE: usize = 16;

/// All evidence for a ban, newest first.
pub async fn of_ban(
    store: &Store,
    prefix: WorkspacePrefix,
    ban: (UserId, Guid),
) -> Result<Vec<Evidence>> {
    let mut pieces = Vec::new();
    let mut before = None;
    loop {
        let page = store.evidence_of_ban(prefix, ban, before, PAGE).await?;
        pieces.extend(page.pieces);
        before = page.next;
        if before.is_none() {
            return Ok(pieces);
        }
    }
}

/// The evidence of a workspace: for its newest ban first.
#[derive(Debug)]
pub struct WorkspaceEvidence<'a> {
    store: &'a Store,
    prefix: WorkspacePrefix,
    bans: BanPages,
    ahead: VecDeque<Evidence>,
    is_read: bool,
}

impl<'a> WorkspaceEvidence<'a> {
    pub fn of(store: &'a Store, prefix: WorkspacePrefix) -> Self {
        Self {
            store,
            prefix,
            bans: store.ban_list(prefix, &Filter::default(), None, None),
            ahead: VecDeque::new(),
            is_read: false,
        }
    }

    pub async fn next(&mut self) -> Result<Option<Evidence>> {
        while self.ahead.is_empty() && !self.is_read {
            let mut bans = Vec::new();
            while bans.len() < AT_ONCE {
                let Some(record) = self.bans.next().await? else {
                    self.is_read = true;
                    break;
                };
                bans.push((record.ban.user, record.ban.guid));
            }
            let found = bans
                .into_iter()
                .map(|ban| of_ban(self.store, self.prefix, ban));
            self.ahead
                .extend(try_join_all(found).await?.into_iter().flatten());
        }
        Ok(self.ahead.pop_front())
    }
}
