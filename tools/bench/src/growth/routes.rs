//! The calls that are made at each size, and the bare calls of the database that each makes.

use anyhow::{Context, ensure};
use end_to_end::{Call, Workspace};
use futures::future::try_join_all;
use serde_json::{Value, json};

use crate::events::Event;
use crate::likeness::Likeness;

/// A call that a game server or a tool makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Is this user banned?
    Check,
    /// A poll of what is pending: nothing.
    EmptyPoll,
    /// A poll of what is pending: a hundred bans.
    FullPoll,
    /// The first hundred of all bans.
    Page,
}

impl Route {
    pub const ALL: [Self; 4] = [Self::Check, Self::EmptyPoll, Self::FullPoll, Self::Page];

    /// Its name among the figures.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::EmptyPoll => "poll-empty",
            Self::FullPoll => "poll-100",
            Self::Page => "page",
        }
    }

    /// Its name in tables and charts.
    pub const fn what(self) -> &'static str {
        match self {
            Self::Check => "ban check",
            Self::EmptyPoll => "empty poll",
            Self::FullPoll => "poll, 100 pending",
            Self::Page => "page of 100 bans",
        }
    }

    const fn function(self) -> &'static str {
        match self {
            Self::Check => "is-banned",
            Self::EmptyPoll => "pending-unbans",
            Self::FullPoll => "pending-bans",
            Self::Page => "bans",
        }
    }
}

/// What is there at one size.
pub struct World<'a> {
    workspace: &'a Workspace<'a>,
    likeness: &'a Likeness,
    experience: u64,
    /// How many copies there are.
    copies: u64,
    /// The keys of the records of what is pending.
    pending: Vec<Value>,
}

impl<'a> World<'a> {
    pub async fn look(
        workspace: &'a Workspace<'a>,
        likeness: &'a Likeness,
        experience: u64,
        copies: u64,
    ) -> anyhow::Result<Self> {
        let mut world = Self {
            workspace,
            likeness,
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

    /// Makes a call and gives the id it was answered with.
    pub async fn call(&self, route: Route, turn: u64) -> anyhow::Result<String> {
        let call = match route {
            Route::Check => Call::post("/is-banned").json(&json!({
                "userId": Likeness::user(self.pick(turn)),
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

    /// The calls of the database that this call makes, without the call.
    pub async fn bare(&self, route: Route, turn: u64) -> anyhow::Result<()> {
        match route {
            Route::Check => {
                let keys = self.likeness.keys(self.pick(turn));
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

    /// One item, strongly consistent: the least that a call of the database takes.
    pub async fn get(&self, turn: u64) -> anyhow::Result<()> {
        let [key, _] = self.likeness.keys(self.pick(turn));
        let input = json!({ "TableName": self.table(), "Key": key, "ConsistentRead": true });
        let app = self.workspace.app();
        let found = app.database().call("GetItem", &input).await?;
        ensure!(found.get("Item").is_some(), "no item: {found}");
        Ok(())
    }

    /// What the function has logged of these requests.
    pub async fn events(&self, route: Route, requests: &[String]) -> anyhow::Result<Vec<Event>> {
        Event::of(self.workspace.app(), route.function(), requests).await
    }

    /// One of the copies, another in each turn, all over the table.
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

    /// Reads these keys, and tells how many items there are.
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
            // A fourth of the page and a few more, as the route asks for.
            "Limit": 28,
        })
    }

    fn pending_partition(&self) -> String {
        format!("{}#{}", self.workspace.prefix(), self.experience)
    }
}
