//! The linked experiences and how they keep up.

use std::collections::HashMap;

use anyhow::Result;
use serde::Serialize;
use shared::domain::clock::{Moment, Timestamp};
use shared::domain::ids::{ExperienceId, WorkspaceTag};
use shared::store::{LinkedExperience, Pending, Store};

use crate::arguments::WorkspaceArg;
use crate::commands::workspace;
use crate::output::{Output, Printable};
use crate::times::{Time, or_dash};

/// A linked experience as it is shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExperienceSummary {
    pub experience_id: ExperienceId,
    linked: Time,
    linked_seconds: Timestamp,
    /// Whether all bans that stood when it was linked have been brought to it.
    backfilled: bool,
    pub pending_bans: u64,
    pub pending_unbans: u64,
    /// When it was last seen to poll, to within ten minutes.
    last_poll: Option<Time>,
    last_poll_seconds: Option<Timestamp>,
}

impl Printable for ExperienceSummary {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let backfill = if self.backfilled {
            "done"
        } else {
            "in progress"
        };
        vec![
            ("experience", self.experience_id.to_string()),
            ("pending bans", self.pending_bans.to_string()),
            ("pending unbans", self.pending_unbans.to_string()),
            (
                "last poll",
                match self.last_poll {
                    None => "never".to_owned(),
                    seen => or_dash(seen),
                },
            ),
            ("linked", self.linked.shown()),
            ("sync", backfill.to_owned()),
        ]
    }
}

impl ExperienceSummary {
    pub async fn of(
        store: &Store,
        tag: WorkspaceTag,
        link: LinkedExperience,
        polls: &HashMap<ExperienceId, Timestamp>,
    ) -> Result<Self> {
        let now = Moment::now().seconds();
        let count = |pending| store.count_pending(pending, tag, link.experience, Some(now));
        let seen = polls.get(&link.experience).copied();
        Ok(Self {
            experience_id: link.experience,
            linked: Time(link.linked),
            linked_seconds: link.linked,
            backfilled: link.is_filled,
            pending_bans: count(Pending::Bans).await?,
            pending_unbans: count(Pending::Unbans).await?,
            last_poll: seen.map(Time),
            last_poll_seconds: seen,
        })
    }
}

pub async fn run(place: WorkspaceArg, store: &Store, output: Output) -> Result<()> {
    let workspace = workspace::find(store, place.workspace).await?;
    let shown = all(store, workspace.guid.tag()).await?;
    let none = "no experiences are linked: link one with `portcullis experience link ID`, or let its \
                first call with a secret key do it";
    output.list(&shown, none)
}

/// The linked experiences of a workspace.
pub async fn all(store: &Store, tag: WorkspaceTag) -> Result<Vec<ExperienceSummary>> {
    let polls = store.last_polls(tag).await?;
    let mut shown = Vec::new();
    for link in store.links(tag).await? {
        shown.push(ExperienceSummary::of(store, tag, link, &polls).await?);
    }
    Ok(shown)
}
