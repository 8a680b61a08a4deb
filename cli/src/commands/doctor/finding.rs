//! The result of a check.

use serde::Serialize;

use crate::connection;
use crate::output::{Printable, word};

#[derive(Debug, Serialize)]
pub struct Finding {
    check: String,
    result: CheckResult,
    detail: String,
    remedy: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
enum CheckResult {
    #[serde(rename = "ok")]
    Ok,
    #[serde(rename = "warning")]
    Warning,
    #[serde(rename = "failed")]
    Failed,
    #[serde(rename = "not checked")]
    NotChecked,
}

impl Finding {
    fn new(check: impl Into<String>, result: CheckResult, detail: impl Into<String>) -> Self {
        Self {
            check: check.into(),
            result,
            detail: detail.into(),
            remedy: None,
        }
    }

    fn with(self, remedy: impl Into<String>) -> Self {
        Self {
            remedy: Some(remedy.into()),
            ..self
        }
    }

    pub fn ok(check: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(check, CheckResult::Ok, detail)
    }

    /// It works, but needs attention.
    pub fn warning(
        check: impl Into<String>,
        detail: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::new(check, CheckResult::Warning, detail).with(remedy)
    }

    pub fn failed(
        check: impl Into<String>,
        detail: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::new(check, CheckResult::Failed, detail).with(remedy)
    }

    /// It could not be checked, which is not a failure.
    pub fn skipped(check: impl Into<String>, why: impl Into<String>) -> Self {
        Self::new(check, CheckResult::NotChecked, why)
    }

    /// A failure from an error. What follows ": " in its text is the remedy.
    pub fn of_error(check: impl Into<String>, error: &anyhow::Error) -> Self {
        let text = connection::explain(error);
        match text.split_once(": ") {
            Some((detail, remedy)) => Self::failed(check, detail, remedy),
            None => Self::new(check, CheckResult::Failed, text),
        }
    }

    pub fn is_failed(&self) -> bool {
        self.result == CheckResult::Failed
    }
}

impl Printable for Finding {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("check", self.check.clone()),
            ("result", word(self.result)),
            ("detail", self.detail.clone()),
            ("remedy", self.remedy.clone().unwrap_or_default()),
        ]
    }
}
