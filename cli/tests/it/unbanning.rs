//! Tests of `unban`.

use end_to_end::TestApp;

use crate::decisions::{AT, ban, linked};
use crate::harness::{assert_refused, stderr, stdout};

#[tokio::test(flavor = "multi_thread")]
async fn unban_lifts_only_confirmed_bans() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let operator = linked(&workspace);
    let global = ["--permanent", "--scope", "global", "--yes"];
    operator.json(&ban("156", &["--length", "7d"]));
    operator.json(&ban("156", &global));
    app.settle().await;
    let unban = |more: &[&'static str]| [&["unban", "156"], &AT[..], more].concat();

    // Both bans are in force: without an answer, nothing is lifted.
    let before = workspace.stored().await;
    let refused = operator.run(&unban(&[]));
    assert_refused(&refused, 1, "Cancelled");
    let said = stderr(&refused);
    assert!(said.contains("in every experience permanently"), "{said}");
    assert!(said.contains("in experience 7 for "), "{said}");
    let dry = operator.json(&unban(&["--dry-run"]));
    assert_eq!(dry.as_array().unwrap().len(), 2);
    assert_eq!(workspace.stored().await, before);

    // Lifting only the experience's ban needs no confirmation, and the Global ban stays.
    let lifted = operator.run(&unban(&["--scope", "experience", "--reason", "-1 mistake"]));
    let said = stderr(&lifted);
    assert_eq!(lifted.status.code(), Some(0), "{said}");
    assert!(said.contains("still banned"), "{said}");
    assert!(
        stdout(&lifted).contains("-1 mistake"),
        "{}",
        stdout(&lifted)
    );
    assert!(workspace.is_banned(156, 7).await);
    assert_refused(
        &operator.run(&unban(&["--scope", "experience"])),
        1,
        "no ban in this scope",
    );

    let lifted = operator.json(&unban(&["--scope", "global", "--yes"]));
    assert_eq!(lifted.as_array().unwrap().len(), 1);
    assert_eq!(lifted[0]["isGlobal"], true);
    assert!(!workspace.is_banned(156, 7).await);
    assert_refused(&operator.run(&unban(&[])), 1, "no ban in force");
}
