//! Bulk calls, and their results.

use serde_json::{Value, json};

use crate::call::Call;
use crate::payload::Ban;
use crate::response::ApiResponse;

/// A call of `/bans/bulk` or `/unbans/bulk`.
#[derive(Clone, Debug)]
pub struct Bulk {
    call: Call,
    body: Value,
}

impl Bulk {
    /// Bans these users, each an id or an object, for seven days in one experience.
    pub fn bans<U: Into<Value>>(experience: u64, users: impl IntoIterator<Item = U>) -> Self {
        let mut defaults = Ban::of(1, experience).body().clone();
        let fields = defaults.as_object_mut().expect("an object");
        for of_call in ["overwrite", "userId", "experienceId"] {
            fields.remove(of_call);
        }
        Self::new("/bans/bulk", experience, &defaults, users)
    }

    /// Unbans these users.
    pub fn unbans<U: Into<Value>>(experience: u64, users: impl IntoIterator<Item = U>) -> Self {
        Self::new("/unbans/bulk", experience, &json!({}), users)
    }

    fn new<U: Into<Value>>(
        path: &str,
        experience: u64,
        defaults: &Value,
        users: impl IntoIterator<Item = U>,
    ) -> Self {
        let users: Vec<Value> = users.into_iter().map(Into::into).collect();
        Self {
            call: Call::post(path),
            body: json!({ "experienceId": experience, "defaults": defaults, "users": users }),
        }
    }

    /// Sets a field of the body to any value.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.body[field] = value.into();
        self
    }

    /// Sets a field of all users.
    #[must_use]
    pub fn default(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.body["defaults"][field] = value.into();
        self
    }

    #[must_use]
    pub fn dry_run(self) -> Self {
        self.with("dryRun", true)
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.call = self.call.header(name, value);
        self
    }

    #[must_use]
    pub fn query(mut self, name: &str, value: impl ToString) -> Self {
        self.call = self.call.query(name, value);
        self
    }

    pub const fn body(&self) -> &Value {
        &self.body
    }

    pub fn call(&self) -> Call {
        self.call.clone().json(&self.body)
    }
}

/// The results of a bulk call that must be 200: user, result and code. Checks that the counts match.
#[track_caller]
pub fn bulk_results(answer: &ApiResponse) -> Vec<(u64, String, Option<String>)> {
    let body = answer.success();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let result = |user: &Value| {
        let result = text(&user["result"]).expect("a result");
        (
            user["userId"].as_u64().expect("a user"),
            result,
            text(&user["code"]),
        )
    };
    let results: Vec<_> = body["results"]
        .as_array()
        .expect("results")
        .iter()
        .map(result)
        .collect();
    for (name, count) in body["counts"].as_object().expect("counts") {
        let found = results
            .iter()
            .filter(|(_, result, _)| result == name)
            .count();
        assert_eq!(*count, json!(found), "{name} in {answer}");
    }
    results
}
