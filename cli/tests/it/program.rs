//! Tests of output, prompts, errors and arguments.

use crate::harness::{Portcullis, assert_refused, command, is_rfc3339, stderr, stdout};
use end_to_end::next_second;
use serde_json::{Value, json};
use shared::domain::keys::{KeyKind, PlainKey};

const DEMO: &str = "00000000-0000-4000-8000-000000000001";
const DEMO_KEY: &str = "demo-1-secret";
const UNKNOWN: &str = "99999999-0000-4000-8000-000000000009";

#[tokio::test]
async fn workspaces_are_created_and_listed() {
    let portcullis = Portcullis::start().await;
    let made = portcullis.json(&["workspace", "create", "My studio", "--linking", "strict"]);
    assert_eq!(made["name"], "My studio");
    assert_eq!(made["linking"], "strict");
    assert!(is_rfc3339(&made["created"]), "{made}");

    let all = portcullis.json(&["workspace", "list"]);
    let names: Vec<_> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(names, ["demo-1", "demo-2", "My studio"]);
    assert_eq!(all[2], made);
    assert_eq!(
        all[0],
        json!({
            "guid": DEMO, "name": "demo-1", "linking": "automatic",
            "moderatorBansPerHour": null, "historyDays": null, "evidenceDays": null, "evidenceGib": 10,
            "created": "2026-01-01T00:00:00Z",
        })
    );

    let table = stdout(&portcullis.run(&["workspace", "list"]));
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines.len(), 4);
    assert!(lines[0].starts_with("GUID "), "{table}");
    assert_eq!(lines[1].find("demo-1"), lines[0].find("NAME"), "{table}");
}

#[tokio::test]
async fn key_is_shown_once_and_only_its_hash_is_stored() {
    let portcullis = Portcullis::start().await;
    let made = portcullis.json(&[
        "key",
        "create",
        "--workspace",
        DEMO,
        "--name",
        "game servers",
    ]);
    let text = made["key"].as_str().unwrap();
    let key = PlainKey::parse(text).unwrap();
    assert_eq!(key.kind(), KeyKind::Secret);
    assert_eq!(key.prefix().to_string(), "00000001");
    assert_eq!(made["scopes"], json!(["bans:read", "bans:write"]));
    assert_eq!(made["flags"], "auto");
    assert_eq!(made["status"], "live");
    assert_eq!(made["expires"], Value::Null);
    assert_eq!(made["workspaceGuid"], DEMO);
    assert!(is_rfc3339(&made["created"]), "{made}");

    let stored = portcullis.stored().await.to_string();
    assert!(stored.contains(key.hash().as_str()));
    assert!(!stored.contains(text));

    let listed = portcullis.json(&["key", "list", "--workspace", DEMO]);
    assert!(!listed.to_string().contains(text));
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), 3);
    let mut without_key = made.clone();
    without_key.as_object_mut().unwrap().remove("key");
    assert_eq!(listed[2], without_key);
    let others = portcullis.json(&["key", "list", "--workspace", &DEMO.replace("01", "02")]);
    assert_eq!(others.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn key_has_the_requested_settings() {
    let portcullis = Portcullis::start().await;
    let create = |more: &[&str]| {
        let head = ["key", "create", "--workspace", DEMO, "--name", "tool"];
        portcullis.json(&[&head, more].concat())
    };
    let made = create(&[
        "--scope",
        "bans:write-global",
        "--scope",
        "bans:write",
        "--flags",
        "integer",
        "--expires",
        "2100-01-31",
    ]);
    assert_eq!(made["scopes"], json!(["bans:write", "bans:write-global"]));
    assert_eq!(made["flags"], "integer");
    assert_eq!(made["expires"], "2100-01-31T00:00:00Z");

    let made = create(&["--kind", "public"]);
    assert!(
        made["key"]
            .as_str()
            .unwrap()
            .starts_with("sentinelPublicAPI.")
    );
    assert_eq!(made["kind"], "public");
    assert_eq!(made["scopes"], json!([]));

    let made = create(&["--expires", "1s"]);
    next_second().await;
    let listed = portcullis.json(&["key", "list", "--workspace", DEMO]);
    let expired = listed
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["keyId"] == made["keyId"]);
    assert_eq!(expired.unwrap()["status"], "expired");
}

/// A table without the spaces that align it.
fn narrow(table: &str) -> String {
    let line = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n";
    table.lines().map(line).collect()
}

