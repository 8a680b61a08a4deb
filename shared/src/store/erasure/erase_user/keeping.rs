//! What a late erasure keeps: what was decided about the user since the request.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::domain::clock::UnixSeconds;
use crate::store::dynamo::database::DatabaseError;
use crate::store::dynamo::items;
use crate::store::dynamo::schema::Item;

/// Decides item by item, in the order of a sweep.
#[derive(Clone, Debug, Default)]
pub(super) struct Keeping {
    /// What was decided after this second is kept.
    until: Option<UnixSeconds>,
    /// Whether the Global ban is kept; then what is pending for it is kept too.
    global: bool,
    /// Whether anything is kept.
    any: bool,
    /// The bans that kept items refer to. Their records are kept.
    guids: BTreeSet<u64>,
}

/// The attributes that the decision depends on.
#[derive(Deserialize)]
struct Facts {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    ban: Option<BanFacts>,
    #[serde(default)]
    report: Option<Reported>,
    /// When an item without a ban was written.
    #[serde(default, alias = "since")]
    at: Option<UnixSeconds>,
}

#[derive(Deserialize)]
struct BanFacts {
    guid: u64,
    updated: UnixSeconds,
}

#[derive(Deserialize)]
struct Reported {
    guid: u64,
}

impl Keeping {
    /// Keeps what was decided after this second; without one, nothing.
    pub fn since(until: Option<UnixSeconds>) -> Self {
        Self {
            until,
            ..Self::default()
        }
    }

    /// Whether the item is kept.
    pub fn keeps(&mut self, item: &Item) -> Result<bool, DatabaseError> {
        let Some(until) = self.until else {
            return Ok(false);
        };
        let facts: Facts = items::read(item.clone())?;
        let written = facts.ban.as_ref().map(|ban| ban.updated).or(facts.at);
        let is_later = written.is_some_and(|at| at > until);
        let guid = facts.ban.map(|ban| ban.guid);
        let keeps = match facts.kind.as_str() {
            "global" => {
                self.global = is_later;
                self.guids.extend(guid.filter(|_| is_later));
                is_later
            }
            "experience" => {
                let keeps = is_later || self.global;
                let report = facts.report.map(|report| report.guid);
                let guids = guid.into_iter().chain(report);
                self.guids.extend(guids.filter(|_| keeps));
                keeps
            }
            "ban" => is_later || guid.is_some_and(|guid| self.guids.contains(&guid)),
            "application" => self.any,
            // No ban and no mirror state depends on it.
            "activity" | "account-link" | "link-code" | "link-code-use" | "link-consent" => {
                return Ok(is_later);
            }
            // It is read from Roblox again.
            "name" => return Ok(false),
            _ => is_later,
        };
        self.any |= keeps;
        Ok(keeps)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// In the order of a sweep: whether each is kept.
    fn kept(until: Option<u64>, items: &[Value]) -> Vec<bool> {
        let mut keeping = Keeping::since(until.map(UnixSeconds));
        let read = |item: &Value| serde_dynamo::aws_sdk_dynamodb_1::to_item(item).unwrap();
        items
            .iter()
            .map(|item| keeping.keeps(&read(item)).unwrap())
            .collect()
    }

    fn item(kind: &str, guid: u64, updated: u64) -> Value {
        json!({ "kind": kind, "at": 1, "ban": { "guid": guid, "updated": updated } })
    }

    #[test]
    fn nothing_is_kept_without_a_time() {
        let items = [item("decision", 1, 99), item("experience", 1, 99)];
        assert_eq!(kept(None, &items), [false, false]);
    }

    #[test]
    fn later_decisions_are_kept_and_the_rest_is_not() {
        let items = [
            item("decision", 1, 10),
            item("decision", 2, 11),
            json!({ "kind": "protected", "since": 10 }),
            json!({ "kind": "protected", "since": 11 }),
            item("experience", 1, 10),
            item("experience", 2, 11),
            item("ban", 1, 10),
            item("ban", 2, 11),
            item("expiry", 1, 10),
            json!({ "kind": "application" }),
        ];
        let expected = [
            false, true, false, true, false, true, false, true, false, true,
        ];
        assert_eq!(kept(Some(10), &items), expected);
        assert_eq!(kept(Some(11), &items), [false; 10]);
    }

    #[test]
    fn later_activity_is_kept_without_the_mirror_state() {
        let items = [
            json!({ "kind": "activity", "at": 10 }),
            json!({ "kind": "activity", "at": 11 }),
            json!({ "kind": "account-link", "at": 10 }),
            json!({ "kind": "account-link", "at": 11 }),
            json!({ "kind": "link-consent", "at": 10 }),
            json!({ "kind": "link-consent", "at": 11 }),
            json!({ "kind": "application" }),
        ];
        let expected = [false, true, false, true, false, true, false];
        assert_eq!(kept(Some(10), &items), expected);
    }

    #[test]
    fn cached_name_is_never_kept() {
        let items = [
            json!({ "kind": "name", "at": 11 }),
            json!({ "kind": "application" }),
        ];
        assert_eq!(kept(Some(10), &items), [false, false]);
    }

    #[test]
    fn record_that_a_kept_experience_reports_is_kept() {
        let mut experience = item("experience", 2, 11);
        experience["report"] = json!({ "guid": 1 });
        let items = [experience, item("ban", 1, 10), item("ban", 3, 10)];
        assert_eq!(kept(Some(10), &items), [true, true, false]);
    }

    #[test]
    fn pending_changes_of_a_kept_global_ban_are_kept() {
        let owing = json!({ "kind": "experience" });
        let global = |updated| item("global", 1, updated);
        assert_eq!(kept(Some(10), &[global(11), owing.clone()]), [true, true]);
        assert_eq!(kept(Some(10), &[global(10), owing]), [false, false]);
    }
}
