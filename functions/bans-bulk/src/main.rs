//! `POST /api/v1/bans/bulk`: handles up to 100 users like `/ban-async`, each with its own result.

mod handler;

use lambda_http::Error;
use shared::api::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    App::from_environment()?
        .serve("bans-bulk", handler::handle)
        .await
}
