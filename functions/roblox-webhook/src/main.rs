//! `POST /api/v1/roblox/webhook`: notifications from Roblox.

mod handler;
mod request;

use lambda_http::Error;
use shared::api::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    App::from_environment()?
        .serve("roblox-webhook", handler::handle)
        .await
}
