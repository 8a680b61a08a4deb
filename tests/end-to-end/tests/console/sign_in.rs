//! Invitations, sessions, and what refuses forms of other sites.

use end_to_end::{Ban, TestApp};
use shared::domain::members::MemberPermission::{Administrator, ManageBans};

const EXPERIENCE: u64 = 75_521_396_999_004;

#[tokio::test]
async fn link_signs_in_once_and_opening_it_uses_nothing_up() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let member = workspace.add_member("Ada <b>", &[Administrator]).await;
    let link = workspace.invite(member).await;
    let mut browser = workspace.browser();
    for _ in 0..2 {
        let page = browser.get(&link).await;
        assert_eq!(page.status, 200, "{page}");
        assert!(page.text.contains("Ada &#60;b&#62;"), "{page}");
        assert_eq!(browser.cookie, None);
    }
    let signed_in = browser.post(&link, &[]).await;
    let cookie = signed_in.header("set-cookie").unwrap();
    for part in [
        "__Host-portcullis=",
        "Secure",
        "HttpOnly",
        "Path=/",
        "SameSite=Lax",
    ] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert_eq!(browser.follow(&signed_in).await.status, 200);

    let mut second = workspace.browser();
    assert_eq!(second.post(&link, &[]).await.status, 404);
    assert_eq!(second.get(&link).await.status, 404);
    assert_eq!(second.cookie, None);
    assert_eq!(second.get("/console/sign-in/nonsense").await.status, 404);
}

#[tokio::test]
async fn session_of_a_visitor_is_never_adopted() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let mut other = workspace.signed_in("Mallory", &[ManageBans]).await;
    let planted = other.cookie.clone();
    let mut victim = workspace.browser();
    victim.cookie.clone_from(&planted);
    let member = workspace.add_member("Ada", &[Administrator]).await;
    victim.post(&workspace.invite(member).await, &[]).await;
    assert_ne!(victim.cookie, planted);
    assert!(other.get("/console/bans").await.text.contains("Mallory"));
}

#[tokio::test]
async fn signing_out_ends_this_session_or_all() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let member = workspace.add_member("Ada", &[Administrator]).await;
    let mut browsers = [
        workspace.browser(),
        workspace.browser(),
        workspace.browser(),
    ];
    for browser in &mut browsers {
        let link = workspace.invite(member).await;
        browser.post(&link, &[]).await;
    }
    let [mut first, mut second, mut third] = browsers;
    let stolen = first.cookie.clone();
    let out = [("where", "here")];
    first
        .submit("/console/bans", "/console/sign-out", &out)
        .await;
    assert_eq!(first.cookie, None);
    first.cookie = stolen;
    assert_eq!(first.get("/console/bans").await.status, 401);
    assert_eq!(second.get("/console/bans").await.status, 200);

    let everywhere = [("where", "everywhere")];
    second
        .submit("/console/bans", "/console/sign-out", &everywhere)
        .await;
    assert_eq!(third.get("/console/bans").await.status, 401);
}

#[tokio::test]
async fn removed_member_is_out_with_the_next_request() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let member = workspace.add_member("Ada", &[Administrator]).await;
    let mut browser = workspace.browser();
    browser.post(&workspace.invite(member).await, &[]).await;
    let link = workspace.invite(member).await;
    let now = shared::domain::clock::UnixSeconds(end_to_end::now());
    let prefix = workspace.id().prefix();
    let removed = app
        .store()
        .change_member(prefix, member, |it| it.removed = Some(now));
    removed.await.unwrap().unwrap().unwrap();
    assert_eq!(browser.get("/console/bans").await.status, 401);
    assert_eq!(browser.post(&link, &[]).await.status, 404);
}

#[tokio::test]
async fn forms_of_other_sites_and_sessions_change_nothing() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(156, EXPERIENCE).permanent()).await;
    app.settle().await;
    let mut browser = workspace.signed_in("Ada", &[Administrator]).await;
    let page = browser.get("/console/ban?user=157").await;
    let fields = [
        ("scope", "experience"),
        ("experience", "75521396999004"),
        ("length", "1d"),
        ("public_reason", "Spam"),
    ];
    for site in ["cross-site", "same-site", "none"] {
        browser.site = site;
        let refused = browser.submit_shown(&page, "/console/ban", &fields).await;
        assert_eq!(refused.status, 403, "{site}: {refused}");
        let link = browser.post("/console/sign-in/x", &[]).await;
        assert_eq!(link.status, 403, "{site}");
    }
    browser.site = "same-origin";
    let mut other = workspace.signed_in("Mallory", &[Administrator]).await;
    let refused = other.submit_shown(&page, "/console/ban", &fields).await;
    assert_eq!(refused.status, 403, "{refused}");
    let without = browser.post("/console/ban", &fields).await;
    assert_eq!(without.status, 403, "{without}");
    assert!(
        !workspace.check(157, EXPERIENCE).await["isBanned"]
            .as_bool()
            .unwrap()
    );

    let made = browser.submit_shown(&page, "/console/ban", &fields).await;
    assert_eq!(made.status, 303, "{made}");
}

#[tokio::test]
async fn ended_session_keeps_what_was_typed() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let mut browser = workspace.browser();
    let typed = [("public_reason", "Hours of <work>"), ("csrf", "secret")];
    let page = browser.post("/console/ban", &typed).await;
    assert_eq!(page.status, 401, "{page}");
    assert!(page.text.contains("Hours of &#60;work&#62;"), "{page}");
    assert!(!page.text.contains("secret"), "{page}");
}

#[tokio::test]
async fn form_from_before_signing_in_again_keeps_what_was_typed() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let mut before = workspace.signed_in("Ada", &[ManageBans]).await;
    let page = before.get("/console/ban?user=157").await;
    let mut browser = workspace.signed_in("Ada", &[ManageBans]).await;
    let typed = [("public_reason", "Hours of <work>")];
    let refused = browser.submit_shown(&page, "/console/ban", &typed).await;
    assert_eq!(refused.status, 403, "{refused}");
    for part in ["Hours of &#60;work&#62;", "/console/players/157"] {
        assert!(refused.text.contains(part), "{part} in {refused}");
    }
}

#[tokio::test]
async fn every_page_has_the_strict_headers() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let mut browser = workspace.signed_in("Ada", &[Administrator]).await;
    for path in [
        "/console",
        "/console/bans",
        "/console/players/156",
        "/console/nothing",
        "/console/sign-in",
    ] {
        let page = browser.get(path).await;
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(page.header(name), Some(value), "{path}");
        }
        assert!(page.header("strict-transport-security").is_some());
        assert!(
            !page.text.contains(" style=") && !page.text.contains(" onclick"),
            "{path}"
        );
    }
    let missing = browser.get("/console/nothing").await;
    assert!(missing.text.contains(missing.request_id()), "{missing}");
}

#[tokio::test]
async fn files_are_cached_for_a_year_under_names_of_their_content() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let mut browser = workspace.browser();
    let page = browser.get("/console/sign-in").await.text;
    let files = page
        .split('"')
        .filter(|part| part.starts_with("/console/assets/"));
    let files: Vec<_> = files.map(str::to_owned).collect();
    assert_eq!(files.len(), 3, "{page}");
    for file in files {
        let answer = browser.get(&file).await;
        assert_eq!(answer.status, 200, "{file}");
        let cached = answer.header("cache-control").unwrap();
        assert!(cached.contains("immutable"), "{file}: {cached}");
    }
}
