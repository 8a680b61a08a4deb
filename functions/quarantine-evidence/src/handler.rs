//! One report of a scan.

use serde_json::Value;
use shared::api::invocation::Invocation;
use shared::domain::error::ApiError;
use shared::telemetry::{Run, Scan};

use crate::report::ScanReport;

/// Quarantines the piece if the scan found something. Reports may arrive twice, late or out of order:
/// no result ends a quarantine. After an error, Lambda retries, and then keeps the event in the failure
/// queue.
pub async fn handle(invocation: Invocation, event: Value, bucket: &str) -> Result<(), ApiError> {
    let Some(ScanReport { file, result }) = ScanReport::of(&event, bucket) else {
        let run = Run {
            scan: Some(Scan::Ignored),
            ..Run::default()
        };
        invocation.end_run(&run, None);
        return Ok(());
    };
    let quarantined = if result.quarantines() {
        invocation.store.quarantine_evidence(file).await
    } else {
        Ok(false)
    };
    let run = Run {
        scan: Some(Scan::Reported(file, result)),
        evidence_quarantined: u32::from(matches!(quarantined, Ok(true))),
        evidence_unscanned: u32::from(result.is_inconclusive()),
        ..Run::default()
    };
    invocation.end_run(&run, quarantined.as_ref().err());
    quarantined.map(drop)
}
