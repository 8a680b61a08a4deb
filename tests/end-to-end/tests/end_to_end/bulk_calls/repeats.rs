//! The same bulk call, sent again.

use end_to_end::{Ban, Bulk, KeySpec, TestApp, Unban};

use super::{outcomes, send};
use crate::routes::EXPERIENCE;

fn named(bulk: Bulk) -> Bulk {
    bulk.header("idempotency-key", "raid-1")
}

#[tokio::test]
async fn a_repeat_without_a_key_changes_nothing() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let bans = Bulk::bans(EXPERIENCE, 1..=20).default("banLength", "7d");
    let unbans = Bulk::unbans(EXPERIENCE, 1..=20);
    for (bulk, first) in [(&bans, "banned"), (&unbans, "unbanned"), (&bans, "banned")] {
        assert_eq!(outcomes(&workspace, bulk).await, [first; 20]);
        app.settle().await;
        let before = workspace.stored().await;
        assert_eq!(outcomes(&workspace, bulk).await, ["unchanged"; 20]);
        assert_eq!(workspace.stored().await, before);
    }
    // Equal terms are no conflict, whatever key decided them.
    let another = workspace.with_key(&workspace.make_key(KeySpec::default()).await);
    let permanent = Bulk::bans(EXPERIENCE, 21..=22).default("banLengthType", "Permanent");
    assert_eq!(outcomes(&workspace, &permanent).await, ["banned"; 2]);
    assert_eq!(outcomes(&another, &permanent).await, ["unchanged"; 2]);
    let other = permanent.default("banPublicReason", "Another");
    assert_eq!(
        outcomes(&another, &other).await,
        ["refused already_banned"; 2]
    );
}

#[tokio::test]
async fn a_repeat_with_a_key_has_the_first_results() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(2, EXPERIENCE)).await;
    let bans = named(Bulk::bans(EXPERIENCE, [1, 2, 3]).with("overwrite", true));
    let bans = bans.default("banPublicReason", "Raid");
    let first = send(&workspace, &bans).await.success();
    assert_eq!(first["counts"]["banned"], 2);
    assert_eq!(first["counts"]["changed"], 1);
    workspace.unban(Unban::of(1, EXPERIENCE)).await;
    workspace.ban(Ban::of(3, EXPERIENCE).permanent()).await;
    app.settle().await;
    let before = workspace.stored().await;
    assert_eq!(send(&workspace, &bans).await.success(), first);
    // The order of the users does not matter, nor do defaults written for each user.
    let again = named(Bulk::bans(EXPERIENCE, [3, 1, 2]).with("overwrite", 1));
    let again = again.default("banPublicReason", " Raid ");
    let results = send(&workspace, &again).await.success()["results"].clone();
    assert_eq!(results[1], first["results"][0]);
    assert_eq!(workspace.stored().await, before);
    assert!(!workspace.is_banned(1, EXPERIENCE).await);

    let unbans = Bulk::unbans(EXPERIENCE, [1, 2]).header("idempotency-key", "undo");
    assert_eq!(
        outcomes(&workspace, &unbans).await,
        ["unchanged", "unbanned"]
    );
    workspace.ban(Ban::of(2, EXPERIENCE)).await;
    assert_eq!(
        outcomes(&workspace, &unbans).await,
        ["unchanged", "unbanned"]
    );
    assert!(workspace.is_banned(2, EXPERIENCE).await);
}

#[tokio::test]
async fn a_key_is_valid_for_one_bulk_call() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let bans = named(Bulk::bans(EXPERIENCE, [1, 2]));
    assert_eq!(outcomes(&workspace, &bans).await, ["banned"; 2]);
    app.settle().await;
    let before = workspace.stored().await;
    let others = [
        named(Bulk::bans(EXPERIENCE, [1, 2, 3])),
        named(Bulk::bans(EXPERIENCE, [3])),
        named(Bulk::bans(EXPERIENCE, [1, 2]).default("banLength", "8d")),
        named(Bulk::unbans(EXPERIENCE, [1, 2])),
    ];
    for bulk in others {
        let answer = workspace.send(bulk.call()).await;
        answer.assert_wrong_fields(&["idempotency-key"]);
    }
    let single = Ban::of(3, EXPERIENCE).header("idempotency-key", "raid-1");
    let answer = workspace.try_ban(single).await;
    answer.assert_wrong_fields(&["idempotency-key"]);
    assert_eq!(workspace.stored().await, before);
}

#[tokio::test]
async fn a_refused_user_is_refused_in_a_repeat_with_the_key() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(1, EXPERIENCE).permanent()).await;
    let bans = Bulk::bans(EXPERIENCE, [1, 2]);
    let expected = ["refused already_banned", "banned"];
    assert_eq!(outcomes(&workspace, &named(bans.clone())).await, expected);
    workspace.unban(Unban::of(1, EXPERIENCE)).await;
    assert_eq!(outcomes(&workspace, &named(bans.clone())).await, expected);
    assert!(!workspace.is_banned(1, EXPERIENCE).await);
    let another = bans.header("idempotency-key", "raid-2");
    assert_eq!(outcomes(&workspace, &another).await[0], "banned");
}
