//! `GET /api/v1/pending-unbans`: the bans that an experience has yet to lift.

mod handler;

use lambda_http::Error;
use shared::api::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    App::from_environment()?
        .serve("pending-unbans", handler::handle)
        .await
}
