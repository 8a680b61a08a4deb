//! A restore of a workspace in which a place is part of another.

use std::process::Stdio;
use std::time::Duration;

use super::helpers::{COPY, copy};
use crate::harness::Operator;
use crate::joined_places::{JOIN, PART, ROOT, announce, game, known};
use end_to_end::{Ban, TestApp, Unban};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn restore_lets_a_place_join_again_and_no_banned_user_in() {
    let quick = shared::testing::LINK_TTL;
    let app = TestApp::builder().variable(quick, "100").start().await;
    app.control().set_timeout(Duration::from_secs(1));
    let (workspace, operator) = game(&app).await;
    let users: Vec<u64> = (1..=40).collect();
    for user in &users {
        workspace.ban(Ban::of(*user, PART).permanent()).await;
    }
    app.quiet().await;
    copy(&app).await;
    announce(&workspace).await;
    operator.json(&JOIN);
    known().await;
    // A mistake that the restore takes back.
    workspace.unban(Unban::of(1, PART)).await;
    assert!(!workspace.is_banned(1, PART).await);
    app.quiet().await;

    let restore = ["--stack", "portcullis", "restore", "--from", COPY, "--yes"];
    let done = quickly(&operator, &restore).output().unwrap();
    assert!(done.status.success(), "{}", crate::harness::stderr(&done));
    let said = crate::harness::stderr(&done);
    assert!(said.contains("must join 7001 again"), "{said}");
    known().await;
    assert_eq!(
        operator.json(&["experience", "list"])[1]["join"],
        "settling"
    );
    for user in &users {
        assert!(workspace.is_banned(*user, PART).await, "{user}");
    }

    // The join is completed again, although its command is killed.
    for milliseconds in [40, 90, 140] {
        let mut command = operator.command(&JOIN);
        let command = command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut killed = command.spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        killed.kill().unwrap();
        killed.wait().unwrap();
    }
    assert_eq!(operator.json(&JOIN)["state"], "joined");
    known().await;
    app.quiet().await;
    for user in &users {
        for place in [PART, ROOT] {
            assert!(workspace.is_banned(*user, place).await, "{user} in {place}");
        }
    }
    let active = workspace.bans().await.into_iter();
    let active: Vec<Value> = active.filter(|ban| ban["isActive"] == 1).collect();
    assert_eq!(active.len(), users.len());
    assert!(active.iter().all(|ban| ban["experienceId"] == ROOT));
    let problems = end_to_end::audit::problems(&workspace).await;
    assert!(problems.is_empty(), "{problems:#?}");
}

/// The command, which waits no longer than these functions use a link.
fn quickly(operator: &Operator, arguments: &[&str]) -> std::process::Command {
    let mut command = operator.command(arguments);
    command.env(shared::testing::LINK_TTL, "100");
    command.stdin(Stdio::null());
    command
}
