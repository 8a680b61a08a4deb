//! Reads many items by their keys, in batches that DynamoDB accepts.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use aws_sdk_dynamodb::types::{KeysAndAttributes, ReturnConsumedCapacity};
use futures::{StreamExt, TryStreamExt, stream};

use super::{Database, DatabaseError, failure, lasting, refused};
use crate::store::dynamo::schema::{Item, Key};

/// The most keys in one `BatchGetItem`.
const BATCH_KEYS: usize = 100;

/// How many of those calls run in parallel.
const BATCHES_AT_ONCE: usize = 10;

/// How many calls in a row may return none of the remaining keys before the read gives up.
const STALLED_ROUNDS: u32 = 4;

/// The maximum time of a call: all attempts of the SDK (see `connection`), and a little.
pub(in crate::store) const READ: Duration = Duration::from_millis(2400);

/// What a batch read returned.
#[derive(Debug, Default)]
pub(in crate::store) struct PartialRead {
    pub items: Vec<Item>,
    /// The keys whose items are unknown.
    pub unprocessed: HashSet<Key>,
    /// Why there are such keys.
    failure: Option<DatabaseError>,
}

impl Database {
    /// Reads any number of items of either table, without those that do not exist or have expired.
    /// A repeated key is read once.
    pub(in crate::store) async fn batch_get(
        &self,
        keys: impl IntoIterator<Item = Key>,
        consistent: bool,
    ) -> Result<Vec<Item>, DatabaseError> {
        Ok(lasting(self.batch_get_stored(keys, consistent).await?))
    }

    /// The same with expired items that are not deleted yet.
    pub(in crate::store) async fn batch_get_stored(
        &self,
        keys: impl IntoIterator<Item = Key>,
        consistent: bool,
    ) -> Result<Vec<Item>, DatabaseError> {
        let reads = batches(keys).into_iter().map(|batch| async {
            let read = self.get_batch(batch, consistent, Duration::ZERO).await?;
            match read.failure {
                None => Ok(read.items),
                Some(failure) => Err(failure),
            }
        });
        let found: Vec<Vec<Item>> = stream::iter(reads)
            .buffered(BATCHES_AT_ONCE)
            .try_collect()
            .await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Reads what the database returns in time, without items that do not exist or have expired.
    /// Fails only if it returns nothing at all.
    pub(in crate::store) async fn batch_get_some(
        &self,
        keys: impl IntoIterator<Item = Key>,
        consistent: bool,
    ) -> Result<PartialRead, DatabaseError> {
        let batches = batches(keys);
        let count: usize = batches.iter().map(Vec::len).sum();
        let reads = batches
            .into_iter()
            .map(|batch| self.get_batch(batch, consistent, READ));
        let reads: Vec<_> = stream::iter(reads)
            .buffered(BATCHES_AT_ONCE)
            .try_collect()
            .await?;
        let mut found = PartialRead::default();
        for read in reads {
            found.items.extend(lasting(read.items));
            found.unprocessed.extend(read.unprocessed);
            found.failure = read.failure.or(found.failure);
        }
        match found.failure {
            Some(failure) if found.unprocessed.len() == count => Err(failure),
            _ => Ok(found),
        }
    }

    /// Reads up to [`BATCH_KEYS`] different keys. Each call after the first starts only with this
    /// much time left.
    async fn get_batch(
        &self,
        keys: Vec<Key>,
        consistent: bool,
        needs: Duration,
    ) -> Result<PartialRead, DatabaseError> {
        let (mut items, mut left, mut stalled) = (Vec::new(), keys.len(), 0);
        let mut left_because = None;
        let mut keys_of: HashMap<&str, Vec<Item>> = HashMap::new();
        for key in keys {
            let keys = keys_of.entry(self.table_of(&key)).or_default();
            keys.push(key.item());
        }
        let mut wanted = HashMap::new();
        for (table, keys) in keys_of {
            let keys = KeysAndAttributes::builder()
                .set_keys(Some(keys))
                .consistent_read(consistent)
                .build()
                .map_err(refused)?;
            wanted.insert(table.to_owned(), keys);
        }
        // DynamoDB leaves keys unprocessed when it throttles, beyond 16 MB of items, and beyond 1
        // MB from one partition. Only rounds without progress count.
        while stalled < STALLED_ROUNDS {
            let call = self
                .client
                .batch_get_item()
                .set_request_items(Some(wanted.clone()))
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            let output = match self.timed(call.send()).await.map_err(failure) {
                Ok(output) => output,
                Err(error) => {
                    left_because = Some(error);
                    break;
                }
            };
            self.meter.read(output.consumed_capacity());
            items.extend(
                output
                    .responses
                    .into_iter()
                    .flat_map(HashMap::into_values)
                    .flatten(),
            );
            wanted = output.unprocessed_keys.unwrap_or_default();
            let before =
                std::mem::replace(&mut left, wanted.values().map(|it| it.keys.len()).sum());
            if left == 0 {
                return Ok(PartialRead {
                    items,
                    ..PartialRead::default()
                });
            }
            stalled = if left < before {
                0
            } else {
                stalled.saturating_add(1)
            };
            self.pause(stalled).await;
            if !self.has_time(needs) {
                break;
            }
        }
        let unprocessed = wanted.values().flat_map(|it| &it.keys);
        let gave_back = || DatabaseError::Unavailable("keys were left unprocessed".to_owned());
        Ok(PartialRead {
            items,
            unprocessed: unprocessed.filter_map(Key::of).collect(),
            failure: Some(left_because.unwrap_or_else(gave_back)),
        })
    }
}

/// The distinct keys among these, in batches of [`BATCH_KEYS`].
fn batches(keys: impl IntoIterator<Item = Key>) -> Vec<Vec<Key>> {
    let mut seen = HashSet::new();
    let mut batches: Vec<Vec<Key>> = Vec::new();
    for key in keys {
        if !seen.insert((key.pk.clone(), key.sk.clone())) {
            continue;
        }
        match batches.last_mut() {
            Some(batch) if batch.len() < BATCH_KEYS => batch.push(key),
            _ => batches.push(vec![key]),
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(numbers: std::ops::Range<usize>) -> impl Iterator<Item = Key> {
        numbers.map(|number| Key {
            pk: "p".to_owned(),
            sk: number.to_string(),
        })
    }

    #[test]
    fn keys_are_read_in_batches_of_100_and_each_once() {
        for (count, expected) in [
            (0, vec![]),
            (1, vec![1]),
            (100, vec![100]),
            (101, vec![100, 1]),
            (250, vec![100, 100, 50]),
        ] {
            let twice = keys(0..count).chain(keys(0..count));
            let sizes: Vec<_> = batches(twice).iter().map(Vec::len).collect();
            assert_eq!(sizes, expected, "{count}");
        }
    }
}
