//! `portcullis workspace show`, and the item counts of workspaces.

use std::cell::RefCell;

use anyhow::Result;
use serde::Serialize;
use shared::domain::clock::UnixMillis;
use shared::store::admin::BanCounts;
use shared::store::{Store, Workspace};

use super::WorkspaceSummary;
use crate::commands::experience;
use crate::output::{Output, Printable};
use crate::progress::Progress;

/// The item counts of a workspace.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceCounts {
    /// Bans ever made.
    pub bans_on_record: u64,
    /// Bans in force.
    pub bans_in_force: u64,
    pub keys: usize,
    pub live_keys: usize,
    pub protected_users: usize,
}

/// A workspace with its counts, for a list.
#[derive(Debug, Serialize)]
pub struct CountedWorkspace {
    #[serde(flatten)]
    shown: WorkspaceSummary,
    #[serde(flatten)]
    counts: WorkspaceCounts,
    experiences: usize,
}

/// A workspace with its counts and experiences.
#[derive(Debug, Serialize)]
struct WorkspaceOverview {
    #[serde(flatten)]
    shown: WorkspaceSummary,
    #[serde(flatten)]
    counts: WorkspaceCounts,
    experiences: Vec<experience::ExperienceSummary>,
}

impl WorkspaceCounts {
    pub async fn of(store: &Store, workspace: &Workspace) -> Result<Self> {
        let prefix = workspace.guid.prefix();
        let now = UnixMillis::now().seconds();
        let progress = RefCell::new(Progress::begin("bans counted", None));
        let counted = |bans| progress.borrow_mut().advance(bans);
        let counts = store.count_bans(prefix, now, &counted).await?;
        progress.into_inner().finish();
        let BanCounts {
            on_record,
            in_force,
        } = counts;
        let keys = store.keys(prefix).await?;
        Ok(Self {
            bans_on_record: on_record,
            bans_in_force: in_force,
            keys: keys.len(),
            live_keys: keys.iter().filter(|key| key.is_live(now)).count(),
            protected_users: store.protected_users(prefix).await?.len(),
        })
    }

    pub fn fields(self) -> Vec<(&'static str, String)> {
        vec![
            ("bans on record", self.bans_on_record.to_string()),
            ("bans in force", self.bans_in_force.to_string()),
            ("keys", self.keys.to_string()),
            ("live keys", self.live_keys.to_string()),
            ("protected users", self.protected_users.to_string()),
        ]
    }
}

impl Printable for CountedWorkspace {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = self.shown.fields();
        fields.extend(self.counts.fields());
        fields.push(("experiences", self.experiences.to_string()));
        fields
    }
}

impl Printable for WorkspaceOverview {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = self.shown.fields();
        fields.extend(self.counts.fields());
        for experience in &self.experiences {
            let rest = experience
                .fields()
                .into_iter()
                .skip(1)
                .map(|(title, value)| format!("{title}: {value}"));
            let rest: Vec<_> = rest.collect();
            let line = format!("{} ({})", experience.experience_id, rest.join("; "));
            fields.push(("experience", line));
        }
        fields
    }
}

pub async fn show(workspace: &Workspace, store: &Store, output: Output) -> Result<()> {
    output.one(&WorkspaceOverview {
        shown: WorkspaceSummary::from(workspace),
        counts: WorkspaceCounts::of(store, workspace).await?,
        experiences: experience::all(store, workspace.guid.prefix()).await?,
    })
}

/// Counts the items of each workspace, which reads all bans.
pub async fn count(workspaces: &[Workspace], store: &Store) -> Result<Vec<CountedWorkspace>> {
    let mut counted = Vec::new();
    for workspace in workspaces {
        counted.push(CountedWorkspace {
            shown: WorkspaceSummary::from(workspace),
            counts: WorkspaceCounts::of(store, workspace).await?,
            experiences: store.links(workspace.guid.prefix()).await?.len(),
        });
    }
    Ok(counted)
}
