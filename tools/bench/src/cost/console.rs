//! The cost of the console.

use anyhow::ensure;
use end_to_end::eventually;
use serde_json::json;
use shared::domain::members::MemberPermission;

use super::cases::{Cases, EXPERIENCE};
use crate::dataset::Dataset;

/// How many bans a page shows.
const SHOWN: u64 = 50;

impl Cases<'_> {
    pub async fn console(&mut self) -> anyhow::Result<()> {
        let workspace = self.app.workspace().await;
        let dataset = Dataset::create(&workspace, EXPERIENCE).await?;
        dataset.fill(self.app, 0..2 * SHOWN)?;
        let granted = [MemberPermission::Administrator];
        let mut ada = workspace.signed_in("Ada", &granted).await;
        let mut take = self.taker(&workspace, "console");

        let bans = "/console/bans";
        ada.get(bans).await;
        eventually("the names are cached", async || {
            let stored = workspace.stored().await.into_iter();
            let names = stored.filter(|item| item.pointer("/kind/S") == Some(&json!("name")));
            (names.count() as u64 == SHOWN).then_some(())
        })
        .await;
        let newest = Dataset::user(2 * SHOWN - 1);
        let player = format!("/console/players/{newest}");
        for (slug, what, path) in [
            ("console-bans", "console: page of 50 bans", bans),
            ("console-player", "console: player with one ban", &player),
        ] {
            let page = ada.get(path).await;
            ensure!(page.status == 200, "{path} answered {page}");
            take.answered(slug, what, &page).await?;
        }
        let fields = [
            ("scope", "experience"),
            ("experience", &EXPERIENCE.to_string()),
            ("length", "forever"),
            ("public_reason", "Cheating, with words, and a comma"),
        ];
        let made = ada.submit("/console/ban?user=1", "/console/ban", &fields);
        let made = made.await;
        ensure!(made.status == 303, "the form answered {made}");
        take.answered("console-ban", "console: new ban by the form", &made)
            .await
    }
}
