//! A short run of the program finds nothing and prints what it did.

// Outside of test functions clippy does not know that this is a test.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::Command;

/// How long the clients run.
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
    // A run without faults proves nothing.
    for what in [
        "failed database requests: 0",
        "processes killed: 0",
        "stream faults: 0",
        "schedule runs: 0",
        " 0 events in the log",
        "faults of endpoints and Roblox: 0",
        "\n0 deliveries received",
        "\n0 bans on record",
        "\n0 roles assigned",
        " 0 pieces of evidence",
        "\n0 joins of places",
        "\n0 snapshots",
    ] {
        assert!(!printed.contains(what), "{printed}");
    }
    assert!(printed.ends_with("no findings\n"), "{printed}");
}

#[test]
fn a_fixed_fault_plan_yields_no_findings() {
    soak(7);
}

#[test]
fn a_random_fault_plan_yields_no_findings() {
    soak(fastrand::u64(..1_000_000));
}
