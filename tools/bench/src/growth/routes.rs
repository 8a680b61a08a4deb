//! The calls at each size, and the bare database calls that each makes.

use anyhow::{Context, ensure};
use end_to_end::{Call, Workspace};
use futures::future::try_join_all;
use serde_json::{Value, json};

use crate::dataset::Dataset;
use crate::log_events::LogEvent;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    Check,
    /// A poll with nothing pending.
    EmptyPoll,
    /// A poll with a hundred pending bans.
    FullPoll,
    /// The first hundred bans of the list.
    Page,
}

impl Route {
    pub const ALL: [Self; 4] = [Self::Check, Self::EmptyPoll, Self::FullPoll, Self::Page];

    pub const fn slug(self) -> &'static str {
        self.names()[0]
    }

    /// Its name in the table.
    pub const fn label(self) -> &'static str {
        self.names()[1]
    }

    const fn function(self) -> &'static str {
        self.names()[2]
    }

    /// Slug, label and function.
    const fn names(self) -> [&'static str; 3] {
        match self {
            Self::Check => ["check", "ban check", "is-banned"],
            Self::EmptyPoll => ["poll-empty", "empty poll", "pending-unbans"],
            Self::FullPoll => ["poll-100", "poll, 100 pending", "pending-bans"],
            Self::Page => ["page", "page of 100 bans", "bans"],
        }
    }
}

/// The workspace at one size.
pub struct World<'a> {
    workspace: &'a Workspace<'a>,
    dataset: &'a Dataset,
    experience: u64,
    copies: u64,
    /// The keys of the pending bans' records.
    pending: Vec<Value>,
}

impl<'a> World<'a> {
    pub async fn look(
        workspace: &'a Workspace<'a>,
        dataset: &'a Dataset,
        experience: u64,
        copies: u64,
    ) -> anyhow::Result<Self> {
        let mut world = Self {
            workspace,
            dataset,
            experience,
            copies,
            pending: Vec::new(),
        };
        let entries = world.query(world.pending_bans()).await?;
        let entries = entries.get("Items").and_then(Value::as_array);
        let entries = entries.context("entries")?;
        let key = |entry: &Value| {
            let guid = entry.pointer("/ban_owed/S").and_then(Value::as_str);
            let record = format!("B#{}", guid.unwrap_or_default());
            json!({ "pk": entry.get("pk"), "sk": { "S": record } })
        };
        world.pending = entries.iter().map(key).collect();
        ensure!(world.pending.len() == 100, "not 100 bans are pending");
        Ok(world)
    }

    /// Makes a call and returns its request id.
    pub async fn call(&self, route: Route, turn: u64) -> anyhow::Result<String> {
        let call = match route {
            Route::Check => Call::post("/is-banned").json(&json!({
                "userId": Dataset::user(self.pick(turn)),
                "experienceId": self.experience,
            })),
            Route::EmptyPoll => Call::get("/pending-unbans").query("experienceId", self.experience),
            Route::FullPoll => Call::get("/pending-bans")
                .query("experienceId", self.experience)
                .query("limit", 100),
            Route::Page => Call::get("/bans").query("limit", 100),
        };
        let answer = self.workspace.send(call.unchecked()).await;
        ensure!(answer.status == 200, "{answer}");
        let expected = match route {
            Route::Check => return Ok(answer.request_id().to_owned()),
            Route::EmptyPoll => 0,
            Route::FullPoll | Route::Page => 100,
        };
        ensure!(answer.list().len() == expected, "another list: {answer}");
        Ok(answer.request_id().to_owned())
    }

    /// The bare database calls of a call.
    pub async fn bare(&self, route: Route, turn: u64) -> anyhow::Result<()> {
        match route {
            Route::Check => {
                let keys = self.dataset.keys(self.pick(turn));
                let found = self.batch(&json!(keys), true).await?;
                ensure!(found == 1, "{found} items of a banned user");
            }
            Route::EmptyPoll => drop(self.query(self.pending_unbans()).await?),
            Route::FullPoll => {
                self.query(self.pending_bans()).await?;
                let found = self.batch(&json!(self.pending), false).await?;
                ensure!(found == 100, "{found} records of pending bans");
            }
            Route::Page => {
                let shards = (0..4).map(|shard| self.query(self.ledger(shard)));
                try_join_all(shards).await?;
            }
        }
        Ok(())
    }

    /// A strongly consistent read of one item: the least that a database call takes.
    pub async fn get(&self, turn: u64) -> anyhow::Result<()> {
        let [key, _] = self.dataset.keys(self.pick(turn));
        let input = json!({ "TableName": self.table(), "Key": key, "ConsistentRead": true });
        let app = self.workspace.app();
        let found = app.database().call("GetItem", &input).await?;
        ensure!(found.get("Item").is_some(), "no item: {found}");
        Ok(())
    }

    /// The log events of these requests.
    pub async fn events(&self, route: Route, requests: &[String]) -> anyhow::Result<Vec<LogEvent>> {
        LogEvent::of(self.workspace.app(), route.function(), requests).await
    }

    /// A copy for each turn, from all over the table.
    const fn pick(&self, turn: u64) -> u64 {
        turn.wrapping_mul(0x9E37_79B9_7F4A_7C15) % self.copies
    }

    fn table(&self) -> &str {
        &self.workspace.app().tables().bans
    }

    async fn query(&self, input: Value) -> anyhow::Result<Value> {
        let app = self.workspace.app();
        Ok(app.database().call("Query", &input).await?)
    }

    /// Reads these keys and returns how many items exist.
    async fn batch(&self, keys: &Value, consistent: bool) -> anyhow::Result<usize> {
        let input = json!({
            "RequestItems": { self.table(): { "Keys": keys, "ConsistentRead": consistent } },
        });
        let app = self.workspace.app();
        let output = app.database().call("BatchGetItem", &input).await?;
        let responses = output.get("Responses");
        let items = responses.and_then(|all| all.get(self.table())?.as_array());
        Ok(items.context("items")?.len())
    }

    fn pending_bans(&self) -> Value {
        json!({
            "TableName": self.table(),
            "IndexName": "pending-bans",
            "KeyConditionExpression": "experience = :experience AND ban_owed > :bound",
            "ExpressionAttributeValues": {
                ":experience": { "S": self.pending_partition() },
                ":bound": { "S": "0" },
            },
            "Limit": 101,
        })
    }

    fn pending_unbans(&self) -> Value {
        json!({
            "TableName": self.table(),
            "IndexName": "pending-unbans",
            "KeyConditionExpression": "experience = :experience AND unban_owed < :bound",
            "ExpressionAttributeValues": {
                ":experience": { "S": self.pending_partition() },
                ":bound": { "S": "999999999999" },
            },
            "Limit": 101,
        })
    }

    fn ledger(&self, shard: u8) -> Value {
        json!({
            "TableName": self.table(),
            "IndexName": "by-workspace",
            "KeyConditionExpression": "ledger = :partition AND guid_key < :before",
            "ExpressionAttributeValues": {
                ":partition": { "S": format!("{}#{shard}", self.workspace.prefix()) },
                ":before": { "S": format!("{:020}", u64::MAX) },
            },
            "ProjectionExpression": "ban, applied",
            "ScanIndexForward": false,
            // A quarter of the page and a few more, like the route.
            "Limit": 28,
        })
    }

    fn pending_partition(&self) -> String {
        format!("{}#{}", self.workspace.prefix(), self.experience)
    }
}
