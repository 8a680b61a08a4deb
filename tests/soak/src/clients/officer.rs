//! An officer who changes the ranks of members.

use super::Client;
use crate::history::{Operation, RankRequest};
use crate::plan::{GROUPS, RANKS};

/// Changes ranks until the run is over, with numbers from `first`. A user gets each rank once.
pub async fn act(mut client: Client<'_>, first: u64) {
    let mut count = 0;
    while client.pause(200, 1_200).await {
        let (user, group) = (client.user(), GROUPS.get(client.workspace));
        let (Some(user), Some(group)) = (user, group) else {
            return;
        };
        count += 1;
        let change = RankRequest {
            user,
            group: *group,
            rank: RANKS.start + count % (RANKS.end - RANKS.start),
            number: first + count,
        };
        let operation = Operation::Rank(change);
        client.retry_until_answered(&operation, count).await;
    }
}
