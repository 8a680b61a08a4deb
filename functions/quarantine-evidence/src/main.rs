//! Gets the result of each malware scan of the bucket of evidence from GuardDuty, and quarantines the
//! pieces in which it found something.

mod handler;
mod report;

use lambda_http::Error;
use shared::api::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = App::from_environment()?;
    let bucket = &std::env::var("EVIDENCE_BUCKET")?;
    app.handle_or_fail("quarantine-evidence", |invocation, event| {
        handler::handle(invocation, event, bucket)
    })
    .await
}
