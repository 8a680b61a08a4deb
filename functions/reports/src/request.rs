//! Parses the reports, and finds out what the call means.

use shared::api::{ApiRequest, Fields};
use shared::domain::error::ApiError;
use shared::domain::ids::PlaceId;
use shared::domain::rules::{Change, ChangeReport, LONGEST_ERROR, Meaning, ReportedAttempt};
use shared::domain::text;

/// The most reports in one call.
const MOST: usize = 50;

pub struct ReportsCall {
    pub place: PlaceId,
    pub reports: Vec<ChangeReport>,
}

impl ReportsCall {
    pub fn meaning(&self) -> Meaning {
        let place = self.place.to_string();
        let reports = self.reports.iter().map(ChangeReport::meaning);
        let parts: Vec<_> = ["reports".to_owned(), place]
            .into_iter()
            .chain(reports)
            .collect();
        let parts: Vec<_> = parts.iter().map(String::as_str).collect();
        Meaning::of_parts(&parts)
    }
}

pub fn parse(request: &ApiRequest) -> Result<ReportsCall, ApiError> {
    let mut body = request.body()?;
    let place = body.id("experienceId");
    let reports = body.objects("reports", MOST, report);
    body.build(|| {
        Some(ReportsCall {
            place: place?,
            reports: reports?,
        })
    })
}

fn report(fields: &mut Fields) -> Option<ChangeReport> {
    let user = fields.id("userId");
    let guid = fields.guid("guid");
    let revision = fields.revision("revision");
    let changes = [("ban", Change::Ban), ("unban", Change::Unban)];
    let change = fields.word("applied", &changes);
    let succeeded = fields.flag("ok");
    let error = fields.any_text("error");
    let attempt = if succeeded? {
        ReportedAttempt::Applied
    } else {
        ReportedAttempt::Failed {
            error: error.and_then(|error| text::cleaned(&error, LONGEST_ERROR)),
        }
    };
    Some(ChangeReport {
        user: user?,
        guid: guid?,
        revision: revision?,
        change: change?,
        attempt,
    })
}
