//! Takes up to 50 reports of one experience about pending changes.

use serde::Serialize;
use shared::api::auth::{Caller, WriteBans};
use shared::api::{ApiRequest, Reply};
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::rules::{ChangeReport, ReportStatus};
use shared::moderation::{self, Reporter};
use shared::store::Store;

use crate::request::parse;

pub async fn handle(
    caller: Caller<WriteBans>,
    request: ApiRequest,
    store: Store,
) -> Result<Reply, ApiError> {
    let call = parse(&request)?;
    let (prefix, now) = (caller.prefix(), UnixMillis::now().seconds());
    let idempotency = request.idempotency_key(&call.meaning())?;
    if let Some(name) = &idempotency
        && let Some(statuses) = store
            .earlier_statuses(prefix, caller.key_id(), name, now)
            .await?
    {
        return reply(&call.reports, &statuses);
    }
    let reporter = Reporter {
        links: caller.link_rights(),
        place: call.place,
        key_id: caller.key_id(),
        channel: caller.channel(),
        request_id: request.id(),
    };
    let statuses = moderation::take_reports(&store, &reporter, &call.reports, now).await?;
    if let Some(name) = &idempotency {
        store
            .record_statuses(prefix, caller.key_id(), name, &statuses, now)
            .await?;
    }
    reply(&call.reports, &statuses)
}

/// The answer: a status for each report, in the same order.
#[derive(Serialize)]
struct Taken {
    status: &'static str,
    results: Vec<ReportResult>,
}

#[derive(Serialize)]
struct ReportResult {
    guid: String,
    status: &'static str,
}

fn reply(reports: &[ChangeReport], statuses: &[ReportStatus]) -> Result<Reply, ApiError> {
    let result = |(report, status): (&ChangeReport, &ReportStatus)| ReportResult {
        guid: report.guid.to_string(),
        status: status.as_str(),
    };
    Reply::json(&Taken {
        status: "ok",
        results: reports.iter().zip(statuses).map(result).collect(),
    })
}
