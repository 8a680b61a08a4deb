//! Tests of `portcullis mirror adopt`.

use end_to_end::{Ban, TestApp, Unban};
use local_stack::roblox::Restriction;
use serde_json::json;

use super::{ARENA, PLACE, SECRET, UNIVERSE, drain, named, rows, staged};

#[tokio::test]
async fn adopted_bans_are_not_sent_again() {
    let app = TestApp::start().await;
    let (workspace, operator) = staged(&app).await;
    operator
        .json(&["mirror", "set", ARENA, "--secret", SECRET])
        .await;
    workspace.ban(Ban::of(1, PLACE).permanent()).await;
    drain(&workspace).await;
    let roblox = app.roblox();
    let held = |reason: &str, seconds| Restriction {
        active: true,
        start: Some(jiff::Timestamp::now()),
        seconds,
        private_reason: reason.to_owned(),
        display_reason: "shown".to_owned(),
        ..Restriction::default()
    };
    roblox.set_restriction(UNIVERSE, None, 8, held("cheats", None));
    roblox.set_restriction(UNIVERSE, Some(PLACE), 9, held("", Some(3600)));
    roblox.set_restriction(UNIVERSE, None, 10, Restriction::default());
    let adopt = ["mirror", "adopt", ARENA, "--moderator", "7"];
    let before = workspace.stored().await;
    let dry = operator.json(&[&adopt[..], &["--dry-run"]].concat()).await;
    assert_eq!(
        rows(&dry, "result"),
        named(&[(8, "adopted"), (9, "adopted")])
    );
    assert_eq!(operator.run(&adopt).await.status.code(), Some(1), "it asks");
    assert_eq!(workspace.stored().await, before);

    let changes = roblox.logs().len();
    operator.json(&[&adopt[..], &["--yes"]].concat()).await;
    let ban = workspace.check(8, PLACE).await;
    assert_eq!(
        (
            &ban["isBanned"],
            &ban["privateReason"],
            &ban["expires"],
            &ban["moderatorId"]
        ),
        (&json!(true), &json!("cheats"), &json!(0), &json!(7))
    );
    let ban = workspace.check(9, PLACE).await;
    let left = ban["expires"].as_u64().unwrap() - end_to_end::now();
    assert!((3_500..=3_600).contains(&left), "{ban}");
    assert_eq!(ban["experienceUniversal"], false);
    workspace.await_pending_bans(PLACE, &[]).await;
    drain(&workspace).await;
    assert_eq!(roblox.logs().len(), changes, "nothing is sent again");
    let again = operator.json(&[&adopt[..], &["--yes"]].concat()).await;
    assert_eq!(
        rows(&again, "result"),
        named(&[(8, "unchanged"), (9, "unchanged")])
    );
    assert_eq!(
        operator.json(&["mirror", "reconcile", ARENA]).await,
        json!([])
    );

    // From here on they behave like any other bans.
    for user in [8, 9] {
        workspace.unban(Unban::of(user, PLACE)).await;
    }
    drain(&workspace).await;
    assert!(!roblox.restriction(UNIVERSE, None, 8).active);
    assert!(!roblox.restriction(UNIVERSE, Some(PLACE), 9).active);
}
