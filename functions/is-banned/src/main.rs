//! `POST /api/v1/is-banned`: is this user kept out of this experience?

mod handler;

use lambda_http::Error;
use shared::http::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    App::from_environment()?
        .serve("is-banned", handler::handle)
        .await
}
