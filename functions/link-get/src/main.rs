//! `GET /api/v1/links/roblox/{id}` and `GET /api/v1/links/discord/{id}`: the link of an account.

mod handler;

use lambda_http::Error;
use shared::api::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    App::from_environment()?
        .serve("link-get", handler::handle)
        .await
}
