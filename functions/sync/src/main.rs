//! `GET /api/v1/sync`: the users to check again since a cursor.

mod handler;

use lambda_http::Error;
use shared::api::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    App::from_environment()?
        .serve("sync", handler::handle)
        .await
}
