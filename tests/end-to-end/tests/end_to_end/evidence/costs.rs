//! What evidence costs, in DynamoDB's units.

use end_to_end::{Call, TestApp};
use serde_json::json;

use super::{about, case, create, created, guid_of, stored, text_body};
use crate::costs::{cost, warm};
use crate::routes::USER;

#[tokio::test]
async fn evidence_costs_what_the_architecture_says() {
    let app = TestApp::builder().without_stream().start().await;
    let workspace = app.workspace().await;
    let case = case(&workspace).await;
    let mut body = text_body(&case, "a");
    body["userId"] = json!(USER);
    let spent = warm(&workspace, "evidence-create", &create(&body)).await;
    assert_eq!(spent, (1.0, 12.0, 2));
    let guid = guid_of(&created(&workspace, &body).await);
    let metadata = about("GET", &guid, "/metadata");
    let spent = warm(&workspace, "evidence-metadata", &metadata).await;
    assert_eq!(spent, (1.0, 0.0, 1));
    let spent = warm(&workspace, "evidence-get", &about("GET", &guid, "")).await;
    assert_eq!(spent, (2.0, 0.0, 2));
    for number in 0..2 {
        let change = json!({ "number": number });
        let change = about("PATCH", &guid, "/metadata").json(&change);
        let answer = workspace.send(change).await;
        let (reads, writes, calls) = cost(&workspace, "evidence-update", &answer).await;
        if number > 0 {
            assert_eq!((reads, writes, calls), (1.0, 2.0, 2));
        }
    }
}

#[tokio::test]
async fn page_of_ten_thousand_pieces_costs_what_a_page_of_fifty_does() {
    let app = TestApp::builder().without_stream().start().await;
    let workspace = app.workspace().await;
    let case = case(&workspace).await;
    for number in 0..50 {
        created(&workspace, &text_body(&case, &number.to_string())).await;
    }
    let list = Call::get(&format!("/bans/{case}/evidence"));
    let list = list.query("limit", 50).query("userId", USER);
    let few = warm(&workspace, "ban-evidence", &list).await;
    assert_eq!(few.1, 0.0);

    // Older pieces, and pieces for another ban.
    let entry = stored(&workspace, "evidence-entry").await.remove(0);
    let sort_key = entry["sk"]["S"].as_str().unwrap();
    let (ban, _) = sort_key.split_once('#').unwrap();
    let copies = (1..10_000_u64).map(|number| {
        let mut copy = entry.clone();
        let ban = if number % 2 == 0 {
            ban
        } else {
            "00000000000000000007"
        };
        copy["sk"]["S"] = json!(format!("{ban}#{number:020}"));
        copy
    });
    app.put_items(copies).await;
    assert_eq!(warm(&workspace, "ban-evidence", &list).await, few);
    let (reads, _, _) = few;
    assert!((50.0..=56.0).contains(&reads), "{reads}");
}
