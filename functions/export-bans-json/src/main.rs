//! `GET /api/v1/export/bans/json`: all bans as a file.

mod handler;

use lambda_http::Error;
use shared::api::App;
use shared::store::ExportBucket;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = App::from_environment()?;
    let bucket = ExportBucket::from_environment(app.config())?;
    app.serve("export-bans-json", move |caller, request, store| {
        handler::handle(caller, request, store, bucket.clone())
    })
    .await
}
