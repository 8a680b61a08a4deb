//! Tests of `portcullis discord role`.

use crate::discord::{refused, with_application};
use crate::harness::stderr;
use crate::stack::Operator;
use local_stack::discord::{BOT_ROLE, GUILD, MODERATORS, VERIFIED};
use serde_json::json;
use shared::domain::members::MemberPermission::ManageBans;

fn add<'a>(role: &'a str, who: &[&'a str]) -> Vec<&'a str> {
    let command = ["--stack", "local", "discord", "role", "add", role];
    [&command[..], who].concat()
}

#[tokio::test]
async fn rules_are_added_listed_and_removed() {
    let app = with_application().await;
    let workspace = app.workspace().await;
    workspace.link_guild(GUILD).await;
    let operator = Operator::of(&workspace);
    let verified = format!("{GUILD}/{VERIFIED}");
    let added = operator.json(&add(&verified, &["--linked"])).await;
    assert_eq!(added["roleId"], VERIFIED.to_string());
    assert_eq!(
        (&added["guildId"], &added["who"]),
        (&json!(GUILD.to_string()), &json!("linked"))
    );
    assert_eq!(operator.json(&add(&verified, &["--linked"])).await, added);
    let ranked = operator
        .json(&add(&verified, &["--group", "7", "--rank", "50"]))
        .await;
    assert_eq!((&ranked["group"], &ranked["rank"]), (&json!(7), &json!(50)));
    let list = ["discord", "role", "list"];
    assert_eq!(operator.json(&list).await, json!([added, ranked]));
    let rule = added["rule"].as_str().unwrap();
    let remove = ["discord", "role", "remove", rule];
    assert_eq!(operator.json(&remove).await, added);
    let said = refused(&operator, &remove).await;
    assert!(said.contains("there is no rule"), "{said}");
    assert_eq!(operator.json(&list).await, json!([ranked]));
    // Of another workspace, nothing is seen.
    let other = app.workspace().await;
    let other = Operator::of(&other);
    assert_eq!(other.json(&list).await, json!([]));
    let said = refused(&other, &add(&verified, &["--linked"])).await;
    assert!(said.contains("is not linked to the workspace"), "{said}");
}

#[tokio::test]
async fn role_that_the_application_cannot_give_is_refused() {
    let app = with_application().await;
    let workspace = app.workspace().await;
    workspace.link_guild(GUILD).await;
    let operator = Operator::of(&workspace);
    let verified = format!("{GUILD}/{VERIFIED}");
    for (role, who, what) in [
        (
            format!("{GUILD}/613425648685547699"),
            &["--linked"][..],
            "has no role",
        ),
        (
            format!("{GUILD}/{BOT_ROLE}"),
            &["--linked"],
            "belongs to an integration",
        ),
    ] {
        let said = refused(&operator, &add(&role, who)).await;
        assert!(said.contains(what), "{what}: {said}");
    }
    app.discord().set_bot_role(GUILD, 1 << 28, false);
    let said = refused(&operator, &add(&verified, &["--banned"])).await;
    assert!(
        said.contains("not below a role of the application"),
        "{said}"
    );
    app.discord().set_bot_role(GUILD, 0, true);
    let said = refused(&operator, &add(&verified, &["--banned"])).await;
    assert!(said.contains("MANAGE_ROLES"), "{said}");
    app.discord().set_bot(GUILD, false);
    let said = refused(&operator, &add(&verified, &["--banned"])).await;
    assert!(said.contains("adds it with"), "{said}");
    for who in [
        &[][..],
        &["--linked", "--banned"],
        &["--group", "7"],
        &["--rank", "7"],
    ] {
        let wrong = operator.run(&add(&verified, who)).await;
        assert_eq!(wrong.status.code(), Some(2), "{who:?}");
    }
}

#[tokio::test]
async fn role_that_gives_a_permission_is_pointed_out() {
    let app = with_application().await;
    let workspace = app.workspace().await;
    workspace.link_guild(GUILD).await;
    workspace.add_role_rule(ManageBans, GUILD, MODERATORS).await;
    let operator = Operator::of(&workspace);
    let done = operator
        .run(&add(&format!("{GUILD}/{MODERATORS}"), &["--linked"]))
        .await;
    assert_eq!(done.status.code(), Some(0));
    assert!(stderr(&done).contains("link confirm"), "{}", stderr(&done));
}
