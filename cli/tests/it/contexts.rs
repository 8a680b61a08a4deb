//! Tests of contexts, of workspaces by name, and of where values come from.

use std::path::Path;
use std::process::{Command, Output};

use crate::harness::{Portcullis, assert_refused, command, stderr, stdout};
use serde_json::{Value, json};

const KEY: &str = "sentinelAPI.00000000-0000-4000-8000-000000000001";
const DEMO: &str = "00000000-0000-4000-8000-000000000001";

/// The command with a file of contexts and variables.
fn with(file: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    run(command()
        .env("PORTCULLIS_CONFIG", file)
        .envs(variables.iter().copied())
        .args(arguments))
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap()
}

fn json_of(done: &Output) -> Value {
    assert_eq!(done.status.code(), Some(0), "{}", stderr(done));
    serde_json::from_slice(&done.stdout).unwrap()
}

#[tokio::test]
async fn argument_overrides_variable_and_variable_overrides_context() {
    let portcullis = Portcullis::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new/config.toml");
    let endpoint = format!("endpoint={}", portcullis.engine.endpoint());
    let set = ["context", "set", "dev", &endpoint, "workspace=demo-1"];
    let made = json_of(&with(&file, &[], &[&set[..], &["--json"]].concat()));
    assert_eq!(
        (&made["name"], &made["workspace"], &made["isCurrent"]),
        (&json!("dev"), &json!("demo-1"), &json!(false))
    );
    let show = |variables: &[(&str, &str)], more: &[&str]| {
        let arguments = [&["workspace", "show", "--json"], more].concat();
        json_of(&with(&file, variables, &arguments))["name"].clone()
    };
    let refused = with(&file, &[], &["workspace", "show"]);
    assert_refused(&refused, 2, "BANS_TABLE");
    assert_eq!(show(&[], &["--context", "dev"]), "demo-1");
    assert_eq!(show(&[("PORTCULLIS_CONTEXT", "dev")], &[]), "demo-1");
    assert_eq!(
        with(&file, &[], &["context", "use", "dev"]).status.code(),
        Some(0)
    );
    assert_eq!(show(&[], &[]), "demo-1");
    let other = [("PORTCULLIS_WORKSPACE", "demo-2")];
    assert_eq!(show(&other, &[]), "demo-2");
    assert_eq!(show(&other, &["-w", "demo-1"]), "demo-1");
    assert_eq!(show(&other, &[DEMO]), "demo-1");
    // An empty name chooses no context.
    assert_refused(
        &with(&file, &[("PORTCULLIS_CONTEXT", "")], &["workspace", "show"]),
        2,
        "BANS_TABLE",
    );
    // A stack is more explicit than the context's endpoint, so it is looked for.
    let stack = [
        ("AWS_ENDPOINT_URL_CLOUDFORMATION", "http://127.0.0.1:9"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
    ];
    let refused = with(&file, &stack, &["workspace", "show", "--stack", "other"]);
    assert_refused(&refused, 1, "CloudFormation");

    let listed = json_of(&with(&file, &[], &["context", "list", "--json"]));
    assert_eq!(
        (&listed[0]["name"], &listed[0]["isCurrent"]),
        (&json!("dev"), &json!(true))
    );
    assert_eq!(
        with(&file, &[], &["context", "remove", "dev"])
            .status
            .code(),
        Some(0)
    );
    let listed = json_of(&with(&file, &[], &["context", "list", "--json"]));
    assert_eq!(listed, json!([]));
    assert_refused(
        &with(&file, &[], &["context", "show"]),
        2,
        "no context is in use",
    );
}

#[tokio::test]
async fn wrong_values_say_where_they_came_from() {
    let portcullis = Portcullis::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    let endpoint = format!("endpoint={}", portcullis.engine.endpoint());
    let set = [
        "context",
        "set",
        "prod",
        &endpoint,
        "workspace=nowhere",
        "moderator=0",
    ];
    assert_eq!(with(&file, &[], &set).status.code(), Some(0));
    let prod = [("PORTCULLIS_CONTEXT", "prod")];

    let show = ["workspace", "show"];
    assert_refused(&with(&file, &prod, &show), 1, "from context `prod`");
    let variable = [prod[0], ("PORTCULLIS_WORKSPACE", "missing")];
    assert_refused(
        &with(&file, &variable, &show),
        1,
        "from PORTCULLIS_WORKSPACE",
    );
    let argument = with(&file, &variable, &["workspace", "show", "-w", "other"]);
    assert_refused(&argument, 1, "\"other\" does not exist");
    assert!(
        !stderr(&argument).contains("the value is from"),
        "{}",
        stderr(&argument)
    );

    let ban = ["ban", "156", "-e", "7", "--permanent", "--reason", "x"];
    assert_refused(&with(&file, &prod, &ban), 2, "from context `prod`");
    let variable = [prod[0], ("PORTCULLIS_MODERATOR", "me")];
    assert_refused(
        &with(&file, &variable, &ban),
        2,
        "from PORTCULLIS_MODERATOR",
    );
    // What only the installation knows to be wrong.
    let variable = [
        prod[0],
        ("PORTCULLIS_WORKSPACE", "demo-1"),
        ("PORTCULLIS_MODERATOR", "1"),
        ("PORTCULLIS_EXPERIENCE", "9"),
        ("USER", "ada"),
    ];
    let ban = ["ban", "156", "--permanent", "--reason", "x"];
    let refused = with(&file, &variable, &ban);
    assert_refused(&refused, 1, "from PORTCULLIS_EXPERIENCE");
    let api = [
        ("PORTCULLIS_API", "http://127.0.0.1:9"),
        ("PORTCULLIS_KEY", KEY),
    ];
    let refused = with(&file, &api, &["check", "156", "-e", "7"]);
    assert_refused(&refused, 1, "from PORTCULLIS_API");
    let unknown = with(&file, &[("PORTCULLIS_CONTEXT", "staging")], &show);
    assert_refused(&unknown, 2, "no context `staging`: it has prod");
}

#[tokio::test]
async fn workspaces_have_names_and_ambiguous_ones_are_refused_with_the_candidates() {
    let portcullis = Portcullis::start().await;
    let [first, second] = ["twin", "twin"].map(|name| {
        let made = portcullis.json(&["workspace", "create", name]);
        made["guid"].as_str().unwrap().to_owned()
    });
    let listed = portcullis.json(&["key", "list", "-w", "demo-1"]);
    assert_eq!(listed.as_array().unwrap().len(), 2);
    let refused = portcullis.run(&["key", "list", "-w", "twin"]);
    assert_refused(&refused, 1, &first);
    assert!(stderr(&refused).contains(&second), "{}", stderr(&refused));
    assert_refused(&portcullis.run(&["key", "list"]), 2, "--workspace");
}

#[tokio::test]
async fn members_permissions_and_undo_take_the_workspace_of_a_context() {
    let portcullis = Portcullis::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    let endpoint = format!("endpoint={}", portcullis.engine.endpoint());
    let set = ["context", "set", "dev", &endpoint, "workspace=demo-1"];
    assert_eq!(with(&file, &[], &set).status.code(), Some(0));
    let dev = [("PORTCULLIS_CONTEXT", "dev")];
    let json = |arguments: &[&str]| json_of(&with(&file, &dev, &[arguments, &["--json"]].concat()));
    json(&["member", "add", "Ada"]);
    let grant = ["permission", "grant", "manage_bans", "--member", "Ada"];
    assert_eq!(json(&grant)[1]["permission"], "manage_bans");
    let members = ["member", "list"];
    assert_eq!(json(&members)[0]["name"], "Ada");
    assert_eq!(
        json(&[&members[..], &["-w", DEMO]].concat())[0]["name"],
        "Ada"
    );
    assert_eq!(json(&[&members[..], &["-w", "demo-2"]].concat()), json!([]));
    let undo = ["undo", "--moderator", "Ada", "--since", "1h"];
    assert_eq!(json(&undo), json!([]));
    let elsewhere = [&undo[..], &["-w", "demo-2"]].concat();
    assert_refused(&with(&file, &dev, &elsewhere), 1, "no member");
}

#[tokio::test]
async fn places_have_the_names_of_the_context() {
    let portcullis = Portcullis::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    let endpoint = format!("endpoint={}", portcullis.engine.endpoint());
    let set = [
        "context",
        "set",
        "dev",
        &endpoint,
        "workspace=demo-1",
        "moderator=1",
        "experiences.arena=7",
        "experience=arena",
    ];
    assert_eq!(with(&file, &[], &set).status.code(), Some(0));
    let dev = [("PORTCULLIS_CONTEXT", "dev"), ("USER", "ada")];
    assert_eq!(
        with(&file, &dev, &["experience", "link", "7"])
            .status
            .code(),
        Some(0)
    );
    let banned = with(
        &file,
        &dev,
        &[
            "ban", "156", "--length", "7d", "--reason", "Be kind", "--json",
        ],
    );
    assert_eq!(json_of(&banned)["experienceId"], 7);
    let checked = with(&file, &dev, &["check", "156", "-e", "arena", "--json"]);
    assert_eq!(json_of(&checked)["isBanned"], true);
    let refused = with(&file, &dev, &["check", "156", "-e", "lobby"]);
    assert_refused(&refused, 2, "place id");
    // A default experience restricts no list.
    assert_eq!(
        json_of(&with(&file, &dev, &["bans", "list", "-e", "8", "--json"])),
        json!([])
    );
    let listed = json_of(&with(&file, &dev, &["bans", "list", "--json"]));
    assert_eq!(listed[0]["robloxId"], 156);
}

#[test]
fn wrong_files_are_refused_without_repeating_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    for (text, why) in [
        (
            format!("[contexts.a]\nkey = \"{KEY}\"\n"),
            "line 2: an API key does not belong there",
        ),
        (
            "[contexts.a]\nstak = \"x\"\n".to_owned(),
            "unknown field `stak`",
        ),
        ("[contexts.a\n".to_owned(), "is not TOML: line 1"),
    ] {
        std::fs::write(&file, text).unwrap();
        for arguments in [&["workspace", "list"][..], &["ban"], &["context", "list"]] {
            let refused = with(&file, &[], arguments);
            assert_ne!(refused.status.code(), Some(0));
            let said = stderr(&refused);
            assert!(said.contains(why) && !said.contains("00000000"), "{said}");
        }
        // What needs no installation works.
        assert_eq!(
            with(&file, &[], &["completions", "bash"]).status.code(),
            Some(0)
        );
        assert!(stdout(&with(&file, &[], &["--help"])).contains("--context"));
    }
    let set = with(
        &folder.path().join("other.toml"),
        &[],
        &["context", "set", "a", &format!("api={KEY}")],
    );
    assert_ne!(set.status.code(), Some(0));
    let set = ["context", "set", "a", &format!("key-file={KEY}")];
    let refused = with(&folder.path().join("other.toml"), &[], &set);
    assert_refused(&refused, 1, "an API key does not belong there");
    assert!(!folder.path().join("other.toml").exists());
}
