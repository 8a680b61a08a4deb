//! Evidence on a player's page: texts, files, and their removal with undo.

use bytes::Bytes;
use end_to_end::evidence::base64;
use end_to_end::{ApiResponse, Ban, Browser, Call, TestApp, Workspace};
use http::Request;
use local_stack::http::Client;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use shared::domain::ids::UserId;
use shared::domain::members::MemberPermission::{ManageBans, View};
use shared::store::ErasureSource;

const EXPERIENCE: u64 = 75_521_396_999_004;

const PLAYER: &str = "/console/players/156";

const ADD: &str = "/console/players/156/evidence";

const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'&";

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR and whatever follows";

/// A banned player, and the guid of the ban.
async fn banned(workspace: &Workspace<'_>) -> String {
    let ban = Ban::of(156, EXPERIENCE).permanent();
    let ban = workspace.ban_shown(ban).await;
    workspace.app().settle().await;
    ban["guid"].as_str().unwrap().to_owned()
}

fn token(page: &ApiResponse) -> String {
    let (_, token) = page.text.split_once("name=\"csrf\" value=\"").unwrap();
    token.split('"').next().unwrap().to_owned()
}

/// The guids of the pieces on a page, by what can be done with them.
fn pieces(page: &ApiResponse, action: &str) -> Vec<String> {
    let parts = page.text.split("action=\"/console/evidence/").skip(1);
    let actions = parts.filter_map(|part| part.split('"').next()?.split_once('/'));
    let wanted = actions.filter(|(_, found)| *found == action);
    wanted.map(|(guid, _)| guid.to_owned()).collect()
}

/// Adds a picture as the script does; returns its guid.
async fn add_picture(browser: &mut Browser, case: &str) -> String {
    let page = browser.get(PLAYER).await;
    let (csrf, size) = (token(&page), PNG.len().to_string());
    let sha256 = base64(&Sha256::digest(PNG));
    let fields = [
        ("csrf", csrf.as_str()),
        ("key", "form-1"),
        ("case", case),
        ("name", "clip 1.png"),
        ("type", "image/png"),
        ("size", &size),
        ("sha256", &sha256),
    ];
    let declared = browser.post(&format!("{ADD}/file"), &fields).await;
    assert_eq!(declared.status, 200, "{declared}");
    let declared: Value = serde_json::from_str(&declared.text).unwrap();
    let guid = declared["guid"].as_str().unwrap().to_owned();
    let complete = format!("/console/evidence/{guid}/complete");
    let early = browser.post(&complete, &[("csrf", &csrf)]).await;
    assert_eq!(early.status, 409, "{early}");

    let mut request = Request::put(declared["url"].as_str().unwrap());
    for (name, value) in declared["headers"].as_object().unwrap() {
        request = request.header(name, value.as_str().unwrap());
    }
    let request = request.body(Bytes::from_static(PNG)).unwrap();
    let uploaded = Client::new().send(request).await.unwrap();
    assert_eq!(uploaded.status(), 200);
    let completed = browser.post(&complete, &[("csrf", &csrf)]).await;
    assert_eq!(completed.status, 200, "{completed}");
    guid
}

async fn has_file(workspace: &Workspace<'_>, guid: &str) -> bool {
    let prefix = workspace.id().prefix();
    let app = workspace.app();
    app.has_evidence(prefix, guid.parse().unwrap()).await
}

async fn run_when_due(workspace: &Workspace<'_>) {
    workspace.bring_evidence_due().await;
    let app = workspace.app();
    app.run_schedule("expire-evidence", "EachFiveMinutes").await;
}

