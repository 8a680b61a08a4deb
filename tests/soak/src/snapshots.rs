//! Makes snapshots due, which are built once an hour: ages the last build or puts it in doubt.

use serde_json::json;
use shared::domain::clock::UnixSeconds;

use crate::plan::{Plan, millis};
use crate::recorder::Recorder;

/// The pause between two times, in milliseconds, from and to.
const PAUSE: (u64, u64) = (700, 3_000);

/// By how many seconds: more than must lie between two builds, or than a doubt takes to settle, on every
/// clock.
const AGE: u64 = 120;

/// Percentage of builds to make from all bans.
const FULL: u8 = 25;

/// Ages the snapshots until the run is over.
pub async fn age_snapshots(recorder: &Recorder<'_>, plan: &Plan) {
    let mut rng = plan.rng("snapshots");
    loop {
        let pause = millis(&mut rng, PAUSE.0, PAUSE.1);
        tokio::time::sleep(pause.min(recorder.left())).await;
        if recorder.is_closed() {
            return;
        }
        make_due(recorder, rng.u8(..100) < FULL).await;
    }
}

/// Makes all snapshots due that anyone has asked for. `in_full`: from all bans.
pub async fn make_due(recorder: &Recorder<'_>, in_full: bool) {
    let past = UnixSeconds(recorder.now() / 1_000).minus(AGE).0;
    let past = json!({ ":past": { "N": past.to_string() } });
    for workspace in &recorder.workspaces {
        let key = json!({
            "pk": { "S": format!("{}#J", workspace.prefix()) },
            "sk": { "S": "J" },
        });
        let (condition, change) = if in_full {
            (
                "attribute_exists(built)",
                "SET doubt = :past, due_at = :past",
            )
        } else {
            (
                "attribute_exists(built)",
                "SET built.built = :past, due_at = :past",
            )
        };
        // There may be none yet.
        let _: bool = recorder
            .app
            .update_item_if(&key, condition, change, &past)
            .await;
    }
}
