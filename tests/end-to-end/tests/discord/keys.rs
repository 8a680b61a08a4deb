//! `/bindapikey`: a key of Roblox Open Cloud goes from the form to its secret, and nowhere else.

use std::time::Duration;

use end_to_end::discord::OnDiscord;
use end_to_end::{Call, TestApp, Workspace, template};
use local_stack::discord::{DiscordFault, FakeGuild, KIM, caller};
use local_stack::fault_proxy::Fault;
use local_stack::faults::Rule;
use local_stack::roblox::Key;
use serde_json::{Value, json};
use shared::domain::members::MemberPermission::{Administrator, ManageBans, ManageGlobalBans};
use shared::store::MirrorOptions;

use crate::{EXPERIENCE, with_ada};

const UNIVERSE: u64 = 7;
const OTHER_GUILD: u64 = 613_425_648_685_547_542;
const KEY: &str = "a-key-of-open-cloud/+=";
const NEWER_KEY: &str = "a-newer-key-of-open-cloud";

async fn with_roblox<'a>(app: &'a TestApp) -> (Workspace<'a>, OnDiscord<'a>) {
    app.roblox().add_place(EXPERIENCE, UNIVERSE);
    for key in [KEY, NEWER_KEY] {
        app.roblox().add_key(key, &[UNIVERSE]);
    }
    with_ada(app, &[Administrator]).await
}

fn place() -> String {
    EXPERIENCE.to_string()
}

fn secret(workspace: &Workspace<'_>, of: &str) -> String {
    format!("portcullis/local/bound/{}/{of}", workspace.id().prefix())
}

fn form(ada: &OnDiscord<'_>, place: &str, key: &str) -> Value {
    ada.submit_body("bind-key", &[("placeid", place), ("key", key)])
}

/// The secrets that a form has stored.
fn bound(app: &TestApp) -> Vec<String> {
    let mut names = app.secrets().names();
    names.retain(|name| name.contains("/bound/"));
    names
}

async fn bindings(workspace: &Workspace<'_>) -> Vec<Value> {
    let events = workspace.send(Call::get("/events")).await.success();
    let mut events = events["list"].as_array().unwrap().clone();
    events.retain(|event| event["event"] == "KEY_BOUND");
    events
}

#[test]
fn nothing_keeps_the_event_with_the_key_and_no_other_function_stores_secrets() {
    let settings = &template().resources()["BindKeyFunction"]["Properties"];
    let kept = json!({ "MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60 });
    assert_eq!(settings["EventInvokeConfig"], kept);
    assert!(settings.get("DeadLetterQueue").is_none());
    for function in template().functions() {
        let grants = function.grants.iter().map(|grant| grant.action.as_str());
        let of_secrets = grants.filter(|it| it.starts_with("secretsmanager:"));
        let reads: Vec<_> = of_secrets
            .map(|it| it.ends_with(":GetSecretValue"))
            .collect();
        let only_reads = reads.iter().all(|reads| *reads);
        match function.name.as_str() {
            "bind-key" => assert!(!reads.is_empty() && !reads.contains(&true)),
            name => assert!(only_reads, "{name}"),
        }
    }
}

#[tokio::test]
async fn key_is_stored_recorded_and_in_no_other_place() {
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, ada) = with_roblox(&app).await;
    let opened = ada.command("bindapikey", &[("placeid", &place())]).await;
    assert_eq!(opened.0["custom_id"], "bind-key");
    assert_eq!(opened.prefilled("placeid"), place());
    assert_eq!(opened.prefilled("key"), "");

    let body = form(&ada, &place(), &format!(" {KEY}\n"));
    app.defer(&body).await;
    let shown = app.interact_to_the_end(&body).await;
    let name = secret(&workspace, &place());
    shown.says(&format!("stored as the secret `{name}`"));
    shown.says(&format!(
        "portcullis mirror set {EXPERIENCE} --secret {name}"
    ));
    assert_eq!(app.secrets().get(&name).as_deref(), Some(KEY));
    app.quiet().await;

    let events = bindings(&workspace).await;
    assert_eq!(events.len(), 1, "{events:?}");
    let data = json!({ "experienceId": EXPERIENCE, "universeId": UNIVERSE, "secret": name });
    assert_eq!(events[0]["data"], data);
    assert_eq!(events[0]["actor"]["type"], "member");
    assert_eq!(events[0]["actor"]["channel"], "discord");
    assert_eq!(events[0].get("robloxId"), None);

    // Neither the key nor the token is anywhere else, and no other worker has received them.
    let token = body["token"].as_str().unwrap();
    for function in ["discord-interactions", "bind-key", "publish-events"] {
        for line in app.runtime().logs(function) {
            let text = &line.text;
            assert!(!text.contains(KEY) && !text.contains(token), "{text}");
        }
    }
    assert_eq!(app.runtime().logs("discord-worker").len(), 0);
    for table in [&app.tables().workspaces, &app.tables().bans] {
        let scan = json!({ "TableName": table });
        let all = app.database().call("Scan", &scan).await.unwrap();
        assert!(!all.to_string().contains(KEY));
    }
    shown.does_not_say(KEY);

    // The mirror reads it under its name.
    let options = MirrorOptions::ALL;
    workspace
        .set_mirror(EXPERIENCE, UNIVERSE, &name, options)
        .await;
    let again = app
        .interact_to_the_end(&form(&ada, &place(), NEWER_KEY))
        .await;
    again.says("uses it within a minute");
    assert_eq!(app.secrets().get(&name).as_deref(), Some(NEWER_KEY));
}

#[tokio::test]
async fn form_that_a_failing_database_delays_goes_to_no_other_function() {
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, ada) = with_roblox(&app).await;
    let throttled = Rule::from(Fault::Throttle).on("BatchGetItem").times(3);
    app.faults().inject(throttled);
    let shown = app.interact_to_the_end(&form(&ada, "", KEY)).await;
    shown.says("is stored");
    assert_eq!(app.faults().struck().len(), 3);
    assert_eq!(bound(&app), [secret(&workspace, "workspace")]);
    assert_eq!(app.runtime().logs("discord-worker").len(), 0);
}