#[tokio::test]
async fn default_output_is_a_table_with_notes() {
    let portcullis = Portcullis::start().await;
    let made = portcullis.run(&["key", "create", "--workspace", DEMO, "--name", "tool"]);
    let table = stdout(&made);
    let table = narrow(&table);
    assert!(table.starts_with("key sentinelAPI."), "{table}");
    assert!(table.contains("\nscopes bans:read,bans:write\n"), "{table}");
    assert!(table.contains("\nexpires -\n"), "{table}");
    assert!(stderr(&made).contains("cannot be shown again"));

    let table = stdout(&portcullis.run(&["key", "list", "--workspace", DEMO]));
    assert!(table.starts_with("KEY ID "), "{table}");
    assert!(!table.contains("sentinel"), "{table}");

    let empty = portcullis.json(&["workspace", "create", "empty"]);
    let listed = portcullis.run(&[
        "key",
        "list",
        "--workspace",
        empty["guid"].as_str().unwrap(),
    ]);
    assert_eq!(stdout(&listed), "");
    assert!(
        stderr(&listed).contains("portcullis key create"),
        "{}",
        stderr(&listed)
    );
}

#[tokio::test]
async fn quiet_hides_notes_and_verbose_adds_details() {
    let portcullis = Portcullis::start().await;
    let list = ["protected", "list", "-w", DEMO];
    let said = |more: &[&str]| stderr(&portcullis.run(&[&list, more].concat()));
    assert!(
        said(&[]).contains("no users are protected"),
        "{}",
        said(&[])
    );
    assert_eq!(said(&["--quiet"]), "");
    assert_eq!(said(&["-q"]), "");
    let verbose = said(&["-v"]);
    assert!(verbose.contains("BansTable"), "{verbose}");
    assert!(verbose.contains("no users are protected"), "{verbose}");
    // Errors and prompts are printed anyway.
    let revoke = ["key", "revoke", "-w", DEMO, "-q", DEMO_KEY];
    let asked = portcullis.run(&revoke);
    assert!(stderr(&asked).contains("[y/N]"), "{}", stderr(&asked));
    let wrong = portcullis.run(&["workspace", "show", UNKNOWN, "-q"]);
    assert_refused(&wrong, 1, "does not exist");
}

#[tokio::test]
async fn revoking_asks_first() {
    let portcullis = Portcullis::start().await;
    let revoke = ["key", "revoke", "--workspace", DEMO, DEMO_KEY];
    let before = portcullis.stored().await;

    assert_refused(&portcullis.run(&revoke), 1, "Cancelled");
    for no in ["\n", "n\n", "yesterday\n"] {
        assert_refused(&portcullis.answering(no, &revoke), 1, "Cancelled");
    }
    assert_eq!(portcullis.stored().await, before);

    let done = portcullis.answering("y\n", &revoke);
    assert_eq!(done.status.code(), Some(0));
    assert!(
        stderr(&done).contains("Revoke the key \"demo-1 secret\""),
        "{}",
        stderr(&done)
    );
    assert!(
        narrow(&stdout(&done)).contains("\nstatus revoked\n"),
        "{}",
        stdout(&done)
    );

    let listed = portcullis.json(&["key", "list", "--workspace", DEMO]);
    let status = |id: &str| {
        let key = listed
            .as_array()
            .unwrap()
            .iter()
            .find(|key| key["keyId"] == id)
            .unwrap();
        (key["status"].clone(), key["revoked"].clone())
    };
    assert_eq!(status("demo-1-public"), (json!("live"), Value::Null));
    let (revoked, at) = status(DEMO_KEY);
    assert_eq!(revoked, "revoked");

    // Revoking again asks nothing, changes nothing and shows when it was revoked.
    let again = portcullis.json(&revoke);
    assert_eq!(again["revoked"], at);
}

#[tokio::test]
async fn yes_skips_the_prompt() {
    let portcullis = Portcullis::start().await;
    let done = portcullis.json(&["key", "revoke", "--workspace", DEMO, DEMO_KEY, "--yes"]);
    assert_eq!(done["keyId"], DEMO_KEY);
    assert_eq!(done["status"], "revoked");
    assert!(is_rfc3339(&done["revoked"]), "{done}");
}

#[tokio::test]
async fn missing_things_are_refused_without_changes() {
    let portcullis = Portcullis::start().await;
    let before = portcullis.stored().await;
    // The second id has the prefix of an existing workspace, but is another one.
    for guid in [UNKNOWN, "10000000-0000-4000-8000-000000000001"] {
        for arguments in [
            vec!["key", "create", "--workspace", guid, "--name", "x"],
            vec!["key", "list", "--workspace", guid],
            vec!["key", "revoke", "--workspace", guid, DEMO_KEY, "--yes"],
        ] {
            assert_refused(&portcullis.run(&arguments), 1, "portcullis workspace list");
        }
    }
    // A key of another workspace is unknown here.
    for key in ["demo-2-secret", "unknown"] {
        let revoke = ["key", "revoke", "--workspace", DEMO, key, "--yes"];
        assert_refused(&portcullis.run(&revoke), 1, "portcullis key list");
    }
    assert_eq!(portcullis.stored().await, before);
}

