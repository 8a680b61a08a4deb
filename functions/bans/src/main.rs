//! `GET /api/v1/bans`: the ban list, newest first.

mod handler;

use lambda_http::Error;
use shared::api::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    App::from_environment()?
        .serve("bans", handler::handle)
        .await
}