#[tokio::test]
async fn key_of_the_whole_workspace_has_a_secret_of_its_own() {
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, ada) = with_roblox(&app).await;
    let opened = ada.command("bindapikey", &[]).await;
    assert_eq!(opened.prefilled("placeid"), "");
    let shown = app.interact_to_the_end(&form(&ada, "", KEY)).await;
    let name = secret(&workspace, "workspace");
    shown.says(&format!("portcullis group allow GROUP --secret {name}"));
    assert_eq!(bound(&app), [name.clone()]);
    app.quiet().await;
    let data = bindings(&workspace).await[0]["data"].clone();
    assert_eq!(data, json!({ "secret": name }));
}

#[tokio::test]
async fn older_key_never_replaces_a_newer_one() {
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, ada) = with_roblox(&app).await;
    let name = secret(&workspace, &place());
    // What the operator stored before is replaced.
    app.secrets().set(&name, "of-the-operator");
    let mut older = form(&ada, &place(), KEY);
    older["id"] = json!(caller::new_id(Duration::from_mins(2)).to_string());
    let newer = form(&ada, &place(), NEWER_KEY);
    let stored = app.interact_to_the_end(&newer).await;
    stored.says("is stored");
    let late = app.interact_to_the_end(&older).await;
    late.says("A key that was sent after this one is stored already");
    assert_eq!(app.secrets().get(&name).as_deref(), Some(NEWER_KEY));

    // However often Discord or Lambda repeats it, it is stored and recorded once.
    let repeated = app.interact_to_the_end(&newer).await;
    assert_eq!(repeated, stored);
    let event = json!({ "interaction": newer.to_string() });
    app.invoke("bind-key", &event).await.unwrap();
    let late = json!({ "interaction": older.to_string() });
    app.invoke("bind-key", &late).await.unwrap();
    assert_eq!(app.secrets().get(&name).as_deref(), Some(NEWER_KEY));
    app.quiet().await;
    assert_eq!(bindings(&workspace).await.len(), 1);
}

#[tokio::test]
async fn simultaneous_forms_store_the_newest_key() {
    let app = TestApp::builder().instances(4).start().await;
    let (workspace, ada) = with_roblox(&app).await;
    let keys: Vec<_> = (0..6).map(|at| format!("key-{at}")).collect();
    let mut bodies = Vec::new();
    for key in &keys {
        app.roblox().add_key(key, &[UNIVERSE]);
        bodies.push(form(&ada, &place(), key));
    }
    bodies.reverse();
    let all = bodies.iter().map(|body| app.interact_to_the_end(body));
    futures::future::join_all(all).await;
    app.background_settled().await;
    // A call that other calls prevented says so, and is sent again.
    app.interact_to_the_end(&bodies[0]).await;
    let name = secret(&workspace, &place());
    assert_eq!(app.secrets().get(&name).as_deref(), Some("key-5"));
}

