//! What bulk calls cost in DynamoDB's units.

use end_to_end::{Ban, Bulk, TestApp};

use super::send;
use crate::costs::cost;
use crate::routes::EXPERIENCE;

#[tokio::test]
async fn a_hundred_new_bans_cost_12_write_units_each_and_one_for_their_numbers() {
    let app = TestApp::builder().without_stream().start().await;
    let workspace = app.workspace().await;
    send(&workspace, &Bulk::bans(EXPERIENCE, [1])).await;
    workspace.ban(Ban::of(2, EXPERIENCE)).await;
    // The expiry of a temporary ban is in one more index.
    let bulk = Bulk::bans(EXPERIENCE, 101..=200).default("banLengthType", "Permanent");
    let answer = send(&workspace, &bulk).await;
    assert_eq!(
        cost(&workspace, "bans-bulk", &answer).await,
        (300.0, 1201.0, 301)
    );
    let answer = send(&workspace, &bulk).await;
    assert_eq!(
        cost(&workspace, "bans-bulk", &answer).await,
        (200.0, 0.0, 100)
    );
    let dry = send(&workspace, &Bulk::bans(EXPERIENCE, 201..=300).dry_run()).await;
    assert_eq!(cost(&workspace, "bans-bulk", &dry).await, (300.0, 0.0, 200));

    let unbans = Bulk::unbans(EXPERIENCE, 101..=200);
    send(&workspace, &Bulk::unbans(EXPERIENCE, [1])).await;
    let answer = send(&workspace, &unbans).await;
    assert_eq!(
        cost(&workspace, "unbans-bulk", &answer).await,
        (200.0, 1200.0, 200)
    );
}