#[tokio::test]
async fn text_is_added_without_script_removed_and_restored() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let case = banned(&workspace).await;
    let mut ada = workspace.signed_in("Ada", &[ManageBans]).await;
    let refused = ada
        .submit(PLAYER, ADD, &[("case", &case), ("text", " ")])
        .await;
    assert_eq!(refused.status, 422, "{refused}");
    let fields = [("case", case.as_str()), ("text", HOSTILE)];
    let added = ada.submit_shown(&refused, ADD, &fields).await;
    let page = ada.follow(&added).await;
    assert!(page.text.contains("The evidence is added"), "{page}");
    assert!(!page.text.contains("<img src=x"), "{page}");
    let again = ada.submit_shown(&refused, ADD, &fields).await;
    assert_eq!(again.status, 303, "{again}");
    let guids = pieces(&ada.get(PLAYER).await, "remove");
    assert_eq!(guids.len(), 1, "a double click adds one piece");

    let remove = format!("/console/evidence/{}/remove", guids[0]);
    let removed = ada.submit_shown(&page, &remove, &[]).await;
    let page = ada.follow(&removed).await;
    assert_eq!(pieces(&page, "restore"), guids);
    let seen = workspace
        .send(Call::get(&format!("/evidence/{}", guids[0])))
        .await;
    seen.assert_error(404, "not_found");
    let restore = format!("/console/evidence/{}/restore", guids[0]);
    let restored = ada.submit_shown(&page, &restore, &[]).await;
    assert_eq!(restored.status, 303, "{restored}");
    let seen = workspace
        .send(Call::get(&format!("/evidence/{}", guids[0])))
        .await;
    assert_eq!(
        seen.success()["evidenceContent"],
        base64(HOSTILE.as_bytes())
    );
    let events = workspace.stored_of("activity").await;
    let mut names: Vec<_> = events
        .iter()
        .map(|it| it["event"]["S"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["EVIDENCE_ADDED", "EVIDENCE_ADDED", "EVIDENCE_REMOVED"]
    );
    assert!(
        events.iter().all(|it| it["channel"]["S"] == "console"),
        "{events:?}"
    );
}

#[tokio::test]
async fn file_is_uploaded_shown_by_a_link_and_deleted_after_its_removal() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let case = banned(&workspace).await;
    let mut ada = workspace.signed_in("Ada", &[ManageBans]).await;
    let guid = add_picture(&mut ada, &case).await;
    let page = ada.get(PLAYER).await;
    let content = format!("/console/evidence/{guid}/content");
    assert!(
        page.text.contains(&format!("<img src=\"{content}\"")),
        "{page}"
    );
    let led = ada.get(&content).await;
    assert_eq!(led.status, 303, "{led}");
    let link = led.header("location").unwrap();
    let policy = page.header("content-security-policy").unwrap();
    let origin = link.split('/').take(3).collect::<Vec<_>>().join("/");
    for source in ["img-src", "media-src", "connect-src"] {
        assert!(
            policy.contains(&format!("{source} 'self' {origin};")),
            "{policy}"
        );
    }
    let list = ada.get("/console/bans").await;
    let policy = list.header("content-security-policy").unwrap();
    assert!(!policy.contains(&origin), "{policy}");
    let request = Request::get(link).body(Bytes::new()).unwrap();
    let file = Client::new().send(request).await.unwrap();
    let disposition = file.headers()["content-disposition"].to_str().unwrap();
    assert!(disposition.starts_with("attachment"), "{disposition}");
    assert_eq!(file.body().as_ref(), PNG);

    let removed = ada
        .submit_shown(&page, &format!("/console/evidence/{guid}/remove"), &[])
        .await;
    assert_eq!(removed.status, 303, "{removed}");
    assert_eq!(ada.get(&content).await.status, 404);
    assert!(
        has_file(&workspace, &guid).await,
        "the bytes are kept for the undo"
    );
    let page = ada.get(PLAYER).await;
    run_when_due(&workspace).await;
    assert!(!has_file(&workspace, &guid).await);
    let restore = format!("/console/evidence/{guid}/restore");
    let late = ada.submit_shown(&page, &restore, &[]).await;
    assert_eq!(late.status, 404, "{late}");
    run_when_due(&workspace).await;
    assert_eq!(
        workspace.stored_of("removed-evidence").await,
        Vec::<Value>::new()
    );
}

