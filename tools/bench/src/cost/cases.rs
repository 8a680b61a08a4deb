//! The calls whose cost is measured.

use std::num::NonZeroU32;

use anyhow::{Context, ensure};
use cli::costs::prices::Usage;
use end_to_end::{ApiResponse, Ban, Bulk, Call, KeySpec, Notification, TestApp, Unban, Workspace};
use local_stack::roblox::Group;
use serde_json::{Value, json};
use shared::store::ErasureMode;

use crate::dataset::Dataset;
use crate::log_events::LogEvent;

pub(super) const EXPERIENCE: u64 = 75_521_396_999_004;

const GROUP: u64 = 7;

/// How many bans the lists and exports contain.
const LISTED: u64 = 1000;

#[derive(Debug)]
pub struct Case {
    pub slug: &'static str,
    pub what: &'static str,
    pub function: &'static str,
    pub usage: Usage,
}

#[derive(Debug)]
pub struct Cases<'a> {
    pub(super) app: &'a TestApp,
    pub found: Vec<Case>,
}

impl<'a> Cases<'a> {
    pub const fn new(app: &'a TestApp) -> Self {
        Self {
            app,
            found: Vec::new(),
        }
    }

    pub async fn ban_checks(&mut self) -> anyhow::Result<()> {
        let workspace = self.app.workspace().await;
        let check = || {
            let body = json!({ "userId": 1, "experienceId": EXPERIENCE });
            Call::post("/is-banned").json(&body)
        };
        let mut take = self.taker(&workspace, "is-banned");
        let first = "ban check, key not cached";
        take.call("check-new-key", first, check()).await?;
        take.call("check", "ban check", check()).await?;
        let users: Vec<_> = (1..=100).collect();
        let many = |consistent: bool| {
            let body = json!({
                "userIds": users, "experienceId": EXPERIENCE, "consistent": consistent,
            });
            Call::post("/is-banned/batch").json(&body)
        };
        let mut take = self.taker(&workspace, "is-banned-batch");
        let what = "check of 100 users";
        take.second_call("check-batch-100", what, many(false))
            .await?;
        let what = "check of 100 users, consistent";
        take.call("check-batch-100-consistent", what, many(true))
            .await
    }

    pub async fn bans(&mut self) -> anyhow::Result<()> {
        let workspace = self.app.workspace().await;
        workspace.ban(Ban::of(9, EXPERIENCE)).await;
        let ban = Ban::of(1, EXPERIENCE).permanent();
        let other = ban.clone().reasons("other", "other");
        let applied = other.clone().applied();
        let global = Ban::of(2, EXPERIENCE).permanent().global();
        let mut take = self.taker(&workspace, "ban-async");
        take.call("ban", "new ban", ban.call()).await?;
        take.call("ban-changed", "changed ban", other.call())
            .await?;
        take.call("ban-repeated", "repeated ban", other.call())
            .await?;
        take.call("ban-report", "report", applied.call()).await?;
        let again = "repeated report";
        take.call("ban-report-repeated", again, applied.call())
            .await?;
        take.call("ban-global", "new Global ban", global.call())
            .await
    }

    pub async fn capped_ban(&mut self) -> anyhow::Result<()> {
        let cap = NonZeroU32::new(1000);
        let workspace = self
            .app
            .workspace_with(|settings| settings.moderator_bans_per_hour = cap);
        let workspace = workspace.await;
        let spec = KeySpec {
            bans_per_hour: cap,
            ..KeySpec::default()
        };
        let workspace = workspace.with_key(&workspace.make_key(spec).await);
        workspace.ban(Ban::of(9, EXPERIENCE)).await;
        let what = "new ban, key and moderator with caps";
        self.taker(&workspace, "ban-async")
            .call("ban-capped", what, Ban::of(1, EXPERIENCE).call())
            .await
    }

    pub async fn unbans(&mut self) -> anyhow::Result<()> {
        let workspace = self.app.workspace().await;
        for user in [1, 9] {
            let ban = Ban::of(user, EXPERIENCE).permanent().applied();
            workspace.ban(ban).await;
        }
        workspace.unban(Unban::of(9, EXPERIENCE)).await;
        let unban = || Unban::of(1, EXPERIENCE);
        let report = || unban().report_only().call();
        let mut take = self.taker(&workspace, "unban-async");
        take.call("unban", "unban", unban().call()).await?;
        take.call("unban-report", "report of an unban", report())
            .await?;
        let again = "repeated report of an unban";
        take.call("unban-report-repeated", again, report()).await
    }

