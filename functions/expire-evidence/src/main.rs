//! Runs every five minutes and removes evidence whose time has come.

mod handler;

use lambda_http::Error;
use serde::de::IgnoredAny;
use shared::api::App;
use shared::store::EvidenceBucket;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = App::from_environment()?;
    let bucket = EvidenceBucket::from_environment(app.config())?;
    app.handle("expire-evidence", move |invocation, _: IgnoredAny| {
        handler::handle(invocation, bucket.clone())
    })
    .await
}
