//! What the checker must say about a history.

use crate::checker::{self, Finding};
use crate::history::History;

pub fn findings(history: &History) -> Vec<Finding> {
    let checked = checker::check(history);
    assert!(checked.undecided.is_empty());
    checked.findings
}

#[track_caller]
pub fn assert_accepted(history: &History) {
    let findings = findings(history);
    assert!(findings.is_empty(), "{findings:#?}");
}

/// Asserts that a finding contains this text.
#[track_caller]
pub fn assert_found(history: &History, text: &str) {
    let findings = findings(history);
    let found = findings
        .iter()
        .any(|finding| finding.sentence.contains(text));
    assert!(found, "no finding says \"{text}\": {findings:#?}");
}
