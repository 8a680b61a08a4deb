//! `portcullis experience list`.

use std::collections::HashMap;

use anyhow::Result;
use serde::Serialize;
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::ids::{ExperienceId, WorkspacePrefix};
use shared::domain::places::Phase;
use shared::store::admin::LinkedExperience;
use shared::store::{Pending, Store};

use crate::arguments::WorkspaceArg;
use crate::commands::workspace;
use crate::output::{Output, Printable};
use crate::times::{Time, or_dash};

/// A linked experience and how far it has applied its bans.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExperienceSummary {
    pub experience_id: ExperienceId,
    linked: Time,
    linked_seconds: UnixSeconds,
    /// Whether the back-fill after linking is complete.
    backfilled: bool,
    pub pending_bans: u64,
    pub pending_unbans: u64,
    /// The time of the last poll, accurate to ten minutes.
    last_poll: Option<Time>,
    last_poll_seconds: Option<UnixSeconds>,
    /// The root that the place is part of.
    part_of: Option<ExperienceId>,
    /// How far it has joined its root.
    join: Option<&'static str>,
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
            (
                "part of",
                match (self.part_of, self.join) {
                    (Some(root), Some(join)) => format!("{root} ({join})"),
                    _ => "-".to_owned(),
                },
            ),
        ]
    }
}

impl ExperienceSummary {
    pub async fn of(
        store: &Store,
        prefix: WorkspacePrefix,
        link: LinkedExperience,
        polls: &HashMap<ExperienceId, UnixSeconds>,
    ) -> Result<Self> {
        let now = UnixMillis::now().seconds();
        let count = |pending| store.count_pending(pending, prefix, link.experience, Some(now));
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
            part_of: link.join.map(|join| join.root),
            join: link.join.map(|join| match join.phase(UnixMillis::now()) {
                Phase::Announced => "announced",
                Phase::Settling => "settling",
                Phase::Joined => "joined",
            }),
        })
    }
}

pub async fn run(place: WorkspaceArg, store: &Store, output: Output) -> Result<()> {
    let workspace = workspace::find(store, place).await?;
    let shown = all(store, workspace.guid.prefix()).await?;
    let none = "no experiences are linked: link one with `portcullis experience link ID`, or let its \
                first call with a secret key do it";
    output.list(&shown, none)
}

/// The linked experiences of a workspace.
pub async fn all(store: &Store, prefix: WorkspacePrefix) -> Result<Vec<ExperienceSummary>> {
    let polls = store.last_polls(prefix).await?;
    let mut shown = Vec::new();
    let mut links = store.links(prefix).await?;
    // Parts below their roots.
    links.sort_by_key(|link| {
        let root = link.join.map(|join| join.root);
        (
            root.unwrap_or(link.experience),
            root.is_some(),
            link.experience,
        )
    });
    for link in links {
        shown.push(ExperienceSummary::of(store, prefix, link, &polls).await?);
    }
    Ok(shown)
}
