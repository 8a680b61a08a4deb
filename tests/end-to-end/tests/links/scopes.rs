//! Who may read and change links.

use end_to_end::{Call, KeySpec, TestApp};
use serde_json::json;
use shared::domain::keys::KeyScope;

use super::{
    DISCORD, OTHER_ROBLOX, ROBLOX, WRONG, code_of, import, link, linked, make, of_discord,
    of_roblox, redeem, typed,
};

#[tokio::test]
async fn each_route_needs_its_scope() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let lookup = Call::post("/links/lookup").json(&json!({ "roblox": [ROBLOX] }));
    let calls = [
        (of_roblox("GET", ROBLOX), KeyScope::ReadLinks),
        (of_discord(DISCORD), KeyScope::ReadLinks),
        (lookup, KeyScope::ReadLinks),
        (make(&json!({ "userId": ROBLOX })), KeyScope::WriteLinks),
        (
            redeem(&json!({ "code": WRONG, "userId": ROBLOX })),
            KeyScope::WriteLinks,
        ),
        (import(ROBLOX, DISCORD), KeyScope::ImportLinks),
        (of_roblox("DELETE", ROBLOX), KeyScope::ImportLinks),
    ];
    for (call, needed) in calls {
        for scope in KeyScope::ALL {
            let key = workspace.make_key(KeySpec::scopes(&[scope])).await;
            let answer = workspace.with_key(&key).send(call.clone()).await;
            let is_forbidden = answer.status == 403;
            assert_eq!(is_forbidden, scope != needed, "{scope:?} {answer}");
            if is_forbidden {
                assert!(answer.text.contains(needed.name()), "{answer}");
            }
        }
        let public = workspace.with_key(workspace.public_key());
        public.send(call).await.assert_error(403, "forbidden");
    }
}

#[tokio::test]
async fn workspace_has_no_access_to_the_links_of_another() {
    let app = TestApp::start().await;
    let (first, second) = (app.workspace().await, app.workspace().await);
    let open = code_of(&first, DISCORD).await;
    let foreign = typed(&second, &open, ROBLOX).await;
    foreign.assert_error(404, "not_found");
    typed(&first, &open, ROBLOX).await.assert_ok();
    let before = linked(&first, ROBLOX).await;
    for call in [
        of_roblox("GET", ROBLOX),
        of_discord(DISCORD),
        of_roblox("DELETE", ROBLOX),
    ] {
        second.send(call).await.assert_error(404, "not_found");
    }
    // The same accounts may be linked otherwise there.
    link(&second, OTHER_ROBLOX, DISCORD).await;
    assert_eq!(linked(&first, ROBLOX).await, before);
    assert_eq!(linked(&second, ROBLOX).await, None);
}
