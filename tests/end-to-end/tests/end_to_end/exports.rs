//! The JSON and CSV exports.

use std::collections::HashSet;

use end_to_end::{ApiResponse, Ban, Call, TestApp, Unban, Workspace};
use serde_json::Value;

use crate::bulk::copy_bans;

const JSON: &str = "/export/bans/json";
const CSV: &str = "/export/bans/csv";

/// With the longest reasons, enough for a two-part upload.
const BANS: u64 = 6000;

fn rows(text: &str) -> Vec<csv::StringRecord> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.as_bytes());
    reader.records().map(|row| row.expect("RFC 4180")).collect()
}

/// A cell of a row, by its `BanInfo` field.
fn cell<'a>(rows: &'a [csv::StringRecord], row: usize, field: &str) -> &'a str {
    let at = rows[0].iter().position(|name| name == field).unwrap();
    &rows[row][at]
}

fn assert_file_name(answer: &ApiResponse, workspace: &Workspace<'_>, extension: &str) {
    let disposition = answer
        .header("content-disposition")
        .expect("content-disposition");
    let name = disposition.strip_prefix("attachment; filename=\"").unwrap();
    let name = name.strip_suffix(&format!(".{extension}\"")).unwrap();
    let rest = name
        .strip_prefix(&format!("bans-{}-", workspace.guid()))
        .expect("the workspace");
    let date: Vec<_> = rest
        .split('-')
        .map(|part| part.parse::<u32>().unwrap())
        .collect();
    assert!(
        matches!(date[..], [2024..2100, 1..=12, 1..=31]),
        "{disposition}"
    );
}

#[tokio::test]
async fn the_json_export_equals_the_ban_list() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let empty = workspace.send(Call::get(JSON)).await;
    assert_eq!(empty.list(), Vec::<Value>::new());
    workspace.ban(Ban::of(1, 11).permanent()).await;
    workspace.ban(Ban::of(2, 12).global().applied()).await;
    workspace.unban(Unban::of(1, 11)).await;
    let export = workspace.send(Call::get(JSON)).await;
    assert_eq!(export.header("content-type"), Some("application/json"));
    assert_file_name(&export, &workspace, "json");
    assert_eq!(export.list(), workspace.listed_bans().await);
    assert_eq!(export.list().len(), 2);
    let one = workspace
        .send(Call::get(JSON).query("experienceId", 12))
        .await;
    assert_eq!(one.list(), workspace.listed_bans().await[..1]);
}

#[tokio::test]
async fn the_csv_export_follows_rfc_4180_and_the_field_order() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let (private, public) = ("a \"quote\", a comma", "two\r\nlines, ünïcode 🚫");
    workspace
        .ban(Ban::of(1, 11).permanent().reasons(private, public))
        .await;
    workspace.ban(Ban::of(2, 12).global().applied()).await;
    let export = workspace.send(Call::get(CSV)).await;
    let kind = export.header("content-type").unwrap();
    assert!(
        kind.starts_with("text/csv") && kind.contains("charset=utf-8"),
        "{kind}"
    );
    assert_file_name(&export, &workspace, "csv");
    assert!(export.text.ends_with("\r\n"));
    let expected = "isBanned,guid,workspaceGuid,isGlobal,isActive,privateReason,publicReason,\
        robloxId,moderatorId,created,updated,experienceId,expires,isAppealed,experienceUniversal,\
        uid,experienceBanCompleted,actor,channel\r\n";
    assert!(export.text.starts_with(expected));

    let rows = rows(&export.text);
    assert_eq!(rows.len(), 3);
    assert_eq!(cell(&rows, 2, "privateReason"), private);
    assert_eq!(cell(&rows, 2, "publicReason"), public);
    for (row, ban) in (1..).zip(workspace.listed_bans().await) {
        for field in &rows[0] {
            let value = match field {
                "actor" => &ban["actor"]["key"],
                "channel" => &ban["actor"]["channel"],
                of_ban => &ban[of_ban],
            };
            let text = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            assert_eq!(cell(&rows, row, field), text, "{field}");
        }
    }
    let one = workspace
        .send(Call::get(CSV).query("experienceId", 12))
        .await;
    assert_eq!(one.text.matches("\r\n").count(), 2);
    let none = workspace
        .send(Call::get(CSV).query("experienceId", 99))
        .await;
    assert_eq!(none.text, expected);
}

