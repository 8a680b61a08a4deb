//! Tests of every import format.

use end_to_end::{TestApp, Workspace};
use serde_json::{Value, json};

use super::program::{
    FLAGS, Folder, assert_sums, begin, finished, fixture, import, import_failing, link_named, run,
    said,
};

const ARENA: u64 = 7_001;

/// User, moderator, both reasons and expiry, sorted by user.
async fn bans(workspace: &Workspace<'_>) -> Vec<Value> {
    let mut bans: Vec<_> = workspace
        .bans()
        .await
        .iter()
        .map(|ban| {
            json!([
                ban["robloxId"],
                ban["moderatorId"],
                ban["publicReason"],
                ban["privateReason"],
                ban["expires"]
            ])
        })
        .collect();
    bans.sort_by_key(|ban| ban[0].as_u64());
    bans
}

fn mallory_and_oscar(moderator: u64) -> Vec<Value> {
    vec![
        json!([1001, moderator, "Exploiting", "Exploiting", 0]),
        json!([1002, moderator, "Spam", "Spam", 4_102_444_800_u64]),
    ]
}

fn errors(name: &str, folder: &Folder) -> String {
    std::fs::read_to_string(folder.file(name)).unwrap()
}

#[tokio::test]
async fn data_of_admin_scripts_is_imported() {
    let app = TestApp::builder().without_stream().start().await;
    let folder = Folder::new();
    let path = folder.file("errors.csv");
    let with_errors = [&FLAGS[..], &["--errors", path.to_str().unwrap()]].concat();

    let workspace = app.workspace().await;
    let sums = import_failing(&workspace, &fixture("adonis.json"), &with_errors, 2).await;
    assert_sums(&sums, json!({ "read": 5, "added": 3, "leftOut": 2 }));
    let mut expected = mallory_and_oscar(5009);
    expected.push(json!([1004, 5009, "Banned earlier", "Banned earlier", 0]));
    assert_eq!(bans(&workspace).await, expected);
    let said = errors("errors.csv", &folder);
    assert!(
        said.contains("\"line\":13,\"message\":\"UserId is missing"),
        "{said}"
    );
    assert!(
        said.contains(
            "\"line\":15,\"message\":\"these bans are stored under the key SAVEDTABLE_Banned"
        ),
        "{said}"
    );

    let workspace = app.workspace().await;
    let sums = import(&workspace, &fixture("hd-admin.json"), &FLAGS).await;
    assert_sums(&sums, json!({ "read": 4, "added": 3, "over": 1 }));
    let mut expected = mallory_and_oscar(5001);
    expected.push(json!([1004, 5009, "Banned earlier", "Banned earlier", 0]));
    assert_eq!(bans(&workspace).await, expected);

    let workspace = app.workspace().await;
    let more = [
        &FLAGS[..],
        &["--private-reason", "from Kohl's Admin", "--scope", "global"],
    ];
    let sums = import(&workspace, &fixture("kohls-admin.json"), &more.concat()).await;
    assert_sums(&sums, json!({ "read": 3, "added": 3, "leftOut": 1 }));
    let found = bans(&workspace).await;
    assert_eq!(
        found[0],
        json!([1001, 5001, "Exploiting", "from Kohl's Admin", 0])
    );
    assert_eq!(
        found[2],
        json!([1004, 5009, "Banned earlier", "from Kohl's Admin", 0])
    );
    assert_eq!(workspace.check(1001, 9_999).await["isBanned"], true);

    let workspace = app.workspace().await;
    import(&workspace, &fixture("kohls-admin-main.json"), &FLAGS).await;
    assert_eq!(bans(&workspace).await, mallory_and_oscar(5001));

    let workspace = app.workspace().await;
    let sums = import(&workspace, &fixture("kohls-admin-infinite.json"), &FLAGS).await;
    assert_sums(&sums, json!({ "read": 2, "added": 2 }));
    let found = bans(&workspace).await;
    assert_eq!(
        found[1],
        json!([
            1002,
            5009,
            "Banned earlier",
            "Banned earlier",
            4_102_444_800_u64
        ])
    );
}

