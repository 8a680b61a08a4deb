//! The cost of following the users to check again.

use anyhow::Context;
use end_to_end::{Ban, Call};
use serde_json::Value;

use super::cases::{Cases, EXPERIENCE};

impl Cases<'_> {
    pub async fn syncs(&mut self) -> anyhow::Result<()> {
        let workspace = self.app.workspace().await;
        let start = workspace.send(Call::get("/sync")).await.success();
        let start = start.get("cursor").and_then(Value::as_str);
        let since = Call::get("/sync").query("cursor", start.context("a cursor")?);
        let mut take = self.taker(&workspace, "sync");
        take.second_call("sync-idle", "/sync, nothing new", since.clone())
            .await?;
        for user in 1..=100 {
            workspace.ban(Ban::of(user, EXPERIENCE).permanent()).await;
        }
        self.app.settle().await;
        let mut take = self.taker(&workspace, "sync");
        take.second_call("sync-100", "/sync, 100 users", since)
            .await
    }

    pub async fn snapshots(&mut self) -> anyhow::Result<()> {
        let workspace = self.app.workspace().await;
        let list = || Call::get("/snapshot");
        let ordered = workspace.send(list()).await;
        ordered.assert_error(503, "unavailable");
        self.app.run_schedule("build-snapshots", "EachMinute").await;
        self.app.background_settled().await;
        let mut take = self.taker(&workspace, "snapshot");
        take.second_call("snapshot", "/snapshot of no users", list())
            .await
    }
}
