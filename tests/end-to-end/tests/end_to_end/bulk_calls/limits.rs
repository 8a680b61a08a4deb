//! Caps count every user.

use std::num::NonZeroU32;

use end_to_end::{Bulk, KeySpec, TestApp};

use super::outcomes;
use crate::routes::EXPERIENCE;

#[tokio::test]
async fn users_beyond_the_cap_of_the_key_are_refused() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let spec = KeySpec {
        bans_per_hour: NonZeroU32::new(30),
        ..KeySpec::default()
    };
    let capped = workspace.with_key(&workspace.make_key(spec).await);
    let mut expected = vec!["banned"; 30];
    expected.extend(["refused rate_limited"; 5]);
    let bulk = Bulk::bans(EXPERIENCE, 1..=35);
    assert_eq!(outcomes(&capped, &bulk).await, expected);
    // Users who are banned already do not count.
    let mut expected = vec!["unchanged"; 30];
    expected.extend(["refused rate_limited"; 5]);
    assert_eq!(outcomes(&capped, &bulk).await, expected);
    assert_eq!(workspace.bans().await.len(), 30);
    // Unbans have no cap.
    assert_eq!(
        outcomes(&capped, &Bulk::unbans(EXPERIENCE, 1..=30)).await,
        ["unbanned"; 30]
    );
}

#[tokio::test]
async fn users_beyond_the_cap_of_their_moderator_are_refused() {
    let app = TestApp::start().await;
    let workspace = app
        .workspace_with(|settings| settings.moderator_bans_per_hour = NonZeroU32::new(2))
        .await;
    let by = |user: u64, moderator: u64| serde_json::json!({ "userId": user, "banModerator": moderator });
    let users = [by(1, 7), by(2, 7), by(3, 7), by(4, 8)];
    let bulk = Bulk::bans(EXPERIENCE, users);
    let expected = ["banned", "banned", "refused rate_limited", "banned"];
    assert_eq!(
        outcomes(&workspace, &bulk.clone().dry_run()).await,
        expected
    );
    assert_eq!(outcomes(&workspace, &bulk).await, expected);
}
