//! `portcullis workspace upgrade`.

use anyhow::Result;
use serde::Serialize;
use shared::store::Store;

use crate::output::{Output, Printable};

#[derive(Debug, Serialize)]
pub struct Upgraded {
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

pub async fn upgrade(store: &Store, output: Output) -> Result<()> {
    output.one(&upgrade_all(store).await?)
}

/// Adds what workspaces from older versions lack.
pub async fn upgrade_all(store: &Store) -> Result<Upgraded> {
    let all = store.workspaces().await?;
    let mut upgraded = 0;
    for workspace in all.iter().filter(|workspace| !workspace.is_current()) {
        let changed = store.upgrade_workspace(workspace.guid.prefix()).await?;
        upgraded += usize::from(changed);
    }
    Ok(Upgraded {
        workspaces: all.len(),
        upgraded,
    })
}
