//! A tool that lists, exports and looks at single bans.

use super::Actor;
use crate::history::{Outcome, What};
use crate::stage::Manner;

/// Looks until the stage closes.
pub async fn look(mut actor: Actor<'_>) {
    let mut seen: Vec<String> = Vec::new();
    while actor.pause(300, 1_800).await {
        let what = match actor.dice.u8(..5) {
            0 => What::ExportJson,
            1 => What::ExportCsv,
            2 => What::Bans,
            _ => match actor.dice.choice(&seen) {
                Some(guid) => What::Decisions(guid.clone()),
                None => What::Bans,
            },
        };
        let manner = Manner::default();
        let outcome = actor
            .stage
            .call(actor.workspace, &actor.name, what, manner)
            .await;
        if let Outcome::Answered { body, .. } = outcome
            && let Some(list) = body.get("list").and_then(|list| list.as_array())
        {
            let guids = list.iter().filter_map(|ban| ban.get("guid")?.as_str());
            seen = guids.take(20).map(str::to_owned).collect();
        }
    }
}
