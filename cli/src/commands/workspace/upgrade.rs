//! `portcullis workspace upgrade`.

use anyhow::Result;
use serde::Serialize;
use shared::store::Store;

use crate::output::{Output, Printable};

#[derive(Debug, Serialize)]
struct Upgraded {
    workspaces: usize,
    upgraded: usize,
}

impl Printable for Upgraded {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("workspaces", self.workspaces.to_string()),
            ("upgraded", self.upgraded.to_string()),
        ]
    }
}

/// Adds what workspaces from older versions lack.
pub async fn upgrade(store: &Store, output: Output) -> Result<()> {
    let all = store.workspaces().await?;
    let mut upgraded = 0;
    for workspace in all.iter().filter(|workspace| !workspace.is_current()) {
        let changed = store.upgrade_workspace(workspace.guid.prefix()).await?;
        upgraded += usize::from(changed);
    }
    output.one(&Upgraded {
        workspaces: all.len(),
        upgraded,
    })
}