#[tokio::test]
async fn formula_cells_are_escaped_unless_raw() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let reasons = [
        "=HYPERLINK(\"http://x\")",
        "+1",
        "-1+cmd",
        "@SUM(A1)",
        "harmless =1",
    ];
    for (user, reason) in (1..).zip(reasons) {
        workspace
            .ban(Ban::of(user, 11).reasons(reason, reason))
            .await;
    }
    for raw in [None, Some("false"), Some("0"), Some("true"), Some("1")] {
        let call = match raw {
            Some(raw) => Call::get(CSV).query("raw", raw),
            None => Call::get(CSV),
        };
        let rows = rows(&workspace.send(call).await.text);
        for (row, reason) in (1..).zip(reasons.iter().rev()) {
            let is_raw = matches!(raw, Some("true" | "1")) || reason.starts_with('h');
            let expected = if is_raw {
                (*reason).to_owned()
            } else {
                format!("'{reason}")
            };
            assert_eq!(cell(&rows, row, "privateReason"), expected);
            assert_eq!(cell(&rows, row, "publicReason"), expected);
        }
    }
    for (parameter, is_text) in [("bom", false), ("excel", true)] {
        let text = workspace
            .send(Call::get(CSV).query(parameter, "1"))
            .await
            .text;
        let text = text.strip_prefix('\u{feff}');
        let text = text.expect("a byte order mark");
        let guid = cell(&rows(text), 1, "guid").to_owned();
        assert_eq!(
            guid.starts_with("=\"") && guid.ends_with('"'),
            is_text,
            "{guid}"
        );
    }
    // JSON is not opened in a spreadsheet.
    let json = workspace.send(Call::get(JSON)).await.list();
    assert_eq!(json[4]["publicReason"], reasons[0]);
}

#[tokio::test]
async fn an_export_too_large_for_a_response_redirects_to_storage() {
    let app = TestApp::builder()
        .without_stream()
        .with_faults()
        .start()
        .await;
    let workspace = app.workspace().await;
    let reason = "a reason of some length, \"quoted\", ".repeat(28);
    let ban = Ban::of(1, 11)
        .permanent()
        .reasons(&reason[..980], &reason[..390])
        .applied();
    copy_bans(&workspace, ban, 2..=BANS).await;
    for (route, extension) in [(JSON, "json"), (CSV, "csv")] {
        app.faults().clear_seen();
        let answer = workspace.send(Call::get(route)).await;
        let log = app
            .log_of(&format!("export-bans-{extension}"), &answer)
            .await;
        assert_eq!(answer.status, 303, "{log}");
        // The counted calls include those to the bucket: start, two parts and completion.
        let to_database = u64::try_from(app.faults().seen().len()).unwrap();
        assert!(
            log["databaseCalls"].as_u64().unwrap() > to_database,
            "{log}"
        );
        let link = answer.header("location").expect("location").to_owned();
        assert_eq!(answer.json()["location"], link.as_str());
        assert_eq!(answer.header("content-disposition"), None);

        let file = app.fetch(&link).await;
        assert_eq!(file.status, 200, "{file}");
        assert_file_name(&file, &workspace, extension);
        let users: Vec<u64> = match extension {
            "json" => {
                let list = file.list();
                list.iter()
                    .map(|ban| ban["robloxId"].as_u64().unwrap())
                    .collect()
            }
            _ => {
                let rows = rows(&file.text);
                (1..rows.len())
                    .map(|at| cell(&rows, at, "robloxId").parse().unwrap())
                    .collect()
            }
        };
        assert_eq!(users.len(), usize::try_from(BANS).unwrap());
        assert_eq!(
            users.iter().collect::<HashSet<_>>().len(),
            usize::try_from(BANS).unwrap()
        );
        assert!(
            users.is_sorted(),
            "newest first, and each copy is older than the one before"
        );

        // The link is itself a secret: without its signature it shows nothing.
        let bare = link.split('?').next().unwrap();
        assert_ne!(app.fetch(bare).await.status, 200);
        assert_ne!(
            app.fetch(&link.replace(&workspace.guid(), &"0".repeat(36)))
                .await
                .status,
            200
        );
    }
    // A small part of it is still an ordinary response.
    assert_eq!(
        workspace
            .send(Call::get(JSON).query("experienceId", 12))
            .await
            .status,
        200
    );
}
