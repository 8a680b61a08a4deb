//! `tools/package`, which fills a release.

use std::fs::read_to_string;
use std::path::Path;
use std::process::{Command, Output};

use end_to_end::{repository, template};

const OWN: [&str; 2] = if cfg!(target_arch = "aarch64") {
    ["arm64", "x86_64"]
} else {
    ["x86_64", "arm64"]
};

fn package(out: &Path, architecture: &str) -> Output {
    let own = std::env::current_exe().unwrap();
    let programs = own.parent().unwrap().parent().unwrap();
    Command::new(repository("tools/package"))
        .arg(out)
        .arg(format!("{architecture}={}", programs.display()))
        .args(["--only", "not-found"])
        .output()
        .unwrap()
}

#[test]
fn release_is_reproducible_and_contains_only_programs_for_their_architecture() {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("release");
    let [own, other] = OWN;
    let refused = package(&out, other);
    let message = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success());
    assert!(message.contains("is not built for"), "{message}");

    let done = package(&out, own);
    assert!(done.status.success(), "{done:?}");
    let sums = read_to_string(out.join("SHA256SUMS")).unwrap();
    let files: Vec<_> = sums.lines().filter_map(|line| line.get(66..)).collect();
    let archive = format!("{own}/not-found.zip");
    let mut expected = vec!["observability.yaml", "packaged.yaml", &archive];
    expected.sort_unstable();
    assert_eq!(files, expected);
    assert!(package(&out, own).status.success());
    assert_eq!(read_to_string(out.join("SHA256SUMS")).unwrap(), sums);

    let packaged = read_to_string(out.join("packaged.yaml")).unwrap();
    for function in template().functions() {
        let key = format!(
            "Key: !Sub '${{CodePrefix}}/${{Architecture}}/{}.zip'",
            function.name
        );
        assert!(packaged.contains(&key), "{key}");
    }
    assert!(!packaged.contains("CodeUri: functions/") && !packaged.contains("Location:"));
}
