//! One version, wherever people and programs read it.

use std::fs::read_to_string;

use end_to_end::{openapi, repository};

#[test]
fn changelog_template_and_openapi_have_the_version_of_the_workspace() {
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(openapi()["info"]["version"], version);

    let template = read_to_string(repository("template.yaml")).unwrap();
    let (_, outputs) = template.split_once("\nOutputs:\n").unwrap();
    let (_, output) = outputs.split_once("  Version:\n").unwrap();
    let mut lines = output
        .lines()
        .filter_map(|line| line.strip_prefix("    Value: "));
    assert_eq!(lines.next(), Some(version));

    let changelog = read_to_string(repository("CHANGELOG.md")).unwrap();
    let mut headings = changelog
        .lines()
        .filter_map(|line| line.strip_prefix("## "));
    let newest = headings.find(|heading| heading.starts_with(|c: char| c.is_ascii_digit()));
    let newest = newest.unwrap().split(' ').next();
    assert_eq!(newest, Some(version), "the newest version in CHANGELOG.md");
}

#[test]
fn luau_module_and_its_package_manifests_have_the_version_of_the_workspace() {
    let version = env!("CARGO_PKG_VERSION");
    for (file, line) in [
        ("src/Version.luau", format!("return \"{version}\"")),
        ("wally.toml", format!("version = \"{version}\"")),
        ("pesde.toml", format!("version = \"{version}\"")),
    ] {
        let text = read_to_string(repository("roblox").join(file)).unwrap();
        assert!(text.lines().any(|one| one == line), "{file} has no {line}");
    }
}
