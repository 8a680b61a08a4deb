//! Runs every minute and records an event for each expired ban.

mod handler;

use lambda_http::Error;
use serde::de::IgnoredAny;
use shared::api::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    App::from_environment()?
        .handle("expire-bans", |invocation, _: IgnoredAny| {
            handler::handle(invocation)
        })
        .await
}
