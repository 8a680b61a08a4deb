//! Tests of the output in a real terminal of a given width, and without one.

#![cfg(target_os = "linux")]

use std::process::Command;

use crate::harness::{Operator, stdout};
use console::measure_text_width;
use end_to_end::{Ban, TestApp, Workspace};

const REASON: &str = "said something unkind to many players in the lobby, was warned twice by a moderator, \
                      left, and came back with another account to say it again";

/// A place id as long as Roblox has them.
const PLACE: u64 = 75_521_396_999_004;

/// Runs the command in a terminal of `script` and returns what it prints there.
fn in_terminal(
    operator: &Operator,
    columns: u16,
    variables: &[(&str, &str)],
    arguments: &[&str],
) -> String {
    let program = operator.command(arguments);
    let words = std::iter::once(program.get_program()).chain(program.get_args());
    let words: Vec<_> = words
        .map(|word| format!("'{}'", word.to_string_lossy()))
        .collect();
    let line = format!("stty cols {columns} rows 50; exec {}", words.join(" "));
    let done = Command::new("script")
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .env_clear()
        .envs(
            program
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .env("PATH", std::env::var("PATH").unwrap())
        .env("SHELL", "/bin/sh")
        .env("TERM", "xterm-256color")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let printed = stdout(&done);
    assert_eq!(done.status.code(), Some(0), "{printed}");
    printed.replace('\r', "")
}

async fn banned(workspace: &Workspace<'_>) -> String {
    let ban = Ban::of(1_234_567_890, PLACE)
        .reasons(REASON, "Unkind")
        .permanent();
    let ban = workspace.ban_shown(ban).await;
    ban["guid"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_fit_the_terminal_without_breaking_ids() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let guid = banned(&workspace).await;
    let operator = Operator::of(&workspace);
    app.settle().await;
    for columns in [60, 120] {
        let bans = in_terminal(&operator, columns, &[], &["bans", "list"]);
        let events = in_terminal(&operator, columns, &[], &["events"]);
        for line in bans.lines().chain(events.lines()) {
            assert!(
                measure_text_width(line) <= usize::from(columns),
                "{columns}: {line}"
            );
        }
        for id in ["1234567890", &PLACE.to_string(), &guid] {
            assert!(bans.contains(id), "{columns}: {id}: {bans}");
        }
        // In the wider one, each ban is a row.
        let is_list = bans.starts_with("STATE");
        assert_eq!(
            (is_list, bans.contains('…')),
            (columns == 120, columns == 120),
            "{bans}"
        );
        assert!(
            events.contains("1234567890") && events.contains('…'),
            "{events}"
        );
    }
    let wide = in_terminal(&operator, 60, &[], &["bans", "list", "--wide"]);
    assert!(wide.contains(REASON), "{wide}");
    let piped = stdout(&operator.run(&["bans", "list"]));
    assert!(piped.contains(REASON), "{piped}");
}

#[tokio::test(flavor = "multi_thread")]
async fn colours_are_for_terminals_that_want_them() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let operator = Operator::of(&workspace);
    banned(&workspace).await;
    app.settle().await;
    let is_coloured = |text: &str| text.contains("\u{1b}[");
    for command in ["key list", "events"] {
        let arguments: Vec<_> = command.split(' ').collect();
        let shown = |variables: &[(&str, &str)], more: &[&str]| {
            is_coloured(&in_terminal(
                &operator,
                120,
                variables,
                &[&arguments, more].concat(),
            ))
        };
        assert!(shown(&[], &[]), "{command}");
        assert!(!shown(&[("NO_COLOR", "1")], &[]), "{command}");
        assert!(!shown(&[], &["--color", "never"]), "{command}");
        assert!(!shown(&[("PORTCULLIS_COLOR", "never")], &[]), "{command}");
        let piped =
            |more: &[&str]| is_coloured(&stdout(&operator.run(&[&arguments, more].concat())));
        assert!(!piped(&[]), "{command}");
        assert!(piped(&["--color", "always"]), "{command}");
    }
}
