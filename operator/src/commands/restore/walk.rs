//! Every partition of both tables, one after the other.

use std::collections::BTreeMap;
use std::sync::Mutex;

use anyhow::Result;
use futures::future::try_join_all;
use futures::{StreamExt, TryStreamExt, stream};
use shared::ids::{WorkspaceId, WorkspaceTag};
use shared::store::{Partition, Restored, Restoring, Store};

use crate::progress::Progress;

/// Into how many parts a table is divided that are read at the same time.
const SEGMENTS: i32 = 4;

/// How many partitions of a part are restored at the same time.
const AT_ONCE: usize = 16;

/// What was done, by workspace tag.
struct Sums {
    by_tag: BTreeMap<WorkspaceTag, Restored>,
    progress: Progress,
}

/// Restores everything of the workspaces that there are. What the copy holds of a workspace that was
/// deleted since stays gone.
pub async fn all(restoring: &Restoring) -> Result<BTreeMap<Ordered, Restored>> {
    let workspaces = restoring.live.workspaces().await?;
    let by_tag = workspaces
        .iter()
        .map(|workspace| (workspace.guid.tag(), Restored::default()));
    let sums = Mutex::new(Sums {
        by_tag: by_tag.collect(),
        progress: Progress::begin("partitions compared", None),
    });
    // What is only in the live table comes last: by then the copy's users are done.
    for (table, is_copy) in [(&restoring.copy, true), (&restoring.live, false)] {
        let segments = (0..SEGMENTS).map(|at| segment(restoring, table, is_copy, at, &sums));
        try_join_all(segments).await?;
    }
    let Ok(sums) = sums.into_inner() else {
        anyhow::bail!("a part of the restore has failed");
    };
    sums.progress.finish();
    let mut by_tag = sums.by_tag;
    Ok(workspaces
        .iter()
        .filter_map(|workspace| {
            let restored = by_tag.remove(&workspace.guid.tag())?;
            Some((Ordered(workspace.guid), restored))
        })
        .collect())
}

/// A workspace, ordered by its guid as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ordered(pub WorkspaceId);

impl Ordered {
    pub fn tag(self) -> WorkspaceTag {
        self.0.tag()
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.to_string().cmp(&other.0.to_string())
    }
}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

async fn segment(
    restoring: &Restoring,
    table: &Store,
    is_copy: bool,
    segment: i32,
    sums: &Mutex<Sums>,
) -> Result<()> {
    let is_known = |partition: &Partition| {
        let sums = sums.lock();
        sums.is_ok_and(|sums| sums.by_tag.contains_key(&partition.tag()))
    };
    let mut after = None;
    loop {
        let (mut partitions, next) = table.some_partitions((segment, SEGMENTS), after).await?;
        partitions.retain(is_known);
        stream::iter(partitions)
            .map(|partition| async move {
                let done = match &partition {
                    Partition::Other(..) if !is_copy => return Ok(()),
                    Partition::User(tag, user) if !is_copy => {
                        if restoring.copy.holds_user(*tag, *user).await? {
                            return Ok(());
                        }
                        restoring.restore(&partition).await?
                    }
                    _ => restoring.restore(&partition).await?,
                };
                if let Ok(mut sums) = sums.lock() {
                    sums.progress.advance(1);
                    sums.by_tag.entry(partition.tag()).or_default().add(done);
                }
                anyhow::Ok(())
            })
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await?;
        after = next;
        if after.is_none() {
            return Ok(());
        }
    }
}
