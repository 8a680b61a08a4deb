//! `GET /api/v1/bans/{guid}`: one ban and its history.

mod handler;

use lambda_http::Error;
use shared::api::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    App::from_environment()?
        .serve("ban-history", handler::handle)
        .await
}
