//! `POST /api/v1/is-banned/batch`: which of many users are banned in an experience.

mod handler;

use lambda_http::Error;
use shared::api::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    App::from_environment()?
        .serve("is-banned-batch", handler::handle)
        .await
}
