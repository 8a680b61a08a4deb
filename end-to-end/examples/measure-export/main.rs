//! Measures the exports of a large workspace: time, memory, size, and whether every ban comes out.
//!
//! `make measure-export` exports a million bans from pages that lie ready in memory, so that what
//! is measured is the function, and a tenth of them from the embedded engine.
//!
//! `measure-export [bans] [folder of the functions] [engine|replay]`

// A measurement that cannot go on says why and stops.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod bans;
mod replay;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use end_to_end::template;
use futures::stream::{FuturesUnordered, StreamExt};
use local_stack::dynamo::Dynamo;
use local_stack::engine::Engine;
use local_stack::gateway::Gateway;
use local_stack::http::Client;
use local_stack::object_store::ObjectStore;
use local_stack::runtime::{FunctionSpec, Runtime};
use local_stack::seed;
use replay::Replay;
use serde_json::{Value, json};

/// How many `BatchWriteItem` calls are under way at a time.
const WRITERS: usize = 4;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let bans = arguments
        .next()
        .map_or(1_000_000, |number| number.parse().expect("a number"));
    let binaries = PathBuf::from(arguments.next().unwrap_or("target/release".to_owned()));
    let engine = Engine::start(None, 0).await.expect("the engine");
    let database = Dynamo::new(engine.endpoint());
    let table = create_tables(&database).await;
    if arguments.next().as_deref() == Some("engine") {
        let stack = Stack::start(&binaries, engine.endpoint()).await;
        let likeness = stack.likeness(&database, &table).await;
        let filled = fill(&database, &table, &likeness, bans).await;
        println!("{bans} bans written in {filled:.1?}");
        let alone = read_alone(&database, &table).await;
        println!("{alone:.1?} for the engine alone to be read from end to end");
        stack.export_both(bans).await;
    } else {
        let likeness = {
            let stack = Stack::start(&binaries, engine.endpoint()).await;
            stack.likeness(&database, &table).await
        };
        let items = (0..bans).map(|number| bans::alike(&likeness, number));
        let replay = Replay::start(engine.endpoint(), items).await;
        Stack::start(&binaries, &replay.endpoint)
            .await
            .export_both(bans)
            .await;
    }
}

async fn create_tables(database: &Dynamo) -> String {
    // Nobody reads the stream here, and it would weigh as much as the bans.
    let mut tables = template().tables().to_vec();
    for table in &mut tables {
        table
            .create
            .as_object_mut()
            .unwrap()
            .remove("StreamSpecification");
    }
    database.create_tables(&tables).await.expect("the tables");
    let name = |id: &str| {
        let table = tables.iter().find(|table| table.logical_id == id);
        table.expect("a table").name.clone()
    };
    seed::demo_data(database, &name("WorkspacesTable"))
        .await
        .expect("the keys");
    name("BansTable")
}

struct Stack {
    client: Client,
    gateway: Gateway,
    runtime: Runtime,
    binaries: PathBuf,
    _objects: ObjectStore,
}

impl Stack {
    async fn start(binaries: &Path, database: &str) -> Self {
        let template = template();
        let objects = ObjectStore::start(None, template.buckets())
            .await
            .expect("the bucket");
        let variables = local_stack::aws_environment(database, objects.endpoint());
        let used = ["ban-async", "export-bans-json", "export-bans-csv"];
        let specs = template
            .functions()
            .iter()
            .filter(|function| used.contains(&function.name.as_str()))
            .map(|function| FunctionSpec::of(function, binaries, 1, &variables))
            .collect();
        let runtime = Runtime::start(specs).await.expect("the functions");
        let gateway = Gateway::start(template, runtime.clone(), 0)
            .await
            .expect("the gateway");
        Self {
            client: Client::new(),
            gateway,
            runtime,
            binaries: binaries
                .canonicalize()
                .expect("the folder of the functions"),
            _objects: objects,
        }
    }

    fn request(&self, method: &str, path: &str) -> http::request::Builder {
        http::Request::builder()
            .method(method)
            .uri(format!("{}/api/v1{path}", self.gateway.address()))
            .header(
                "authorization",
                format!("Bearer {}", seed::demos()[0].secret_key),
            )
    }

    /// The record of a ban that the route has made, after whose likeness the others are.
    async fn likeness(&self, database: &Dynamo, table: &str) -> Value {
        let body = include_str!("../../fixtures/ban-async.json");
        let request = self
            .request("POST", "/ban-async")
            .body(Bytes::from(body))
            .unwrap();
        let answer = self.client.send(request).await.expect("the gateway");
        assert_eq!(answer.status(), 200, "{answer:?}");
        let records = json!({
            "TableName": table,
            "FilterExpression": "kind = :kind",
            "ExpressionAttributeValues": { ":kind": { "S": "ban" } },
        });
        let found = database.call("Scan", &records).await.expect("a scan");
        let likeness = found["Items"][0].clone();
        assert!(likeness.is_object(), "{found}");
        let key = json!({ "pk": likeness["pk"], "sk": likeness["sk"] });
        let delete = json!({ "TableName": table, "Key": key });
        database
            .call("DeleteItem", &delete)
            .await
            .expect("a deletion");
        likeness
    }