    pub async fn bulk(&mut self) -> anyhow::Result<()> {
        let workspace = self.app.workspace().await;
        workspace.ban(Ban::of(9, EXPERIENCE)).await;
        for bulk in [Bulk::bans(EXPERIENCE, [9]), Bulk::unbans(EXPERIENCE, [9])] {
            workspace.send(bulk.call()).await.success();
        }
        let bans = || {
            let bulk = Bulk::bans(EXPERIENCE, 101..=200);
            bulk.default("banLengthType", "Permanent").call()
        };
        let mut take = self.taker(&workspace, "bans-bulk");
        take.call("bans-bulk", "100 new bans in one call", bans())
            .await?;
        take.call("bans-bulk-repeated", "the same call again", bans())
            .await?;
        let unbans = Bulk::unbans(EXPERIENCE, 101..=200).call();
        self.taker(&workspace, "unbans-bulk")
            .call("unbans-bulk", "100 unbans in one call", unbans)
            .await
    }

    pub async fn reports(&mut self) -> anyhow::Result<()> {
        let workspace = self.app.workspace().await;
        for user in 1..=11 {
            workspace.ban(Ban::of(user, EXPERIENCE).permanent()).await;
        }
        let reports: Vec<_> = workspace
            .pending_bans(EXPERIENCE)
            .await
            .iter()
            .map(|item| {
                let field = |name: &str| item.get(name).cloned();
                json!({
                    "userId": field("robloxId"), "guid": field("guid"),
                    "revision": field("revision"), "applied": "ban", "ok": true,
                })
            })
            .collect();
        let (first, others) = reports.split_at(1);
        let call = |reports: &[Value]| {
            let body = json!({ "experienceId": EXPERIENCE, "reports": reports });
            Call::post("/reports").json(&body)
        };
        let mut take = self.taker(&workspace, "reports");
        take.send(call(first)).await?;
        take.call("reports-10", "reports of 10 bans", call(others))
            .await?;
        let again = "repeated reports of 10 bans";
        take.call("reports-10-repeated", again, call(others)).await
    }

    pub async fn polls(&mut self) -> anyhow::Result<()> {
        let workspace = self.app.workspace().await;
        let poll = |route: &str| Call::get(route).query("experienceId", EXPERIENCE);
        for (function, slug, what) in [
            ("pending-bans", "poll-bans-empty", "poll, nothing pending"),
            (
                "pending-unbans",
                "poll-unbans-empty",
                "poll of unbans, nothing pending",
            ),
        ] {
            let call = poll(&format!("/{function}"));
            let mut take = self.taker(&workspace, function);
            take.second_call(slug, what, call).await?;
        }
        for user in 1..=20 {
            let ban = Ban::of(user, EXPERIENCE).permanent();
            workspace.ban(ban.clone()).await;
            if user > 10 {
                workspace.ban(ban.applied()).await;
                workspace.unban(Unban::of(user, EXPERIENCE)).await;
            }
        }
        for (function, slug, what) in [
            ("pending-bans", "poll-bans-10", "poll, 10 pending"),
            (
                "pending-unbans",
                "poll-unbans-10",
                "poll of unbans, 10 pending",
            ),
        ] {
            let call = poll(&format!("/{function}"));
            let mut take = self.taker(&workspace, function);
            take.second_call(slug, what, call).await?;
        }
        Ok(())
    }

    pub async fn lists(&mut self) -> anyhow::Result<()> {
        let workspace = self.app.workspace().await;
        let dataset = Dataset::create(&workspace, EXPERIENCE).await?;
        dataset.fill(self.app, 0..LISTED - 1)?;
        let shown = workspace.ban_shown(Ban::of(1, EXPERIENCE)).await;
        let guid = shown
            .get("guid")
            .and_then(Value::as_str)
            .context("a guid")?;

        let mut take = self.taker(&workspace, "bans");
        let page = Call::get("/bans").query("limit", 100);
        take.second_call("bans-page", "page of 100 bans", page)
            .await?;
        let of_user = Call::get("/bans").query("userId", Dataset::user(7));
        take.second_call("bans-of-user", "bans of one user", of_user)
            .await?;
        let history = Call::get(&format!("/bans/{guid}"));
        let mut take = self.taker(&workspace, "ban-history");
        take.second_call("ban-history", "history of a ban, one decision", history)
            .await?;
        for (function, slug, what, path) in [
            (
                "export-bans-json",
                "export-json-1000",
                "export of 1,000 bans, JSON",
                "/export/bans/json",
            ),
            (
                "export-bans-csv",
                "export-csv-1000",
                "export of 1,000 bans, CSV",
                "/export/bans/csv",
            ),
        ] {
            let mut take = self.taker(&workspace, function);
            take.second_call(slug, what, Call::get(path)).await?;
        }
        Ok(())
    }

