//! `POST /api/v1/roblox/webhook`: what Roblox notifies the studio of.

mod handler;
mod request;

use lambda_http::Error;
use shared::http::{App, Budget};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    App::from_environment()?
        .serve("roblox-webhook", Budget::NOTIFICATION, handler::handle)
        .await
}
