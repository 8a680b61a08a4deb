//! `POST /api/v1/is-banned`: whether a user is banned in an experience.

mod handler;

use lambda_http::Error;
use shared::api::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    App::from_environment()?
        .serve("is-banned", handler::handle)
        .await
}
