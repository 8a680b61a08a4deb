//! How far a restore has compared the tables, so that one that was interrupted goes on there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared::domain::error::ApiError;
use shared::domain::ids::WorkspacePrefix;
use shared::store::{RestorePosition, RestoreRun, Restored, Restoring};

/// How many bytes a checkpoint has at most with the users and experiences that it names: an item of
/// DynamoDB takes 400 KB.
const MOST: usize = 300_000;

/// What is remembered after each page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Which comparison it is of; one with other options begins at the start.
    of: String,
    /// Where each part of a table goes on; `None` if it is done.
    parts: BTreeMap<String, Option<RestorePosition>>,
    /// What was done so far, by workspace.
    done: BTreeMap<String, Restored>,
}

/// Where a part of a table goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResumePoint {
    /// At the start.
    Beginning,
    /// After the last item of a page.
    After(RestorePosition),
    /// It does not: all of it is done.
    Nowhere,
}

impl Checkpoint {
    /// That of a restore with these options, which has not begun.
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

    /// The one that was saved, if it is of the same comparison; else a new one.
    pub async fn load(restoring: &Restoring) -> Result<Self, ApiError> {
        let new = Self::new(restoring);
        if restoring.is_preview {
            return Ok(new);
        }
        let saved: Option<Self> = RestoreRun::checkpoint(&restoring.live).await?;
        Ok(saved.filter(|saved| saved.of == new.of).unwrap_or(new))
    }

    /// Where a part goes on.
    pub fn start(&self, part: &str) -> ResumePoint {
        match self.parts.get(part) {
            None => ResumePoint::Beginning,
            Some(Some(place)) => ResumePoint::After(place.clone()),
            Some(None) => ResumePoint::Nowhere,
        }
    }

    /// What was done so far.
    pub fn done(&self) -> BTreeMap<WorkspacePrefix, Restored> {
        let done = self.done.iter();
        done.filter_map(|(prefix, done)| Some((prefix.parse().ok()?, done.clone())))
            .collect()
    }

    /// A page of a part is done.
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

    /// Saves it.
    pub async fn save(&self, restoring: &Restoring) -> anyhow::Result<()> {
        let bounded = self.bounded()?;
        Ok(RestoreRun::save_checkpoint(&restoring.live, &bounded).await?)
    }

    /// The same, without naming anyone if it would be too large. The counts stay.
    fn bounded(&self) -> anyhow::Result<Self> {
        let mut bounded = self.clone();
        if serde_json::to_vec(self)?.len() > MOST {
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
    fn checkpoint_sums_pages_and_is_read_as_it_was_written() {
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
    fn checkpoint_fits_into_an_item_however_many_users_are_left_out() {
        let mut checkpoint = Checkpoint::default();
        for prefix in 0..100_u32 {
            let prefix: WorkspacePrefix = format!("{prefix:08x}").parse().unwrap();
            let users = 10_000_000_000..10_000_000_900;
            checkpoint.pass("copy 0", None, [(prefix, left_out(users))].into());
        }
        let bounded = checkpoint.bounded().unwrap();
        assert!(serde_json::to_vec(&bounded).unwrap().len() < MOST);
        let counts: u64 = bounded.done().values().map(|one| one.left_out_count).sum();
        assert_eq!(counts, 100 * 900);
    }
}
