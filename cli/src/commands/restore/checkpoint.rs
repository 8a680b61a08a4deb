//! How far a restore has compared the tables, so that an interrupted one can continue.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared::domain::error::ApiError;
use shared::domain::ids::WorkspacePrefix;
use shared::store::admin::{RestorePosition, RestoreRun, Restored, Restoring};

/// The maximum size of a checkpoint with lists of users and experiences, in bytes. DynamoDB limits items
/// to 400 KB.
const MAX_SIZE: usize = 300_000;

/// The progress that is stored after each page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The run and its options; with other options the comparison starts again.
    of: String,
    /// The last position in each part of a table; `None` if it is done.
    parts: BTreeMap<String, Option<RestorePosition>>,
    /// The counts so far, by workspace.
    done: BTreeMap<String, Restored>,
}

/// Where to continue in a part of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResumePoint {
    Beginning,
    /// After the last item of a page.
    After(RestorePosition),
    /// The part is done.
    Nowhere,
}

impl Checkpoint {
    /// The checkpoint of a restore that has not started.
    pub fn new(restoring: &Restoring) -> Self {
        let Restoring {
            name,
            absent,
            only_missing,
            ..
        } = restoring;
        Self {
            of: format!("{name} {absent:?} {only_missing}"),
            ..Self::default()
        }
    }

    /// The stored checkpoint if it belongs to the same run and options, or else a new one.
    pub async fn load(restoring: &Restoring) -> Result<Self, ApiError> {
        let new = Self::new(restoring);
        if restoring.is_preview {
            return Ok(new);
        }
        let saved: Option<Self> = RestoreRun::checkpoint(&restoring.live).await?;
        Ok(saved.filter(|saved| saved.of == new.of).unwrap_or(new))
    }

    pub fn start(&self, part: &str) -> ResumePoint {
        match self.parts.get(part) {
            None => ResumePoint::Beginning,
            Some(Some(place)) => ResumePoint::After(place.clone()),
            Some(None) => ResumePoint::Nowhere,
        }
    }

    pub fn done(&self) -> BTreeMap<WorkspacePrefix, Restored> {
        let done = self.done.iter();
        done.filter_map(|(prefix, done)| Some((prefix.parse().ok()?, done.clone())))
            .collect()
    }

    /// Records a page as done.
    pub fn pass(
        &mut self,
        part: &str,
        next: Option<RestorePosition>,
        done: BTreeMap<WorkspacePrefix, Restored>,
    ) {
        self.parts.insert(part.to_owned(), next);
        for (prefix, done) in done {
            self.done.entry(prefix.to_string()).or_default().add(done);
        }
    }

    pub async fn save(&self, restoring: &Restoring) -> anyhow::Result<()> {
        let bounded = self.bounded()?;
        Ok(RestoreRun::save_checkpoint(&restoring.live, &bounded).await?)
    }

    /// Drops the lists if the checkpoint would be too large. The counts stay.
    fn bounded(&self) -> anyhow::Result<Self> {
        let mut bounded = self.clone();
        if serde_json::to_vec(self)?.len() > MAX_SIZE {
            for done in bounded.done.values_mut() {
                done.left_out.clear();
                done.linked.clear();
                done.protected.clear();
            }
        }
        Ok(bounded)
    }
}

#[cfg(test)]
mod tests {
    use shared::domain::ids::UserId;

    use super::*;

    fn left_out(users: std::ops::Range<u64>) -> Restored {
        Restored {
            left_out_count: users.end - users.start,
            left_out: users.filter_map(UserId::new).collect(),
            ..Restored::default()
        }
    }

    #[test]
    fn checkpoint_adds_pages_and_survives_a_round_trip() {
        let prefix: WorkspacePrefix = "26092f67".parse().unwrap();
        let place = |pk: &str| -> RestorePosition {
            serde_json::from_value(serde_json::json!({ "pk": pk, "sk": "B" })).unwrap()
        };
        let mut checkpoint = Checkpoint::default();
        assert_eq!(checkpoint.start("copy 0"), ResumePoint::Beginning);
        checkpoint.pass(
            "copy 0",
            Some(place("a")),
            [(prefix, left_out(1..3))].into(),
        );
        checkpoint.pass(
            "copy 0",
            Some(place("b")),
            [(prefix, left_out(3..4))].into(),
        );
        checkpoint.pass("copy 1", None, BTreeMap::new());
        let text = serde_json::to_string(&checkpoint).unwrap();
        let read: Checkpoint = serde_json::from_str(&text).unwrap();
        assert_eq!(read, checkpoint);
        assert_eq!(read.start("copy 0"), ResumePoint::After(place("b")));
        assert_eq!(read.start("copy 1"), ResumePoint::Nowhere);
        assert_eq!(read.done(), [(prefix, left_out(1..4))].into());
        assert_eq!(read.bounded().unwrap(), read);
    }

    #[test]
    fn checkpoint_with_many_left_out_users_fits_into_an_item() {
        let mut checkpoint = Checkpoint::default();
        for prefix in 0..100_u32 {
            let prefix: WorkspacePrefix = format!("{prefix:08x}").parse().unwrap();
            let users = 10_000_000_000..10_000_000_900;
            checkpoint.pass("copy 0", None, [(prefix, left_out(users))].into());
        }
        let bounded = checkpoint.bounded().unwrap();
        assert!(serde_json::to_vec(&bounded).unwrap().len() < MAX_SIZE);
        let counts: u64 = bounded.done().values().map(|one| one.left_out_count).sum();
        assert_eq!(counts, 100 * 900);
    }
}
