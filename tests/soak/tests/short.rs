//! A short run: the program finds nothing, and says what it did.

// Outside of test functions clippy does not know that this is a test.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::Command;

/// For how long the callers act.
const SECONDS: &str = "10";

fn soak(seed: u64) {
    eprintln!("seed {seed}");
    let output = Command::new(env!("CARGO_BIN_EXE_soak"))
        .args(["--seconds", SECONDS, "--seed", &seed.to_string()])
        .output()
        .expect("the program runs");
    let (printed, complained) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{printed}\n{complained}");
    assert!(printed.starts_with(&format!("seed {seed}\n")), "{printed}");
    // A day without anything bad in it proves nothing.
    for what in [
        "requests to the database struck: 0",
        "processes killed: 0",
        "batches of the stream: 0",
        "schedules run: 0",
        " 0 events in the log",
        "bad moments outside: 0",
        "\n0 deliveries arrived",
        "\n0 bans on record",
    ] {
        assert!(!printed.contains(what), "{printed}");
    }
    assert!(printed.ends_with("nothing found\n"), "{printed}");
}

#[test]
fn a_planned_bad_day_is_survived() {
    soak(7);
}

#[test]
fn any_bad_day_is_survived() {
    soak(fastrand::u64(..1_000_000));
}