#[tokio::test]
async fn erasure_does_not_wait_for_the_end_of_an_undo() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let case = banned(&workspace).await;
    let mut ada = workspace.signed_in("Ada", &[ManageBans]).await;
    let guid = add_picture(&mut ada, &case).await;
    let fields = [("case", case.as_str()), ("text", "aimbot")];
    ada.submit(PLAYER, ADD, &fields).await;
    let page = ada.get(PLAYER).await;
    for guid in pieces(&page, "remove") {
        let remove = format!("/console/evidence/{guid}/remove");
        assert_eq!(ada.submit_shown(&page, &remove, &[]).await.status, 303);
    }
    let page = ada.get(PLAYER).await;
    let user = UserId::new(156).unwrap();
    let erased = app
        .store()
        .erase_user(workspace.id().prefix(), user, ErasureSource::Operator)
        .await;
    erased.unwrap();
    let left = json!(workspace.stored().await).to_string();
    for word in ["aimbot", "clip 1.png", "#U#156"] {
        assert!(!left.contains(word), "{word}: {left}");
    }
    let restore = format!("/console/evidence/{guid}/restore");
    let restored = ada.submit_shown(&page, &restore, &[]).await;
    assert_eq!(restored.status, 404, "{restored}");
    // What is left is due at once, not at the end of the undo.
    app.run_schedule("expire-evidence", "EachFiveMinutes").await;
    assert!(!has_file(&workspace, &guid).await);
}

#[tokio::test]
async fn evidence_is_for_moderators_of_its_workspace() {
    let app = TestApp::start().await;
    let first = app.workspace().await;
    let case = banned(&first).await;
    let mut ada = first.signed_in("Ada", &[ManageBans]).await;
    let guid = add_picture(&mut ada, &case).await;
    let mut vera = first.signed_in("Vera", &[View]).await;
    let second = app.workspace().await;
    let mut mallory = second.signed_in("Mallory", &[ManageBans]).await;
    let page = vera.get(PLAYER).await;
    assert!(!page.text.contains("clip 1.png"), "{page}");
    let page = mallory.get(PLAYER).await;
    assert!(!page.text.contains("clip 1.png"), "{page}");
    for (browser, status) in [(&mut vera, 403), (&mut mallory, 404)] {
        let page = browser.get("/console/bans").await;
        let csrf = token(&page);
        let content = format!("/console/evidence/{guid}/content");
        assert_eq!(browser.get(&content).await.status, status);
        let fields = [("csrf", csrf.as_str()), ("case", &case), ("text", "x")];
        for path in [
            ADD.to_owned(),
            format!("/console/evidence/{guid}/complete"),
            format!("/console/evidence/{guid}/remove"),
            format!("/console/evidence/{guid}/restore"),
        ] {
            let refused = browser.post(&path, &fields).await;
            let expected = if path == ADD && status == 404 {
                409
            } else {
                status
            };
            assert_eq!(refused.status, expected, "{path}: {refused}");
        }
    }
    let kept = first.send(Call::get(&format!("/evidence/{guid}"))).await;
    assert_eq!(kept.success()["state"], "available");
}

#[tokio::test]
async fn wrong_declarations_are_refused_in_words() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let case = banned(&workspace).await;
    let mut ada = workspace.signed_in("Ada", &[ManageBans]).await;
    let csrf = token(&ada.get(PLAYER).await);
    let sha256 = base64(&Sha256::digest(PNG));
    for (name, kind, size) in [
        ("../a.png", "image/png", "10"),
        ("a.svg", "image/svg+xml", "10"),
        ("a.png", "image/png", "104857601"),
    ] {
        let fields = [
            ("csrf", csrf.as_str()),
            ("case", &case),
            ("name", name),
            ("type", kind),
            ("size", size),
            ("sha256", &sha256),
        ];
        let refused = ada.post(&format!("{ADD}/file"), &fields).await;
        assert_eq!(refused.status, 400, "{refused}");
        let said: Value = serde_json::from_str(&refused.text).unwrap();
        assert!(said["error"].as_str().unwrap().ends_with('.'), "{said}");
    }
}
