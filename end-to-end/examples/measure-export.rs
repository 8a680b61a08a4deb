//! Measures the exports of a large workspace: time, memory, size, and whether every ban comes out.
//!
//! `make measure-export`, or with another number of bans and another folder of functions:
//! `cargo run --release -p end-to-end --example measure-export -- 100000 target/release`

// A measurement that cannot go on says why and stops.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::io::Write;
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
use serde_json::{Value, json};

/// How many `BatchWriteItem` calls are under way at a time.
const WRITERS: usize = 4;

/// When the first of the bans was made, in the time of guids: with the year 2026.
const FIRST_MS: u64 = 1_767_225_600_000 - 1_577_836_800_000;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let bans = arguments
        .next()
        .map_or(1_000_000, |number| number.parse().expect("a number"));
    let binaries = PathBuf::from(arguments.next().unwrap_or("target/release".to_owned()));
    let stack = Stack::start(&binaries).await;
    let filled = stack.fill(bans).await;
    println!("{bans} bans written in {filled:.1?}");
    println!(
        "{:.1?} for the engine alone to be read from end to end",
        stack.read_alone().await
    );
    stack.export("json", bans, count_json).await;
    stack.export("csv", bans, count_csv).await;
}

struct Stack {
    client: Client,
    gateway: Gateway,
    runtime: Runtime,
    database: Dynamo,
    table: String,
    binaries: PathBuf,
    _objects: ObjectStore,
    _engine: Engine,
}

impl Stack {
    async fn start(binaries: &Path) -> Self {
        let template = template();
        let engine = Engine::start(None, 0).await.expect("the engine");
        let database = Dynamo::new(engine.endpoint());
        let table = |id: &str| {
            template
                .tables()
                .iter()
                .find(|t| t.logical_id == id)
                .expect("a table")
        };
        // Nobody reads the stream here, and it would weigh as much as the bans.
        let mut tables = template.tables().to_vec();
        for table in &mut tables {
            table
                .create
                .as_object_mut()
                .unwrap()
                .remove("StreamSpecification");
        }
        database.create_tables(&tables).await.expect("the tables");
        seed::demo_data(&database, &table("WorkspacesTable").name)
            .await
            .expect("the keys");
        let objects = ObjectStore::start(None, template.buckets())
            .await
            .expect("the bucket");
        let variables = local_stack::aws_environment(engine.endpoint(), objects.endpoint());
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
            database,
            table: table("BansTable").name.clone(),
            binaries: binaries
                .canonicalize()
                .expect("the folder of the functions"),
            _objects: objects,
            _engine: engine,
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

    /// Writes bans as storage writes them: one is made by the route, the others after its likeness.
    async fn fill(&self, bans: u64) -> Duration {
        let body = include_str!("../fixtures/ban-async.json");
        let request = self
            .request("POST", "/ban-async")
            .body(Bytes::from(body))
            .unwrap();
        let answer = self.client.send(request).await.expect("the gateway");
        assert_eq!(answer.status(), 200, "{answer:?}");
        let records = json!({
            "TableName": self.table,
            "FilterExpression": "kind = :kind",
            "ExpressionAttributeValues": { ":kind": { "S": "ban" } },
        });
        let found = self.database.call("Scan", &records).await.expect("a scan");
        let likeness = &found["Items"][0];
        assert!(likeness.is_object(), "{found}");
        let made = json!({
            "TableName": self.table,
            "Key": { "pk": likeness["pk"], "sk": likeness["sk"] },
        });
        self.database
            .call("DeleteItem", &made)
            .await
            .expect("a deletion");

        let started = Instant::now();
        let mut underway = FuturesUnordered::new();
        for first in (0..bans).step_by(25) {
            if underway.len() == WRITERS {
                underway.next().await;
            }
            let puts: Vec<_> = (first..bans.min(first + 25))
                .map(|number| json!({ "PutRequest": { "Item": alike(likeness, number) } }))
                .collect();
            let batch = json!({ "RequestItems": { self.table.as_str(): puts } });
            underway.push(async move {
                let answer = self
                    .database
                    .call("BatchWriteItem", &batch)
                    .await
                    .expect("a batch");
                let left = &answer["UnprocessedItems"];
                assert!(
                    left.as_object().is_none_or(serde_json::Map::is_empty),
                    "{left}"
                );
            });
            if first % 100_000 == 0 {
                print!("\r{first} bans");
                std::io::stdout().flush().unwrap();
            }
        }
        while underway.next().await.is_some() {}
        print!("\r");
        started.elapsed()
    }

    /// Reads the list as an export does, and does nothing with it: the engine's share of the time.
    async fn read_alone(&self) -> Duration {
        let started = Instant::now();
        let tag = &seed::demos()[0].guid[28..];
        let shards = (0..4).map(|shard| async move {
            let mut input = json!({
                "TableName": self.table,
                "IndexName": "by-workspace",
                "KeyConditionExpression": "ledger = :ledger",
                "ExpressionAttributeValues": { ":ledger": { "S": format!("{tag}#{shard}") } },
                "ScanIndexForward": false,
                "Limit": 500,
            });
            loop {
                let mut page = self.database.call("Query", &input).await.expect("a page");
                match page["LastEvaluatedKey"].take() {
                    Value::Null => break,
                    key => input["ExclusiveStartKey"] = key,
                }
            }
        });
        futures::future::join_all(shards).await;
        started.elapsed()
    }

    async fn export(&self, format: &str, bans: u64, count: fn(&str) -> Vec<u64>) {
        let path = format!("/export/bans/{format}");
        let started = Instant::now();
        let request = self.request("GET", &path).body(Bytes::new()).unwrap();
        let answer = self.client.send(request).await.expect("the gateway");
        let took = started.elapsed();
        let function = format!("export-bans-{format}");
        let peak = self.peak_memory(&function);
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
            "{format}: {bans} bans, {:.0} MB, in {took:.1?}; the function took {} MB at most",
            megabytes(file.len()),
            peak / 1024,
        );
        assert!(took < Duration::from_secs(28), "too late for the gateway");
    }

