//! Reads both tables page by page and restores what differs.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use futures::future::try_join_all;
use futures::{StreamExt, TryStreamExt, stream};
use shared::domain::ids::{WorkspaceId, WorkspacePrefix};
use shared::store::admin::{Piece, Restored, Restoring};

use super::checkpoint::{Checkpoint, ResumePoint};
use crate::progress::Progress;

/// The number of parts of a table that are read in parallel.
const SEGMENTS: i32 = 4;

/// How many pieces of each part are restored at once.
const CONCURRENCY: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Table {
    Copy,
    Live,
}

struct Walk<'a> {
    restoring: &'a Restoring,
    workspaces: Vec<WorkspacePrefix>,
    progress: Mutex<Progress>,
    /// Locked while it is saved, so that an older checkpoint never overwrites a newer one.
    checkpoint: tokio::sync::Mutex<Checkpoint>,
}

/// Restores all workspaces of the live table and returns the counts, including those from before an
/// interruption. Workspaces that were deleted since are not restored.
pub async fn all(restoring: &Restoring) -> Result<BTreeMap<SortedWorkspace, Restored>> {
    let workspaces = restoring.live.workspaces().await?;
    let walk = Walk {
        restoring,
        workspaces: workspaces.iter().map(|one| one.guid.prefix()).collect(),
        progress: Mutex::new(Progress::begin("users and items compared", None)),
        checkpoint: tokio::sync::Mutex::new(Checkpoint::load(restoring).await?),
    };
    // Items that are only in the live table come last, after all users of the copy.
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
    /// Restores a part of a table, from where an earlier run stopped.
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
                .buffer_unordered(CONCURRENCY)
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
        // Boxed, because the SDK's futures are large and there are many of them.
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

/// A workspace, sorted by the text of its GUID.
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
