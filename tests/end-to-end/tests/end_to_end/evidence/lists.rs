//! The evidence for a ban in pages.

use end_to_end::{Ban, Call, TestApp};

use super::{case, created, guid_of, text_body};
use crate::routes::{EXPERIENCE, USER};

#[tokio::test]
async fn evidence_of_a_ban_comes_in_pages_newest_first() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let case = case(&workspace).await;
    let mut made = Vec::new();
    for number in 0..7 {
        let piece = created(&workspace, &text_body(&case, &number.to_string())).await;
        made.push(guid_of(&piece));
    }
    made.sort_by_key(|guid| std::cmp::Reverse(guid.parse::<u64>().unwrap()));
    // Another ban of the same user.
    let other = Ban::of(USER, EXPERIENCE + 1).permanent();
    let other = workspace.ban_shown(other).await;
    created(&workspace, &text_body(other["guid"].as_str().unwrap(), "a")).await;

    let list = Call::get(&format!("/bans/{case}/evidence"));
    for call in [
        list.clone(),
        list.clone().query("limit", 3),
        list.clone().query("limit", 7),
        list.clone().query("userId", USER).query("limit", 2),
    ] {
        let pieces = workspace.all_pages(call).await;
        let guids: Vec<_> = pieces.iter().map(guid_of).collect();
        assert_eq!(guids, made);
        assert!(pieces.iter().all(|piece| piece.get("streamUri").is_none()));
    }
    let wrong = list.clone().query("userId", USER + 1);
    workspace.send(wrong).await.assert_error(404, "not_found");
    let page = workspace.send(list.clone().query("limit", 3)).await;
    let cursor = page.next_cursor().unwrap();
    let elsewhere = Call::get(&format!(
        "/bans/{}/evidence",
        other["guid"].as_str().unwrap()
    ));
    let refused = workspace.send(elsewhere.query("cursor", cursor)).await;
    refused.assert_wrong_fields(&["cursor"]);
    let limits = list.query("limit", 1001);
    workspace.send(limits).await.assert_wrong_fields(&["limit"]);
}
