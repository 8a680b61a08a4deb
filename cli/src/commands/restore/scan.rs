//! Both tables, page by page.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use futures::future::try_join_all;
use futures::{StreamExt, TryStreamExt, stream};
use shared::domain::ids::{WorkspaceId, WorkspacePrefix};
use shared::store::{Piece, Restored, Restoring};

use super::checkpoint::{Checkpoint, ResumePoint};
use crate::progress::Progress;

/// Into how many parts a table is divided that are read at the same time.
const SEGMENTS: i32 = 4;

/// How many pieces of a part are restored at the same time.
const AT_ONCE: usize = 16;

/// One of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Table {
    Copy,
    Live,
}

struct Walk<'a> {
    restoring: &'a Restoring,
    workspaces: Vec<WorkspacePrefix>,
    progress: Mutex<Progress>,
    /// Held while it is saved, so that a later one is never replaced by an earlier one.
    checkpoint: tokio::sync::Mutex<Checkpoint>,
}

/// Restores everything of the workspaces that there are, and gives what was done since the restore
/// began, in this run or before it was interrupted. What the copy holds of a workspace that was deleted
/// since stays gone.
pub async fn all(restoring: &Restoring) -> Result<BTreeMap<SortedWorkspace, Restored>> {
    let workspaces = restoring.live.workspaces().await?;
    let walk = Walk {
        restoring,
        workspaces: workspaces.iter().map(|one| one.guid.prefix()).collect(),
        progress: Mutex::new(Progress::begin("users and items compared", None)),
        checkpoint: tokio::sync::Mutex::new(Checkpoint::load(restoring).await?),
    };
    // What is only in the live table comes last: by then the copy's users are done.
    for table in [Table::Copy, Table::Live] {
        try_join_all((0..SEGMENTS).map(|segment| walk.segment(table, segment))).await?;
    }
    let progress = walk.progress.into_inner();
    progress.unwrap_or_else(PoisonError::into_inner).finish();
    let mut done = walk.checkpoint.into_inner().done();
    Ok(workspaces
        .iter()
        .map(|workspace| {
            let restored = done.remove(&workspace.guid.prefix()).unwrap_or_default();
            (SortedWorkspace(workspace.guid), restored)
        })
        .collect())
}

impl Walk<'_> {
    /// Walks through a part of a table, from where an earlier run left it.
    async fn segment(&self, table: Table, segment: i32) -> Result<()> {
        let name = match table {
            Table::Copy => format!("copy {segment}"),
            Table::Live => format!("live {segment}"),
        };
        let mut after = match self.checkpoint.lock().await.start(&name) {
            ResumePoint::Beginning => None,
            ResumePoint::After(place) => Some(place),
            ResumePoint::Nowhere => return Ok(()),
        };
        loop {
            let (store, whole) = match table {
                Table::Copy => (&self.restoring.copy, true),
                Table::Live => (&self.restoring.live, false),
            };
            let place = (segment, SEGMENTS);
            let page = store.table_page(place, after.as_ref(), whole).await?;
            let pieces = page.pieces.into_iter();
            let pieces = pieces.filter(|piece| self.workspaces.contains(&piece.prefix()));
            let done: BTreeMap<WorkspacePrefix, Restored> = stream::iter(pieces)
                .map(|piece| self.restore(table, piece))
                .buffer_unordered(AT_ONCE)
                .try_fold(BTreeMap::new(), |mut sums, (prefix, done)| async move {
                    let sum: &mut Restored = sums.entry(prefix).or_default();
                    sum.add(done);
                    Ok(sums)
                })
                .await?;
            after.clone_from(&page.next);
            let mut checkpoint = self.checkpoint.lock().await;
            checkpoint.pass(&name, page.next, done);
            if !self.restoring.is_preview {
                checkpoint.save(self.restoring).await?;
            }
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn restore(&self, table: Table, piece: Piece) -> Result<(WorkspacePrefix, Restored)> {
        let prefix = piece.prefix();
        let count = match &piece {
            Piece::User(..) | Piece::Beside(..) => 1,
            Piece::Items(_, items) => u64::try_from(items.len()).unwrap_or(u64::MAX),
        };
        // On the heap: the futures of the SDK are large, and there are many at once.
        let done = match table {
            Table::Copy => Box::pin(self.restoring.restore_copied(piece)).await?,
            Table::Live => Box::pin(self.restoring.restore_live(piece)).await?,
        };
        if let Ok(mut progress) = self.progress.lock() {
            progress.advance(count);
        }
        Ok((prefix, done))
    }
}

/// A workspace, ordered by its guid as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SortedWorkspace(pub WorkspaceId);

impl SortedWorkspace {
    pub fn prefix(self) -> WorkspacePrefix {
        self.0.prefix()
    }
}

impl Ord for SortedWorkspace {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.to_string().cmp(&other.0.to_string())
    }
}

impl PartialOrd for SortedWorkspace {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
