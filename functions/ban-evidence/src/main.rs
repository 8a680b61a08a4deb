//! `GET /api/v1/bans/{guid}/evidence`: the evidence for a ban.

mod handler;

use lambda_http::Error;
use shared::api::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    App::from_environment()?
        .serve("ban-evidence", handler::handle)
        .await
}
