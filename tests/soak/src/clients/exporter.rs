//! A tool that lists, exports and reads single bans.

use super::Client;
use crate::history::{CallResult, Operation};
use crate::recorder::CallOptions;

pub async fn look(mut client: Client<'_>) {
    let mut seen: Vec<String> = Vec::new();
    while client.pause(300, 1_800).await {
        let operation = match client.rng.u8(..5) {
            0 => Operation::ExportJson,
            1 => Operation::ExportCsv,
            2 => Operation::Bans,
            _ => match client.rng.choice(&seen) {
                Some(guid) => Operation::Decisions(guid.clone()),
                None => Operation::Bans,
            },
        };
        let options = CallOptions::default();
        let result = client
            .recorder
            .call(client.workspace, &client.name, operation, options)
            .await;
        if let CallResult::Answered { body, .. } = result
            && let Some(list) = body.get("list").and_then(|list| list.as_array())
        {
            let guids = list.iter().filter_map(|ban| ban.get("guid")?.as_str());
            seen = guids.take(20).map(str::to_owned).collect();
        }
    }
}