#[tokio::test]
async fn table_of_users_is_imported_by_column_titles() {
    let app = TestApp::builder().without_stream().start().await;
    let workspace = app.workspace().await;
    let folder = Folder::new();
    let file = folder.with("users.csv", std::fs::read(fixture("users.csv")).unwrap());
    let columns = [
        "--user-column",
        "id",
        "--reason-column",
        "why",
        "--moderator-column",
        "by",
        "--expires-column",
        "until",
    ];
    let flags = [&FLAGS[..], &columns].concat();
    let sums = import_failing(&workspace, &file, &flags, 2).await;
    assert_sums(&sums, json!({ "read": 6, "added": 3, "unchanged": 1 }));
    let spam = "Spam, and\nmore spam";
    assert_eq!(
        bans(&workspace).await,
        [
            json!([1001, 5001, "Exploiting", "Exploiting", 0]),
            json!([1002, 5009, spam, spam, 4_102_444_800_u64]),
            json!([1005, 5009, "Banned earlier", "Banned earlier", 0]),
        ]
    );
    let said = errors("users.csv.errors.csv", &folder);
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines[0], "id,name,why,by,until,import line,import message");
    assert!(
        lines[1].starts_with("x,Trudy,Spam,5001,,5,id must be"),
        "{said}"
    );
    assert!(
        lines[2].starts_with("1004,Victor,,5001,tomorrow,6,"),
        "{said}"
    );

    // The corrected file is imported, and the next run without errors removes the errors file.
    let corrected = said
        .replace("x,Trudy", "1003,Trudy")
        .replace("tomorrow", "2100-01-01");
    let corrected = folder.with("corrected.csv", corrected);
    folder.with("corrected.csv.errors.csv", "line,message\n1,old\n");
    let sums = import(&workspace, &corrected, &flags).await;
    assert_sums(&sums, json!({ "read": 2, "added": 2, "notRead": ["name"] }));
    assert!(!folder.file("corrected.csv.errors.csv").exists());

    let misnamed = FLAGS.iter().chain(&["--reason-column", "reasons"]);
    let wrong = run(&workspace, &file, &misnamed.copied().collect::<Vec<_>>()).await;
    assert_eq!(wrong.status.code(), Some(1));
    let wrong = run(&workspace, &file, &FLAGS).await;
    assert_eq!(wrong.status.code(), Some(1));
    assert!(super::program::said(&wrong).contains("there is no column \"userId\""));
}

#[tokio::test]
async fn json_list_is_imported_with_and_without_its_wrapper() {
    let app = TestApp::builder().without_stream().start().await;
    let folder = Folder::new();
    let text = std::fs::read_to_string(fixture("ban-info.json")).unwrap();
    let whole: Value = serde_json::from_str(&text).unwrap();
    let mut alone = whole["list"].clone();
    alone[0]["isGlobal"] = false.into();
    alone[0]["isActive"] = true.into();
    alone[0]["guid"] = json!(633_197_862_920_433_664_u64);
    for contents in [text, alone.to_string()] {
        let workspace = app.workspace().await;
        let file = folder.with("list.json", contents);
        assert_sums(&import(&workspace, &file, &[]).await, json!({ "added": 1 }));
        let mut expected = whole["list"].clone();
        expected[0]["workspaceGuid"] = workspace.guid().into();
        let mut bans = workspace.listed_bans().await;
        let actor = bans[0].as_object_mut().unwrap().remove("actor").unwrap();
        assert_eq!(actor["type"], "operator");
        assert_eq!(Value::from(bans), expected);
        let pending = workspace.await_pending_bans(75_521_396_999_004, &[1]).await;
        expected[0]["revision"] = 1.into();
        assert_eq!(Value::from(pending), expected);
    }
}

#[tokio::test]
async fn standard_input_is_imported_and_broken_files_are_refused() {
    let app = TestApp::builder().without_stream().start().await;
    let workspace = app.workspace().await;
    let folder = Folder::new();
    let file = folder.with("users.csv", "\u{feff}userId\n1\n2\n");
    link_named(&workspace, &FLAGS).await;
    let mut command = super::program::program(&app, app.database().endpoint());
    command.args([
        "import",
        "-",
        "--output",
        "json",
        "--workspace",
        &workspace.guid(),
    ]);
    command
        .args(FLAGS)
        .stdin(std::fs::File::open(&file).unwrap());
    let done = super::program::finished(command.spawn().unwrap()).await;
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    assert_eq!(workspace.bans().await.len(), 2);

    let before = workspace.stored().await;
    let broken = "[\n{\"robloxId\": 3, \"experienceId\": 7001},\n{\"robloxId\": 4";
    for (contents, what) in [
        (broken, "line 3: invalid JSON: unexpected end of file"),
        ("", "the file is empty"),
        ("{}", "the document is empty"),
        ("[{\"a\":1}]", "could not detect the format"),
        ("[]", "the file contains no bans"),
        (
            "userId\n1,\"\u{1b}[31mopen\n2\n",
            "line 2: a quote opens a cell here",
        ),
    ] {
        let file = folder.with("broken.json", contents);
        let done = run(
            &workspace,
            &file,
            &[&FLAGS[..], &["--scope", "global"]].concat(),
        )
        .await;
        assert_eq!(done.status.code(), Some(1));
        assert!(said(&done).contains(what), "{contents}: {}", said(&done));
        assert!(
            said(&done).contains("nothing was imported"),
            "{}",
            said(&done)
        );
    }
    for mistyped in [["--experience", "7009"], ["--applied-in", "7001,7009"]] {
        let done = finished(begin(&workspace, &file, &mistyped)).await;
        assert_eq!(done.status.code(), Some(1), "{}", said(&done));
        let what = "experience 7009 is not linked";
        assert!(said(&done).contains(what), "{}", said(&done));
    }
    let done = run(&workspace, &file, &["--moderator", "1"]).await;
    assert_eq!(done.status.code(), Some(2), "{}", said(&done));
    assert!(
        said(&done).contains("--experience is missing"),
        "{}",
        said(&done)
    );
    assert_eq!(workspace.stored().await, before);
    assert!(workspace.is_banned(1, ARENA).await);
}