    pub async fn erasures(&mut self) -> anyhow::Result<()> {
        let queueing = self.app.workspace().await;
        let queue = queueing.take_in_erasures(ErasureMode::Queue).await;
        let erasing = self.app.workspace().await;
        let erase = erasing.take_in_erasures(ErasureMode::Erase).await;
        erasing.ban(Ban::of(1, EXPERIENCE)).await;
        for (workspace, secret, slug, what) in [
            (
                &queueing,
                queue,
                "erasure-queued",
                "request to erase a user, queued",
            ),
            (
                &erasing,
                erase,
                "erasure",
                "user with one ban and one decision erased",
            ),
        ] {
            let mut take = self.taker(workspace, "roblox-webhook");
            let unknown = Notification::erasure(2).signed(&secret);
            take.send(unknown).await?;
            let call = Notification::erasure(1).signed(&secret);
            take.call(slug, what, call).await?;
        }
        Ok(())
    }

    pub async fn ranks(&mut self) -> anyhow::Result<()> {
        let (secret, key) = ("portcullis/local/ranks", "a key");
        self.app.secrets().set(secret, key);
        self.app.roblox().add_key(key, &[]);
        let roles = [(101, 1), (110, 10), (250, 250)];
        let group = Group::new(&roles).with(1, &[101, 250]);
        let group = group.with(2, &[101]).with(3, &[101]);
        self.app.roblox().set_group(GROUP, group);
        let workspace = self.app.workspace().await;
        workspace.allow_group(GROUP, secret, |_| {}).await;
        let rank = |user: u64| {
            let body = json!({ "userId": user, "groupId": GROUP, "rankId": 10 });
            Call::new("PATCH", "/group-role").json(&body)
        };
        let mut take = self.taker(&workspace, "group-role");
        take.send(rank(2)).await?;
        take.call("rank", "changed rank", rank(3)).await?;
        take.call("rank-repeated", "rank that the member has", rank(3))
            .await
    }

    pub async fn unknown_route(&mut self) -> anyhow::Result<()> {
        let workspace = self.app.workspace().await;
        let mut take = self.taker(&workspace, "not-found");
        take.call("unknown-route", "unknown route", Call::get("/nothing"))
            .await
    }

    pub(super) const fn taker<'b>(
        &'b mut self,
        workspace: &'b Workspace<'b>,
        function: &'static str,
    ) -> Taker<'b>
    where
        'a: 'b,
    {
        Taker {
            workspace,
            function,
            found: &mut self.found,
        }
    }
}

/// Calls one function in one workspace.
pub(super) struct Taker<'a> {
    workspace: &'a Workspace<'a>,
    function: &'static str,
    found: &'a mut Vec<Case>,
}

impl Taker<'_> {
    /// Makes a call and records its usage.
    pub(super) async fn call(
        &mut self,
        slug: &'static str,
        what: &'static str,
        call: Call,
    ) -> anyhow::Result<()> {
        let answer = self.send(call).await.with_context(|| what.to_owned())?;
        self.answered(slug, what, &answer).await
    }

    /// Records the usage of the call with this answer.
    pub(super) async fn answered(
        &mut self,
        slug: &'static str,
        what: &'static str,
        answer: &ApiResponse,
    ) -> anyhow::Result<()> {
        let id = answer.request_id().to_owned();
        let events = LogEvent::of(self.workspace.app(), self.function, &[id]).await?;
        let event = events.into_iter().next().context("its event")?;
        self.found.push(Case {
            slug,
            what,
            function: self.function,
            usage: Usage {
                gateway_calls: 1.0,
                function_calls: 1.0,
                memory: 0.0,
                database_calls: event.database_calls,
                read_units: event.read_units,
                write_units: event.write_units,
                log_bytes: event.bytes,
                answer_bytes: f64::from(u32::try_from(answer.text.len())?),
            },
        });
        Ok(())
    }

    /// Makes a call twice and records the usage of the second, with key and link cached.
    pub(super) async fn second_call(
        &mut self,
        slug: &'static str,
        what: &'static str,
        call: Call,
    ) -> anyhow::Result<()> {
        self.send(call.clone()).await?;
        self.call(slug, what, call).await
    }

    /// Makes a call; returns its answer.
    pub(super) async fn send(&self, call: Call) -> anyhow::Result<ApiResponse> {
        let answer = self.workspace.send(call).await;
        let is_expected = answer.status < 300 || self.function == "not-found";
        ensure!(is_expected, "{} answered {answer}", self.function);
        Ok(answer)
    }
}
