//! `PATCH` and `POST /api/v1/evidence/create`: adds evidence to a ban.

mod handler;

use lambda_http::Error;
use shared::api::App;
use shared::store::EvidenceBucket;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = App::from_environment()?;
    let bucket = EvidenceBucket::from_environment(app.config())?;
    app.serve("evidence-create", move |caller, request, store| {
        handler::handle(caller, request, store, bucket.clone())
    })
    .await
}
