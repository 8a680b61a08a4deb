//! Reads a table's stream, shard by shard, from the last position.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{Error, Result, dynamo::Dynamo};

const REFRESH: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Stream {
    dynamo: Dynamo,
    table: String,
    arn: String,
    shards: BTreeMap<String, Shard>,
    refreshed: Option<Instant>,
    /// The file with the position of each shard.
    checkpoint: Option<PathBuf>,
}

#[derive(Debug, Default)]
struct Shard {
    iterator: Option<String>,
    /// The last sequence number that is done.
    position: Option<String>,
    /// The last sequence number that was read.
    read: Option<String>,
    closed: bool,
}

impl Stream {
    pub(super) fn new(dynamo: Dynamo, table: &str, checkpoint: Option<PathBuf>) -> Self {
        Self {
            dynamo,
            table: table.to_owned(),
            arn: String::new(),
            shards: BTreeMap::new(),
            refreshed: None,
            checkpoint,
        }
    }

    /// The next records of one shard, oldest first, or none if every shard is read to its end. They are read
    /// again after an error or a restart until [`Self::commit`].
    pub(super) async fn next(&mut self) -> Result<Vec<Value>> {
        if self.refreshed.is_none_or(|at| at.elapsed() > REFRESH) {
            self.refresh().await?;
        }
        // Shard ids begin with their creation time, so parents come first.
        let open: Vec<_> = self
            .shards
            .iter()
            .filter(|(_, s)| !s.closed)
            .map(|(id, _)| id.clone())
            .collect();
        for id in open {
            let records = self.read(&id).await?;
            if !records.is_empty() {
                return Ok(records);
            }
        }
        Ok(Vec::new())
    }

    /// Marks the records that [`Self::next`] returned as done.
    pub(super) fn commit(&mut self) -> Result<()> {
        for shard in self.shards.values_mut() {
            shard.position.clone_from(&shard.read);
        }
        let Some(path) = &self.checkpoint else {
            return Ok(());
        };
        let positions: BTreeMap<_, _> = self
            .shards
            .iter()
            .filter_map(|(id, s)| Some((id, s.position.as_ref()?)))
            .collect();
        std::fs::write(path, json!(positions).to_string()).map_err(Error::file(path))
    }

    /// Goes back to the last committed position.
    pub(super) fn rewind(&mut self) {
        for shard in self.shards.values_mut() {
            shard.read.clone_from(&shard.position);
            shard.iterator = None;
            shard.closed = false;
        }
    }

    pub(super) fn arn(&self) -> &str {
        &self.arn
    }

    async fn read(&mut self, id: &str) -> Result<Vec<Value>> {
        let Some(shard) = self.shards.get_mut(id) else {
            return Ok(Vec::new());
        };
        let iterator = match shard.iterator.take() {
            Some(iterator) => iterator,
            None => iterator(&self.dynamo, &self.arn, id, shard.read.as_deref()).await?,
        };
        let input = json!({ "ShardIterator": iterator, "Limit": 1000 });
        let mut page = self.dynamo.call_streams("GetRecords", &input).await?;
        shard.iterator = page
            .get("NextShardIterator")
            .and_then(Value::as_str)
            .map(str::to_owned);
        shard.closed = shard.iterator.is_none();
        let records = match page.get_mut("Records").map(Value::take) {
            Some(Value::Array(records)) => records,
            _ => Vec::new(),
        };
        if let Some(number) = records.last().and_then(super::sequence_number) {
            shard.read = Some(number.to_owned());
        }
        Ok(records)
    }

    async fn refresh(&mut self) -> Result<()> {
        let table = self
            .dynamo
            .call("DescribeTable", &json!({ "TableName": self.table }))
            .await?;
        let arn = table
            .pointer("/Table/LatestStreamArn")
            .and_then(Value::as_str);
        let missing = || Error::Template(format!("the table {} has no stream", self.table));
        arn.ok_or_else(missing)?.clone_into(&mut self.arn);

        let saved = self.saved_positions();
        let mut from: Option<String> = None;
        loop {
            let mut input = json!({ "StreamArn": self.arn });
            if let (Some(from), Some(input)) = (&from, input.as_object_mut()) {
                input.insert("ExclusiveStartShardId".to_owned(), json!(from));
            }
            let stream = self.dynamo.call_streams("DescribeStream", &input).await?;
            let shards = stream
                .pointer("/StreamDescription/Shards")
                .and_then(Value::as_array);
            for id in shards
                .into_iter()
                .flatten()
                .filter_map(|s| s.get("ShardId")?.as_str())
            {
                self.shards.entry(id.to_owned()).or_insert_with(|| {
                    let position = saved.get(id).cloned();
                    Shard {
                        read: position.clone(),
                        position,
                        ..Shard::default()
                    }
                });
            }
            let last = stream.pointer("/StreamDescription/LastEvaluatedShardId");
            from = last.and_then(Value::as_str).map(str::to_owned);
            if from.is_none() {
                break;
            }
        }
        self.refreshed = Some(Instant::now());
        Ok(())
    }

    fn saved_positions(&self) -> BTreeMap<String, String> {
        let file = self
            .checkpoint
            .as_ref()
            .and_then(|path| std::fs::read(path).ok());
        // Without a readable file the stream is read from its start; its functions are idempotent.
        file.and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }
}

async fn iterator(dynamo: &Dynamo, arn: &str, shard: &str, after: Option<&str>) -> Result<String> {
    let horizon = json!({
        "StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON",
    });
    let answer = match after {
        None => dynamo.call_streams("GetShardIterator", &horizon).await?,
        Some(number) => {
            let after = json!({
                "StreamArn": arn, "ShardId": shard,
                "ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": number,
            });
            match dynamo.call_streams("GetShardIterator", &after).await {
                // The record has expired, or belongs to a database that was recreated since.
                Err(Error::Database { kind, .. }) if kind != "Unreachable" => {
                    dynamo.call_streams("GetShardIterator", &horizon).await?
                }
                other => other?,
            }
        }
    };
    let iterator = answer
        .get("ShardIterator")
        .and_then(Value::as_str)
        .map(str::to_owned);
    iterator.ok_or_else(|| Error::Database {
        operation: "GetShardIterator".to_owned(),
        kind: "NoIterator".to_owned(),
        message: format!("shard {shard}"),
    })
}
