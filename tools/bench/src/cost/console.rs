//! The cost of the console.

use std::collections::HashSet;

use anyhow::{Context, ensure};
use end_to_end::now;
use shared::domain::clock::UnixSeconds;
use shared::domain::ids::UserId;
use shared::domain::members::MemberPermission;
use shared::domain::user_name::{RobloxName, RobloxUser};

use super::cases::{Cases, EXPERIENCE};
use crate::dataset::Dataset;

/// How many bans a page shows.
const SHOWN: u64 = 50;

/// Whom the form bans.
const FORM_USER: u64 = 7;

impl Cases<'_> {
    pub async fn console(&mut self) -> anyhow::Result<()> {
        let workspace = self.app.workspace().await;
        let dataset = Dataset::create(&workspace, EXPERIENCE).await?;
        dataset.fill(self.app, 0..2 * SHOWN)?;
        let granted = [MemberPermission::Administrator];
        let mut ada = workspace.signed_in("Ada", &granted).await;
        // Without their names cached, a page looks them up and writes them.
        let listed = workspace.bans().await;
        let users = listed
            .iter()
            .filter_map(|ban| ban.get("robloxId")?.as_u64());
        let users = users.chain([FORM_USER]).map(named);
        let users: Vec<_> = users.collect::<anyhow::Result<_>>()?;
        let (store, prefix) = (self.app.store(), workspace.id().prefix());
        let (none, now) = (HashSet::new(), UnixSeconds(now()));
        store.cache_names(prefix, &users, &none, now).await;
        let mut take = self.taker(&workspace, "console");

        let bans = "/console/bans";
        // An environment's first page reads more.
        ada.get(bans).await;
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
        let form = format!("/console/ban?user={FORM_USER}");
        let made = ada.submit(&form, "/console/ban", &fields).await;
        ensure!(made.status == 303, "the form answered {made}");
        take.answered("console-ban", "console: new ban by the form", &made)
            .await
    }
}

/// A player whose name is their id.
fn named(id: u64) -> anyhow::Result<RobloxUser> {
    let name = id.to_string();
    Ok(RobloxUser {
        id: UserId::new(id).context("an id")?,
        name: RobloxName::new(&name, &name).context("a name")?,
    })
}
