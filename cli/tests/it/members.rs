//! Tests of `portcullis member` and `portcullis permission`.

use crate::harness::stderr;
use crate::stack::{Operator, app};
use serde_json::{Value, json};
use shared::domain::clock::UnixMillis;
use shared::domain::members::{InvitationToken, MemberPermission, SessionToken};

const DISCORD: &str = "80351110224678912";
const ROLE: &str = "613425648685547541/613425648685547000";

fn now() -> shared::domain::clock::UnixSeconds {
    UnixMillis::now().seconds()
}

/// Runs a command that must fail, and returns its message.
async fn refused(operator: &Operator, arguments: &[&str], code: i32) -> String {
    let done = operator.run(arguments).await;
    let said = stderr(&done);
    assert_eq!(done.status.code(), Some(code), "{arguments:?}: {said}");
    said
}

#[tokio::test]
async fn members_are_added_changed_and_removed() {
    let app = app().await;
    let workspace = app.workspace().await;
    let operator = Operator::of(&workspace);
    let add = [
        "member",
        "add",
        "Ada",
        "--roblox",
        "156",
        "--discord",
        DISCORD,
    ];
    let ada = operator.json(&add).await;
    assert_eq!(ada["permissions"], json!(["view"]));
    assert_eq!(ada["discordId"], DISCORD);

    let taken = ["member", "add", "Bob", "--roblox", "156"];
    let said = refused(&operator, &taken, 1).await;
    assert!(said.contains("another member"), "{said}");
    operator.json(&["member", "add", "Bob"]).await;
    let taken = ["member", "set", "Bob", "--discord", DISCORD];
    refused(&operator, &taken, 1).await;
    let said = refused(&operator, &["member", "show", "Cy"], 1).await;
    assert!(said.contains("no member"), "{said}");

    let set = ["member", "set", "ada", "--no-roblox", "--name", "Ada L."];
    let changed = operator.json(&set).await;
    assert_eq!(
        (&changed["name"], &changed["robloxId"]),
        (&json!("Ada L."), &Value::Null)
    );
    let free = ["member", "set", "Bob", "--roblox", "156"];
    assert_eq!(operator.json(&free).await["robloxId"], 156);

    let id = ada["memberId"].as_str().unwrap();
    operator.json(&["member", "remove", id]).await;
    let left = operator.json(&["member", "list"]).await;
    assert_eq!(left.as_array().unwrap().len(), 1);
    let all = operator.json(&["member", "list", "--removed"]).await;
    let removed = &all.as_array().unwrap()[0];
    assert_eq!(removed["permissions"], json!([]));
    assert!(removed["removed"].is_string(), "{removed}");
    let free = ["member", "set", "Bob", "--discord", DISCORD];
    assert_eq!(operator.json(&free).await["discordId"], DISCORD);
}

#[tokio::test]
async fn permissions_are_granted_to_members_and_by_rules() {
    let app = app().await;
    let workspace = app.workspace().await;
    let operator = Operator::of(&workspace);
    let add = ["member", "add", "Ada", "--discord", DISCORD];
    operator.json(&add).await;
    let grant = ["permission", "grant", "manage_bans", "--member", "Ada"];
    operator.json(&grant).await;
    let by_user = [
        "permission",
        "grant",
        "administrator",
        "--discord-user",
        DISCORD,
    ];
    let by_role = ["permission", "grant", "manage_bans", "--discord-role", ROLE];
    operator.json(&by_user).await;
    // A rule that is there already is not added twice.
    operator.json(&by_role).await;
    let listed = operator.json(&by_role).await;
    assert_eq!(listed.as_array().unwrap().len(), 4, "{listed}");
    let permissions = |member: &Value| member["permissions"].clone();
    let ada = operator.json(&["member", "show", "Ada"]).await;
    assert_eq!(
        permissions(&ada),
        json!(["view", "manage_bans", "administrator"])
    );

    let rule = listed.as_array().unwrap().iter();
    let mut rule = rule.filter(|grant| grant["permission"] == "administrator");
    let rule = rule.next().unwrap()["rule"].as_str().unwrap();
    operator
        .json(&["permission", "revoke", "--rule", rule])
        .await;
    refused(&operator, &["permission", "revoke", "--rule", rule], 1).await;
    let revoke = ["permission", "revoke", "manage_bans", "--member", "Ada"];
    operator.json(&revoke).await;
    refused(&operator, &revoke, 1).await;
    let ada = operator.json(&["member", "show", "Ada"]).await;
    assert_eq!(permissions(&ada), json!(["view"]));

    for wrong in [
        ["permission", "grant", "everything", "--member", "Ada"],
        ["permission", "grant", "view", "--discord-role", "1/2"],
        [
            "permission",
            "grant",
            "view",
            "--guild-permission",
            "613425648685547541/fly",
        ],
    ] {
        refused(&operator, &wrong, 2).await;
    }
}

