//! Records forms that members send at the console.

use serde_json::json;
use shared::domain::rules::BanRequest;

use super::{PATIENCE, Recorder};
use crate::clients::console::{Form, operation};
use crate::history::{CallResult, GAVE_UP};

impl Recorder<'_> {
    /// Sends the form of a ban, and records it as the call with the same meaning. A form that the console
    /// refuses is not recorded, so whatever it changes all the same is found.
    pub async fn submit(&self, workspace: usize, client: &str, form: Form, request: BanRequest) {
        let Some(of) = self.workspaces.get(workspace) else {
            return;
        };
        let mut browser = of.browser();
        browser.cookie = Some(form.cookie);
        let fields = form.fields.iter();
        let fields: Vec<_> = fields
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let started = self.now();
        let sending = browser.try_post("/console/ban", &fields);
        let result = match tokio::time::timeout(PATIENCE, sending).await {
            Ok(Ok(answer)) if answer.status == 303 => CallResult::Answered {
                status: 200,
                body: json!({ "status": "ok" }),
                request: answer.header("x-request-id").map(str::to_owned),
            },
            Ok(Ok(answer)) if answer.status < 500 => return,
            _ => CallResult::Lost(format!("{GAVE_UP} on the console")),
        };
        self.record((workspace, client), operation(request), started, result);
    }
}
