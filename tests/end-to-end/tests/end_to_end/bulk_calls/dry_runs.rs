//! `dryRun` judges and writes nothing.

use std::num::NonZeroU32;

use end_to_end::{Ban, Bulk, KeySpec, TestApp, Unban};

use super::{outcomes, protect, send};
use crate::routes::EXPERIENCE;

#[tokio::test]
async fn a_dry_run_predicts_the_results_and_writes_nothing() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    // In an experience that is not linked yet, with caps.
    let other = EXPERIENCE + 1;
    workspace
        .ban(Ban::of(2, EXPERIENCE).global().permanent())
        .await;
    workspace.ban(Ban::of(3, EXPERIENCE)).await;
    protect(&workspace, 4).await;
    let spec = KeySpec {
        bans_per_hour: NonZeroU32::new(3),
        ..KeySpec::default()
    };
    let capped = workspace.with_key(&workspace.make_key(spec).await);
    app.settle().await;
    let before = workspace.stored().await;
    let bulk = Bulk::bans(other, 1..=7).header("idempotency-key", "once");
    let expected = [
        "banned",
        "refused already_banned",
        "banned",
        "refused protected_user",
        "banned",
        "refused rate_limited",
        "refused rate_limited",
    ];
    for _ in 0..2 {
        let dry = bulk.clone().dry_run();
        assert_eq!(outcomes(&capped, &dry).await, expected);
        let results = send(&capped, &dry).await.success()["results"].clone();
        assert_eq!(results[0].get("guid"), None, "{results}");
    }
    let unban = Bulk::unbans(EXPERIENCE, 1..=3).dry_run();
    assert_eq!(
        outcomes(&capped, &unban).await,
        ["refused not_found", "unbanned", "unbanned"]
    );
    app.settle().await;
    assert_eq!(workspace.stored().await, before);

    assert_eq!(outcomes(&capped, &bulk).await, expected);
    let next = workspace.ban_shown(Ban::of(20, EXPERIENCE)).await;
    assert!(next["uid"].as_u64().unwrap() <= 10, "{next}");
    workspace.unban(Unban::of(20, EXPERIENCE)).await;
}