#[tokio::test]
async fn invitation_signs_its_member_in_once() {
    let app = app().await;
    let workspace = app.workspace().await;
    let operator = Operator::of(&workspace);
    operator.json(&["member", "add", "Ada"]).await;
    let invited = operator.json(&["member", "invite", "Ada"]).await;
    let link = invited["link"].as_str().unwrap();
    let (before, token) = link.split_once("/console/sign-in/").unwrap();
    assert!(before.starts_with("http"), "{link}");
    let token: InvitationToken = token.parse().unwrap();
    let store = app.store();
    let guest = store.invited(&token).await.unwrap().unwrap();
    assert_eq!(guest.name.as_str(), "Ada");
    let (first, second) =
        futures::join!(store.sign_in(&token, now()), store.sign_in(&token, now()));
    let sessions: Vec<SessionToken> = [first, second]
        .into_iter()
        .filter_map(|session| session.ok().flatten())
        .collect();
    let [session] = sessions.as_slice() else {
        panic!("{sessions:?}");
    };
    assert!(store.invited(&token).await.unwrap().is_none());
    let signed_in = store.session(session, now()).await.unwrap().unwrap();
    assert!(signed_in.permissions.allows(MemberPermission::View));
    // A change takes effect with the next request.
    let grant = ["permission", "grant", "manage_bans", "--member", "Ada"];
    operator.json(&grant).await;
    let signed_in = store.session(session, now()).await.unwrap().unwrap();
    assert!(signed_in.permissions.allows(MemberPermission::ManageBans));

    operator.json(&["member", "remove", "Ada"]).await;
    assert!(store.session(session, now()).await.unwrap().is_none());
    let said = refused(&operator, &["member", "invite", "Ada"], 1).await;
    assert!(said.contains("removed"), "{said}");
}

#[tokio::test]
async fn sessions_end_one_by_one_and_all_at_once() {
    let app = app().await;
    let workspace = app.workspace().await;
    let operator = Operator::of(&workspace);
    let added = operator.json(&["member", "add", "Ada"]).await;
    let member = added["memberId"].as_str().unwrap().parse().unwrap();
    let (store, prefix) = (app.store(), workspace.id().prefix());
    let mut sessions = Vec::new();
    for _ in 0..3 {
        sessions.push(store.begin_session(prefix, member, now()).await.unwrap());
    }
    store.end_session(&sessions[0]).await.unwrap();
    let are_valid = async || {
        let mut valid = Vec::new();
        for session in &sessions {
            valid.push(store.session(session, now()).await.unwrap().is_some());
        }
        valid
    };
    assert_eq!(are_valid().await, [false, true, true]);
    assert_eq!(store.end_all_sessions(prefix, member).await.unwrap(), 2);
    assert_eq!(are_valid().await, [false; 3]);
    // The token of one workspace opens none in another.
    let other = app.workspace().await;
    let elsewhere = SessionToken::random(other.id().prefix(), member);
    assert!(store.session(&elsewhere, now()).await.unwrap().is_none());
}
