//! The result of a restore for one workspace.

use serde::Serialize;
use shared::domain::ids::WorkspaceId;
use shared::store::admin::{Forwarded, Restored};

use crate::output::Printable;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RestoreSummary {
    workspace_guid: WorkspaceId,
    #[serde(flatten)]
    restored: Restored,
    /// `None` until it is decided what to do with absent users.
    counters: Option<Forwarded>,
}

impl RestoreSummary {
    pub fn of(
        workspace: super::scan::SortedWorkspace,
        restored: Restored,
        counters: Option<Forwarded>,
    ) -> Self {
        Self {
            workspace_guid: workspace.0,
            restored,
            counters,
        }
    }
}

impl Printable for RestoreSummary {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let Restored {
            users,
            put_back,
            lifted,
            restored,
            changed,
            repeated,
            left_out_count,
            left_out,
            linked,
            protected,
            ..
        } = &self.restored;
        let listed = |ids: Vec<String>| match ids.as_slice() {
            [] => "-".to_owned(),
            _ => ids.join(" "),
        };
        let texts = |ids: &mut dyn Iterator<Item = String>| listed(ids.collect());
        let counter = |value: Option<u64>| value.map_or("-".to_owned(), |value| value.to_string());
        vec![
            ("workspace", self.workspace_guid.to_string()),
            ("users compared", users.to_string()),
            ("items put back", put_back.values().sum::<u64>().to_string()),
            ("bans lifted", lifted.to_string()),
            ("restored", restored.to_string()),
            ("changed", changed.to_string()),
            ("events repeated", repeated.to_string()),
            ("users left out", left_out_count.to_string()),
            (
                "linked again",
                texts(&mut linked.iter().map(ToString::to_string)),
            ),
            (
                "protected again",
                texts(&mut protected.iter().map(ToString::to_string)),
            ),
            (
                "users left out (first)",
                texts(&mut left_out.iter().map(ToString::to_string)),
            ),
            (
                "next uid after",
                counter(self.counters.and_then(|counters| counters.uid)),
            ),
            (
                "log epoch",
                counter(self.counters.and_then(|counters| counters.epoch)),
            ),
        ]
    }
}
