//! Request bodies, with the documented payload as the default.

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

    /// The call by which the published SDK confirms a ban that it was given in a list.
    pub fn confirming(item: &Value, experience: u64) -> Self {
        let global = item["isGlobal"] == 1 || item["isGlobal"] == true;
        let permanent = item["expires"] == 0;
        let ban = Self::of(item["robloxId"].as_u64().expect("robloxId"), experience)
            .with("banModerator", item["moderatorId"].clone())
            .with("banType", if global { "Global" } else { "Experience" })
            .with("banPrivateReason", item["privateReason"].clone())
            .with("banPublicReason", item["publicReason"].clone())
            .completed();
        match permanent {
            true => ban.permanent(),
            false => ban.length(item["expires"].clone()),
        }
    }

    /// Sets a field of the body to anything.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.body[field] = value.into();
        self
    }

    /// Leaves a field out.
    #[must_use]
    pub fn without(mut self, field: &str) -> Self {
        self.body.as_object_mut().expect("an object").remove(field);
        self
    }

    /// A Global ban.
    #[must_use]
    pub fn global(self) -> Self {
        self.with("banType", "Global")
    }

    /// A ban for good, as the SDK sends it.
    #[must_use]
    pub fn permanent(self) -> Self {
        self.with("banLengthType", "Permanent")
            .with("banLength", false)
    }

    /// A temporary ban of some length.
    #[must_use]
    pub fn length(self, length: impl Into<Value>) -> Self {
        self.with("banLengthType", "Temporary")
            .with("banLength", length)
    }

    /// Not over a ban in force.
    #[must_use]
    pub fn no_overwrite(self) -> Self {
        self.with("overwrite", false)
    }

    /// The moderator.
    #[must_use]
    pub fn moderator(self, moderator: u64) -> Self {
        self.with("banModerator", moderator)
    }

    /// Both reasons.
    #[must_use]
    pub fn reasons(self, private: &str, public: &str) -> Self {
        self.with("banPrivateReason", private)
            .with("banPublicReason", public)
    }

    /// The calling experience has applied it: with terms that hold, a confirmation.
    #[must_use]
    pub fn completed(mut self) -> Self {
        self.call = self.call.query("experienceBanCompleted", true);
        self
    }

    /// An accepted appeal.
    #[must_use]
    pub fn appeal(mut self) -> Self {
        self.call = self.call.query("isAppeal", true);
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.call = self.call.header(name, value);
        self
    }

    /// The body.
    pub const fn body(&self) -> &Value {
        &self.body
    }

    /// The request.
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

    /// Sets a field of the body to anything.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.body[field] = value.into();
        self
    }

    /// Why.
    #[must_use]
    pub fn reason(self, reason: &str) -> Self {
        self.with("reason", reason)
    }

    /// A report, no decision.
    #[must_use]
    pub fn confirm_only(mut self) -> Self {
        self.call = self.call.query("confirmOnly", true);
        self
    }

    /// The calling experience has applied it.
    #[must_use]
    pub fn completed(mut self) -> Self {
        self.call = self.call.query("experienceUnbanCompleted", true);
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.call = self.call.header(name, value);
        self
    }

    /// The request.
    pub fn call(&self) -> Call {
        self.call.clone().json(&self.body)
    }
}
