//! Tests of help, completions and manual pages.

use crate::harness::{command, stderr, stdout};

#[test]
fn completions_and_manual_pages_need_no_installation() {
    for shell in ["bash", "zsh", "fish"] {
        let done = command().args(["completions", shell]).output().unwrap();
        assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
        assert!(stdout(&done).contains("workspace"), "{shell}");
    }
    let page = stdout(&command().arg("man").output().unwrap());
    assert!(
        page.contains(".TH") && page.contains("Exit status"),
        "{page}"
    );
    let dir = std::env::temp_dir().join(format!("portcullis-man-{}", std::process::id()));
    let done = command()
        .arg("man")
        .arg("--dir")
        .arg(&dir)
        .output()
        .unwrap();
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    for page in [
        "portcullis.1",
        "portcullis-ban.1",
        "portcullis-bans-list.1",
        "portcullis-context-set.1",
        "portcullis-key-rotate.1",
    ] {
        assert!(dir.join(page).is_file(), "{page}");
    }
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn every_command_has_examples() {
    for command_line in [
        "",
        "workspace",
        "workspace create",
        "workspace list",
        "workspace show",
        "workspace set",
        "workspace upgrade",
        "workspace delete",
        "experience",
        "experience link",
        "experience unlink",
        "experience list",
        "key",
        "key create",
        "key list",
        "key show",
        "key rotate",
        "key revoke",
        "discord",
        "discord setup",
        "discord link",
        "discord unlink",
        "discord list",
        "protected",
        "protected add",
        "protected remove",
        "protected list",
        "context",
        "context set",
        "context use",
        "bans",
        "bans list",
        "events",
        "ban",
        "unban",
        "check",
        "history",
        "pending",
        "deploy",
        "doctor",
        "iam-policy",
        "completions",
        "man",
    ] {
        let words = command_line.split_whitespace();
        let help = stdout(&command().args(words).arg("--help").output().unwrap());
        assert!(help.contains("Examples"), "{command_line}: {help}");
    }
}
