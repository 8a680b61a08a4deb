//! Bulk calls, recorded as one call per user.

use end_to_end::requests::{bulk_ban_call, bulk_unban_call};
use serde_json::{Value, json};
use shared::domain::rules::{BanRequest, UnbanRequest};

use super::{CallOptions, PATIENCE, Recorder};
use crate::history::{CallResult, GAVE_UP, Millis, Operation, RecordedCall};

/// The users of a bulk call, all in one experience and with the same flags.
#[derive(Clone, Debug)]
pub enum BulkOperation {
    Bans {
        requests: Vec<BanRequest>,
        /// Whether they record accepted appeals.
        appeal: bool,
    },
    Unbans(Vec<UnbanRequest>),
}

impl BulkOperation {
    /// The operation of each user.
    fn operations(&self) -> Vec<Operation> {
        match self {
            Self::Bans { requests, appeal } => {
                let ban = |request: &BanRequest| Operation::Ban {
                    request: request.clone(),
                    appeal: *appeal,
                };
                requests.iter().map(ban).collect()
            }
            Self::Unbans(requests) => requests.iter().cloned().map(Operation::Unban).collect(),
        }
    }
}

impl Recorder<'_> {
    /// Makes a bulk call and records it. `first` is when the call was first sent under its
    /// `Idempotency-Key`: a refusal may date from then. Returns whether every user has a result.
    pub async fn bulk(
        &self,
        (workspace, client): (usize, &str),
        bulk: &BulkOperation,
        options: &CallOptions,
        first: Millis,
    ) -> bool {
        let request = match bulk {
            BulkOperation::Bans { requests, appeal } => bulk_ban_call(requests, *appeal),
            BulkOperation::Unbans(requests) => bulk_unban_call(requests),
        };
        let request = self.authorized(request, workspace, options);
        let started = self.now();
        let patience = options.gives_up.unwrap_or(PATIENCE);
        let sent = tokio::time::timeout(patience, self.send(&request)).await;
        let (result, undocumented) = sent.unwrap_or_else(|_| {
            let lost = CallResult::Lost(format!("{GAVE_UP} after {patience:?}"));
            (lost, Vec::new())
        });
        let mut done = true;
        for (index, operation) in bulk.operations().into_iter().enumerate() {
            let Some(result) = of_user(&result, index, &operation) else {
                continue;
            };
            let is_refused = matches!(
                result,
                CallResult::Answered {
                    status: 400..500,
                    ..
                }
            );
            let call = RecordedCall {
                workspace,
                client: client.to_owned(),
                operation,
                in_bulk: true,
                key: options.key.clone(),
                started: if is_refused {
                    first.min(started)
                } else {
                    started
                },
                ended: self.now(),
                result,
                undocumented: undocumented.clone(),
            };
            done &= !call.is_open();
            self.lock().push(call);
        }
        done
    }
}

/// The result of one user as that of a single call. None for a user of a call that was refused
/// because of others.
fn of_user(whole: &CallResult, index: usize, operation: &Operation) -> Option<CallResult> {
    let CallResult::Answered {
        status,
        body,
        request,
    } = whole
    else {
        return Some(whole.clone());
    };
    if *status == 400 {
        let errors = body.get("errors").and_then(Value::as_array);
        let of_user = format!("users[{index}].");
        let is_own = |error: &Value| {
            let field = error.get("field").and_then(Value::as_str);
            field.is_some_and(|field| field.starts_with(&of_user))
        };
        return errors?.iter().any(is_own).then(|| whole.clone());
    }
    if *status != 200 {
        return Some(whole.clone());
    }
    let user = body.get("results")?.get(index)?;
    let text = |name: &str| user.get(name).and_then(Value::as_str);
    let is_own = user.get("userId").and_then(Value::as_u64) == Some(operation.user()?.get());
    let (status, body) = match (text("result"), text("code")) {
        _ if !is_own => (200, json!({ "results": "of another user" })),
        (Some("unprocessed"), _) => (503, json!({ "code": "unavailable" })),
        (Some("refused"), Some(code)) => {
            let status = match code {
                "already_banned" => 409,
                "not_found" => 404,
                "invalid_request" => 400,
                _ => 403,
            };
            (status, json!({ "code": code, "conflict": text("guid") }))
        }
        (Some(_), None) => (200, json!({ "status": "ok" })),
        _ => (200, json!({ "results": "without a result" })),
    };
    Some(CallResult::Answered {
        status,
        body,
        request: request.clone(),
    })
}
