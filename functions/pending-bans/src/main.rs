//! `GET /api/v1/pending-bans`: the bans that an experience has yet to apply.

mod handler;

use lambda_http::Error;
use shared::api::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    App::from_environment()?
        .serve("pending-bans", handler::handle)
        .await
}
