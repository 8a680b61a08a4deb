//! Roblox's groups API: the ranks of a user in their groups, which everybody may read without a key.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lambda_http::http::Method;
use serde_json::Value;

use super::answer::RobloxError;
use super::client::{Roblox, json_object};
use crate::cache::TtlCache;
use crate::domain::clock::Reading;
use crate::domain::ids::{GroupId, UserId};
use crate::domain::rules::group_roles::Rank;

/// The address of the groups API, unless `ROBLOX_GROUPS_URL` has another.
pub const GROUPS_URL: &str = "https://groups.roblox.com";

/// The time for an answer: a page waits for it.
const TIME_LIMIT: Duration = Duration::from_millis(1_500);

/// How long Roblox is not asked after it has not answered: pages must not each wait for a Roblox that is
/// down.
const PAUSE: Duration = Duration::from_secs(10);

/// Asks about ranks. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct GroupRanks {
    roblox: Roblox,
    /// Why Roblox is not asked for a while.
    paused: Arc<TtlCache<(), RobloxError>>,
}

impl GroupRanks {
    /// The groups API at `ROBLOX_GROUPS_URL`, or at its public address.
    pub fn from_environment() -> Result<Self, lambda_http::Error> {
        Ok(Self {
            roblox: Roblox::from_variable("ROBLOX_GROUPS_URL", GROUPS_URL)?,
            paused: Arc::default(),
        })
    }

    /// The groups of a user, with the highest rank in each.
    pub async fn of(&self, user: UserId) -> Result<BTreeMap<GroupId, Rank>, RobloxError> {
        if let Some(failure) = self.paused.get(&(), |_| PAUSE) {
            return Err(failure);
        }
        let asked_at = Reading::now();
        let ranks = tokio::time::timeout(TIME_LIMIT, self.ask(user)).await;
        let ranks = ranks.unwrap_or_else(|_| {
            let late = format!("timed out after {TIME_LIMIT:?}");
            Err(RobloxError::Unavailable(late))
        });
        if let Err(error) = &ranks {
            self.paused.put((), error.clone(), asked_at);
        }
        ranks
    }

    async fn ask(&self, user: UserId) -> Result<BTreeMap<GroupId, Rank>, RobloxError> {
        let url = self.roblox.url(&format!("v1/users/{user}/groups/roles"));
        let answer = self.roblox.send(Method::GET, url, None, None).await?;
        let answer = json_object(&answer)?;
        read(&answer)
            .ok_or_else(|| RobloxError::Unavailable("the answer has no list of groups".to_owned()))
    }
}

/// A group that cannot be read is left out, as if the user were no member.
fn read(answer: &Value) -> Option<BTreeMap<GroupId, Rank>> {
    let mut ranks = BTreeMap::new();
    for entry in answer.get("data")?.as_array()? {
        let number = |path| entry.pointer(path).and_then(Value::as_u64);
        let group = number("/group/id").and_then(GroupId::new);
        let rank = number("/role/rank").and_then(Rank::new);
        if let Some((group, rank)) = group.zip(rank) {
            let known = ranks.entry(group).or_insert(rank);
            *known = rank.max(*known);
        }
    }
    Some(ranks)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn highest_rank_in_each_group_counts() {
        let of = |group: u64, rank: u64| json!({ "group": { "id": group }, "role": { "id": 1, "rank": rank } });
        let answer =
            json!({ "data": [of(7, 10), of(8, 255), of(7, 200), of(7, 1), of(9, 256), {}] });
        let ranks = read(&answer).unwrap();
        let ranks: Vec<_> = ranks
            .iter()
            .map(|(group, rank)| (group.get(), rank.get()))
            .collect();
        assert_eq!(ranks, [(7, 200), (8, 255)]);
        assert_eq!(read(&json!({ "data": [] })), Some(BTreeMap::new()));
        assert_eq!(read(&json!({ "errors": [] })), None);
    }
}
