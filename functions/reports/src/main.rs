//! `POST /api/v1/reports`: what an experience has applied, and what has failed.

mod handler;
mod request;

use lambda_http::Error;
use shared::api::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    App::from_environment()?
        .serve("reports", handler::handle)
        .await
}