#[tokio::test]
async fn only_administrators_bind_keys() {
    let app = TestApp::start().await;
    let (_workspace, ada) = with_ada(&app, &[ManageBans, ManageGlobalBans]).await;
    ada.command("bindapikey", &[])
        .await
        .says("You lack the permission `administrator`");
    let body = form(&ada, "", KEY);
    let sent = app.interact_to_the_end(&body).await;
    sent.says("You lack the permission `administrator`");
    // The function that stores keys asks again.
    let event = json!({ "interaction": body.to_string() });
    app.invoke("bind-key", &event).await.unwrap();
    let answer = app
        .discord()
        .original(body["token"].as_str().unwrap())
        .unwrap();
    assert!(answer.to_string().contains("You lack the permission"));
    assert_eq!(bound(&app), [""; 0]);
}

#[tokio::test]
async fn key_that_roblox_does_not_accept_is_refused() {
    let app = TestApp::start().await;
    let (workspace, ada) = with_roblox(&app).await;
    app.roblox().add_key("of-another-universe", &[8]);
    app.roblox().add_key("disabled", &[UNIVERSE]);
    app.roblox().kill_key("disabled");
    app.roblox().set_key(
        "weak",
        Key::new(&[UNIVERSE]).without("universe-messaging-service:publish"),
    );
    for (key, says) in [
        ("unknown", "Roblox does not accept this key"),
        ("disabled", "was not stored"),
        ("of-another-universe", "lacks these scopes for universe 7"),
        ("weak", "`universe-messaging-service:publish`"),
    ] {
        let shown = app.interact_to_the_end(&form(&ada, &place(), key)).await;
        shown.says(says);
        shown.says("not stored");
    }
    for (place, key, says) in [
        ("7", KEY, "not linked"),
        ("x", KEY, "not linked"),
        (place().as_str(), "two\nlines", "This is no key"),
        (place().as_str(), " ", "This is no key"),
    ] {
        let shown = app.interact_to_the_end(&form(&ada, place, key)).await;
        shown.says(says);
    }
    ada.command("bindapikey", &[("placeid", "7")])
        .await
        .says("not linked");
    assert_eq!(bound(&app), [""; 0]);
    app.quiet().await;
    assert_eq!(bindings(&workspace).await, [] as [Value; 0]);
}

#[tokio::test]
async fn workspaces_bind_their_own_experiences_alone() {
    let app = TestApp::start().await;
    let (first, ada) = with_roblox(&app).await;
    app.discord()
        .set_guild(OTHER_GUILD, FakeGuild::new(KIM).member(KIM, &[]));
    let second = app.workspace().await;
    second.link(8).await;
    second.link_guild(OTHER_GUILD).await;
    second.add_on_discord("Kim", KIM, &[Administrator]).await;
    let kim = app.on_discord(OTHER_GUILD, KIM);
    let shown = app.interact_to_the_end(&form(&kim, &place(), KEY)).await;
    shown.says("not linked");
    app.interact_to_the_end(&form(&kim, "", NEWER_KEY))
        .await
        .says("is stored");
    app.interact_to_the_end(&form(&ada, "", KEY))
        .await
        .says("is stored");
    for (workspace, key) in [(&first, KEY), (&second, NEWER_KEY)] {
        let name = secret(workspace, "workspace");
        assert_eq!(app.secrets().get(&name).as_deref(), Some(key));
    }
}

#[tokio::test]
async fn old_form_is_not_stored_and_a_late_answer_is() {
    let app = TestApp::start().await;
    let (workspace, ada) = with_roblox(&app).await;
    let mut old = form(&ada, "", KEY);
    old["id"] = json!(caller::new_id(Duration::from_mins(16)).to_string());
    let event = json!({ "interaction": old.to_string() });
    app.invoke("bind-key", &event).await.unwrap();
    assert_eq!(bound(&app), [""; 0]);

    let original = || "@original".to_owned();
    let late = Rule::from(DiscordFault::UnknownWebhook);
    app.discord().fail(late.on(original()).times(1));
    let many = Rule::from(DiscordFault::TooMany(0.3));
    app.discord().fail(many.on(original()).times(1));
    app.interact_to_the_end(&form(&ada, "", KEY))
        .await
        .says("is stored");
    assert_eq!(bound(&app), [secret(&workspace, "workspace")]);
}