    /// The most memory that a function's process has had, in KB.
    fn peak_memory(&self, function: &str) -> u64 {
        let binary = self.binaries.join(function);
        let processes = std::fs::read_dir("/proc")
            .expect("/proc")
            .filter_map(Result::ok);
        let mut processes = processes.map(|entry| entry.path());
        let own = processes.find(|process| {
            std::fs::read_link(process.join("exe")).is_ok_and(|program| program == binary)
        });
        let status = std::fs::read_to_string(own.expect("its process").join("status")).unwrap();
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .expect("VmHWM");
        peak.trim()
            .trim_end_matches(" kB")
            .parse()
            .expect("a number")
    }
}

/// A ban like another, but with a number of its own.
fn alike(likeness: &Value, number: u64) -> Value {
    let demo = &seed::demos()[0].guid;
    let tag = &demo[28..];
    let user = 1_000 + number / 3;
    // About ten a second.
    let guid = ((FIRST_MS + number * 97) << 22) | (number & 0x3F_FFFF);
    let padded = format!("{guid:020}");
    let experience = likeness["ban"]["M"]["made_in"]["N"].as_str().unwrap();
    let text = |text: String| json!({ "S": text });
    let digits = |number: u64| json!({ "N": number.to_string() });
    let mut item = likeness.clone();
    item["pk"] = text(format!("{tag}#U#{user}"));
    item["sk"] = text(format!("B#{padded}"));
    item["guid_key"] = text(padded);
    item["ledger"] = text(format!("{tag}#{}", guid % 4));
    item["experience_ledger"] = text(format!("{tag}#{experience}#{}", guid % 4));
    let ban = &mut item["ban"]["M"];
    ban["guid"] = digits(guid);
    ban["uid"] = digits(number + 1);
    ban["user"] = digits(user);
    ban["private_reason"] = text(format!(
        "https://evidence.example.com/clips/{guid}.mp4, reported by \"{user}\""
    ));
    ban["public_reason"] = text("Cheating, with words, and a comma".to_owned());
    item
}

fn count_json(file: &str) -> Vec<u64> {
    let mut guids = Vec::new();
    for line in file.lines() {
        let line = line
            .trim_start_matches("{\"list\":[")
            .trim_end_matches("]}");
        let line = line.trim_start_matches(',').trim_end_matches(',');
        if let Ok(ban) = serde_json::from_str::<Value>(line) {
            guids.push(ban["guid"].as_str().expect("a guid").parse().unwrap());
        }
    }
    assert!(
        file.ends_with("]}") || file.ends_with("]}\n"),
        "the end is missing"
    );
    guids
}

fn count_csv(file: &str) -> Vec<u64> {
    let mut rows = csv::Reader::from_reader(file.as_bytes());
    let at = rows
        .headers()
        .unwrap()
        .iter()
        .position(|name| name == "guid")
        .expect("guid");
    rows.records()
        .map(|row| row.expect("a row")[at].parse().unwrap())
        .collect()
}

#[allow(clippy::cast_precision_loss)]
fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}
