//! Request bodies that default to the documented payload.

use serde_json::{Value, json};

use crate::call::Call;

/// A call of `/ban-async`.
#[derive(Clone, Debug)]
pub struct Ban {
    call: Call,
    body: Value,
}

impl Ban {
    /// The documented ban: seven days, in one experience, `overwrite` true, moderator 1.
    pub fn of(user: u64, experience: u64) -> Self {
        let text = include_str!("../fixtures/ban-async.json");
        let body = serde_json::from_str(text).expect("the fixture");
        Self {
            call: Call::post("/ban-async"),
            body,
        }
        .with("userId", user)
        .with("experienceId", experience)
    }

    /// The call with which the published SDK reports a ban from a list.
    pub fn reporting(item: &Value, experience: u64) -> Self {
        let global = item["isGlobal"] == 1 || item["isGlobal"] == true;
        let permanent = item["expires"] == 0;
        let ban = Self::of(item["robloxId"].as_u64().expect("robloxId"), experience)
            .with("banModerator", item["moderatorId"].clone())
            .with("banType", if global { "Global" } else { "Experience" })
            .with("banPrivateReason", item["privateReason"].clone())
            .with("banPublicReason", item["publicReason"].clone())
            .applied();
        match permanent {
            true => ban.permanent(),
            false => ban.length(item["expires"].clone()),
        }
    }

    /// Sets a field of the body to any value.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.body[field] = value.into();
        self
    }

    /// Removes a field.
    #[must_use]
    pub fn without(mut self, field: &str) -> Self {
        self.body.as_object_mut().expect("an object").remove(field);
        self
    }

    /// Makes it a Global ban.
    #[must_use]
    pub fn global(self) -> Self {
        self.with("banType", "Global")
    }

    /// Makes it permanent, as the SDK sends it.
    #[must_use]
    pub fn permanent(self) -> Self {
        self.with("banLengthType", "Permanent")
            .with("banLength", false)
    }

    /// Makes it temporary.
    #[must_use]
    pub fn length(self, length: impl Into<Value>) -> Self {
        self.with("banLengthType", "Temporary")
            .with("banLength", length)
    }

    /// Does not overwrite an active ban.
    #[must_use]
    pub fn no_overwrite(self) -> Self {
        self.with("overwrite", false)
    }

    #[must_use]
    pub fn moderator(self, moderator: u64) -> Self {
        self.with("banModerator", moderator)
    }

    /// Sets both reasons.
    #[must_use]
    pub fn reasons(self, private: &str, public: &str) -> Self {
        self.with("banPrivateReason", private)
            .with("banPublicReason", public)
    }

    /// The calling experience has applied it: with the current terms, a report.
    #[must_use]
    pub fn applied(mut self) -> Self {
        self.call = self.call.query("experienceBanCompleted", true);
        self
    }

    /// Makes it an accepted appeal.
    #[must_use]
    pub fn appeal(mut self) -> Self {
        self.call = self.call.query("isAppeal", true);
        self
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.call = self.call.header(name, value);
        self
    }

    pub const fn body(&self) -> &Value {
        &self.body
    }

    pub fn call(&self) -> Call {
        self.call.clone().json(&self.body)
    }
}

/// A call of `/unban-async`.
#[derive(Clone, Debug)]
pub struct Unban {
    call: Call,
    body: Value,
}

impl Unban {
    /// A decision without a reason.
    pub fn of(user: u64, experience: u64) -> Self {
        let body = json!({ "userId": user, "experienceId": experience });
        Self {
            call: Call::post("/unban-async"),
            body,
        }
    }

    /// Sets a field of the body to any value.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.body[field] = value.into();
        self
    }

    /// Sets the reason.
    #[must_use]
    pub fn reason(self, reason: &str) -> Self {
        self.with("reason", reason)
    }

    /// A report, not a decision.
    #[must_use]
    pub fn report_only(mut self) -> Self {
        self.call = self.call.query("confirmOnly", true);
        self
    }

    /// The calling experience has applied it.
    #[must_use]
    pub fn applied(mut self) -> Self {
        self.call = self.call.query("experienceUnbanCompleted", true);
        self
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.call = self.call.header(name, value);
        self
    }

    pub fn call(&self) -> Call {
        self.call.clone().json(&self.body)
    }
}
