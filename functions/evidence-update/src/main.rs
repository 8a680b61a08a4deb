//! `PATCH /api/v1/evidence/{guid}/metadata`: changes the metadata of a piece of evidence.

mod handler;

use lambda_http::Error;
use shared::api::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    App::from_environment()?
        .serve("evidence-update", handler::handle)
        .await
}