    async fn export_both(&self, bans: u64) {
        self.export("json", bans, bans::count_json).await;
        self.export("csv", bans, bans::count_csv).await;
    }

    async fn export(&self, format: &str, bans: u64, count: fn(&str) -> Vec<u64>) {
        let path = format!("/export/bans/{format}");
        let started = Instant::now();
        let request = self.request("GET", &path).body(Bytes::new()).unwrap();
        let answer = self.client.send(request).await.expect("the gateway");
        let took = started.elapsed();
        let function = format!("export-bans-{format}");
        let (peak, computed) = self.usage(&function);
        let file = match answer.status().as_u16() {
            200 => answer.into_body(),
            303 => {
                let link = answer.headers()["location"].to_str().unwrap();
                let request = http::Request::get(link).body(Bytes::new()).unwrap();
                let file = self.client.send(request).await.expect("the object store");
                assert_eq!(file.status(), 200, "{link}");
                file.into_body()
            }
            other => panic!(
                "{other} {:?}\n{:#?}",
                answer.body(),
                self.runtime.logs(&function)
            ),
        };
        let guids = count(std::str::from_utf8(&file).expect("UTF-8"));
        assert_eq!(guids.len() as u64, bans, "not every ban came out");
        let falling = guids.windows(2).all(|pair| pair[0] > pair[1]);
        assert!(
            falling,
            "a ban is there twice, or they are not newest first"
        );
        println!(
            "{format}: {bans} bans, {:.0} MB, in {took:.1?}, of which the function computed \
             {computed:.1?}; it took {} MB at most",
            megabytes(file.len()),
            peak / 1024,
        );
        assert!(took < Duration::from_secs(28), "too late for the gateway");
    }

    /// The most memory that a function's process has had, in KB, and the time it has computed.
    fn usage(&self, function: &str) -> (u64, Duration) {
        let binary = self.binaries.join(function);
        let processes = std::fs::read_dir("/proc")
            .expect("/proc")
            .filter_map(Result::ok);
        let mut processes = processes.map(|entry| entry.path());
        let own = processes.find(|process| {
            std::fs::read_link(process.join("exe")).is_ok_and(|program| program == binary)
        });
        let own = own.expect("its process");
        let status = std::fs::read_to_string(own.join("status")).unwrap();
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .expect("VmHWM");
        let peak = peak
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .expect("a number");
        let stat = std::fs::read_to_string(own.join("stat")).unwrap();
        // After the name, which is in brackets; in hundredths of a second.
        let (_, fields) = stat.rsplit_once(')').expect("a name");
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: u64 = ticks
            .map(|ticks| ticks.parse::<u64>().expect("a number"))
            .sum();
        (peak, Duration::from_millis(ticks * 10))
    }
}

/// Writes bans as storage writes them.
async fn fill(database: &Dynamo, table: &str, likeness: &Value, bans: u64) -> Duration {
    let started = Instant::now();
    let mut underway = FuturesUnordered::new();
    for first in (0..bans).step_by(25) {
        if underway.len() == WRITERS {
            underway.next().await;
        }
        let puts: Vec<_> = (first..bans.min(first + 25))
            .map(|number| json!({ "PutRequest": { "Item": bans::alike(likeness, number) } }))
            .collect();
        let batch = json!({ "RequestItems": { table: puts } });
        underway.push(async move {
            let answer = database
                .call("BatchWriteItem", &batch)
                .await
                .expect("a batch");
            let left = &answer["UnprocessedItems"];
            assert!(
                left.as_object().is_none_or(serde_json::Map::is_empty),
                "{left}"
            );
        });
        if first > 0 && first % 100_000 == 0 {
            println!("{first} bans …");
        }
    }
    while underway.next().await.is_some() {}
    started.elapsed()
}

/// Reads the list as an export does, and does nothing with it: the engine's share of the time.
async fn read_alone(database: &Dynamo, table: &str) -> Duration {
    let started = Instant::now();
    let tag = &seed::demos()[0].guid[28..];
    let shards = (0..4).map(|shard| async move {
        let mut input = json!({
            "TableName": table,
            "IndexName": "by-workspace",
            "KeyConditionExpression": "ledger = :ledger",
            "ExpressionAttributeValues": { ":ledger": { "S": format!("{tag}#{shard}") } },
            "ScanIndexForward": false,
            "Limit": 500,
        });
        loop {
            let mut page = database.call("Query", &input).await.expect("a page");
            match page["LastEvaluatedKey"].take() {
                Value::Null => break,
                key => input["ExclusiveStartKey"] = key,
            }
        }
    });
    futures::future::join_all(shards).await;
    started.elapsed()
}

#[allow(clippy::cast_precision_loss)]
fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}
