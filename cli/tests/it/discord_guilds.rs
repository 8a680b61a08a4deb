//! Tests of `portcullis discord link`, `unlink` and `list`.

use crate::discord::{refused, with_application};
use crate::harness::stderr;
use crate::stack::Operator;
use local_stack::discord::GUILD;
use serde_json::json;

/// The id of a guild that the fake does not know.
const UNKNOWN: &str = "613425648685547999";

#[tokio::test]
async fn guild_belongs_to_one_workspace() {
    let app = with_application().await;
    let (one, other) = (app.workspace().await, app.workspace().await);
    let (ours, theirs) = (Operator::of(&one), Operator::of(&other));
    let guild = GUILD.to_string();
    let link = ["--stack", "local", "discord", "link", &guild];
    let linked = ours.json(&link).await;
    assert_eq!(linked["guildId"], guild);
    assert_eq!(linked["workspace"], one.guid());
    assert_eq!(ours.json(&link).await, linked);
    assert_eq!(ours.json(&["discord", "list"]).await, json!([linked]));

    let said = refused(&theirs, &link).await;
    let advice = format!("discord unlink {guild} --workspace {}", one.guid());
    assert!(said.contains(&advice), "{said}");
    let name = app.store().workspace(one.id().prefix()).await.unwrap();
    assert!(!said.contains(&name.unwrap().name), "{said}");
    assert_eq!(theirs.json(&["discord", "list"]).await, json!([]));
    let unlink = ["discord", "unlink", &guild];
    let said = refused(&theirs, &unlink).await;
    assert!(said.contains("not linked to the workspace"), "{said}");
    assert_eq!(ours.json(&unlink).await, linked);
    assert_eq!(ours.json(&["discord", "list"]).await, json!([]));
    assert_eq!(theirs.json(&link).await["workspace"], other.guid());
}

#[tokio::test]
async fn link_warns_when_the_bot_is_not_there_or_cannot_be_asked() {
    let app = with_application().await;
    let workspace = app.workspace().await;
    let operator = Operator::of(&workspace);
    let warned = async |arguments: &[&str], what: &str| {
        let done = operator.run(arguments).await;
        let said = stderr(&done);
        assert_eq!(done.status.code(), Some(0), "{said}");
        assert!(
            said.starts_with("warning: ") && said.contains(what),
            "{said}"
        );
    };
    let link = ["discord", "link", UNKNOWN];
    warned(&link, "use --stack").await;
    let link = [&["--stack", "local"], &link[..]].concat();
    warned(&link, "adds it with").await;
    let of_guild = ["--stack", "local", "discord", "link", &GUILD.to_string()];
    assert_eq!(stderr(&operator.run(&of_guild).await), "");
    app.discord().set_bot(GUILD, false);
    warned(&of_guild, "adds it with").await;
    app.secrets().remove(local_stack::discord::BOT_TOKEN_SECRET);
    warned(&link, "create-secret").await;
    let wrong = operator.run(&["discord", "link", "7"]).await;
    assert_eq!(wrong.status.code(), Some(2));
}