#[tokio::test]
async fn wrong_arguments_exit_with_2_without_changes() {
    let portcullis = Portcullis::start().await;
    let before = portcullis.stored().await;
    let key = |more: &[&'static str]| {
        [&["key", "create", "--workspace", DEMO, "--name", "x"], more].concat()
    };
    for (arguments, what) in [
        (vec![], "Usage"),
        (vec!["workspace"], "Usage"),
        (vec!["workspace", "create", " "], "printable"),
        (vec!["workspace", "create", "a\u{1b}[2J"], "printable"),
        (
            vec!["workspace", "create", "x", "--linking", "loose"],
            "automatic",
        ),
        (vec!["key", "list"], "--workspace"),
        (vec!["key", "list", "--workspace", "a\nb"], "printable"),
        (vec!["workspace", "delete", "demo-1"], "GUID"),
        (vec!["key", "create", "--workspace", DEMO], "--name"),
        (key(&["--scope", "bans:delete"]), "bans:write-global"),
        (
            key(&["--scope", "bans:write-global"]),
            "requires bans:write",
        ),
        (
            key(&["--scope", "bans:bulk,bans:read"]),
            "use --scope bans:write,bans:bulk",
        ),
        (
            key(&["--kind", "public", "--scope", "bans:read"]),
            "leave out --scope",
        ),
        (key(&["--kind", "private"]), "public"),
        (key(&["--flags", "octal"]), "boolean"),
        (key(&["--expires", "2020-01-31"]), "past"),
        (key(&["--expires", "soon"]), "7d"),
        (vec!["key", "revoke", "--workspace", DEMO], "KEY_ID"),
        (vec!["workspace", "list", "--output", "xml"], "json"),
    ] {
        assert_refused(&portcullis.run(&arguments), 2, what);
    }
    assert_eq!(portcullis.stored().await, before);
}

#[tokio::test]
async fn connection_errors_say_what_to_do() {
    let portcullis = Portcullis::start().await;
    let url = portcullis.engine.endpoint();
    let list = |arguments: &[&str]| {
        command()
            .args(["workspace", "list"])
            .args(arguments)
            .output()
            .unwrap()
    };
    assert_refused(&list(&[]), 2, "BANS_TABLE");
    assert_refused(&list(&["--bans-table", "b"]), 2, "WORKSPACES_TABLE");
    assert_refused(
        &list(&["--endpoint", "127.0.0.1:8000"]),
        2,
        "http://127.0.0.1:8000",
    );
    let tables = ["--bans-table", "b", "--workspaces-table", "w"];
    assert_refused(&list(&tables), 1, "--region");
    let region = [&tables[..], &["--region", "eu-west-1"]].concat();
    assert_refused(&list(&region), 1, "no AWS credentials");
    assert_refused(
        &list(&["--endpoint", url, "--workspaces-table", "other"]),
        1,
        "--workspaces-table",
    );
    assert_refused(&list(&["--endpoint", "http://127.0.0.1:9"]), 1, "make dev");
}

#[tokio::test]
async fn arguments_override_variables() {
    let portcullis = Portcullis::start().await;
    let url = portcullis.engine.endpoint();
    let run = |variables: &[(&str, &str)], arguments: &[&str]| {
        command()
            .envs(variables.iter().copied())
            .args(["workspace", "list"])
            .args(arguments)
            .output()
            .unwrap()
    };
    let stack = ("PORTCULLIS_STACK", "portcullis");
    let listed = run(&[stack], &["--endpoint", url]);
    assert_eq!(listed.status.code(), Some(0), "{}", stderr(&listed));
    assert!(stdout(&listed).contains("demo-1"), "{}", stdout(&listed));

    // A stack argument overrides all variables, so the unreachable service is CloudFormation.
    let variables = [
        ("AWS_ENDPOINT_URL_DYNAMODB", url),
        ("BANS_TABLE", "BansTable"),
        ("WORKSPACES_TABLE", "WorkspacesTable"),
        ("AWS_ENDPOINT_URL_CLOUDFORMATION", "http://127.0.0.1:9"),
        ("AWS_ACCESS_KEY_ID", "someone"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_REGION", "eu-west-1"),
    ];
    let refused = run(&variables, &["--stack", "portcullis"]);
    assert_refused(&refused, 1, "CloudFormation cannot be reached");
    assert!(
        !stderr(&refused).contains("make dev"),
        "{}",
        stderr(&refused)
    );
}

#[tokio::test]
async fn environment_variables_name_the_tables() {
    let portcullis = Portcullis::start().await;
    let listed = command()
        .envs([
            ("AWS_ENDPOINT_URL_DYNAMODB", portcullis.engine.endpoint()),
            ("BANS_TABLE", "BansTable"),
            ("WORKSPACES_TABLE", "WorkspacesTable"),
            ("AWS_ACCESS_KEY_ID", "someone"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_REGION", "eu-west-1"),
        ])
        .args(["workspace", "list", "--output", "json"])
        .output()
        .unwrap();
    assert_eq!(listed.status.code(), Some(0), "{}", stderr(&listed));
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 2);
}
