//! Stores a key of Roblox Open Cloud that was sent in a form on Discord. It can read no secret.

mod handler;

use lambda_http::Error;
use shared::api::App;
use shared::api::discord::KeyBinder;
use shared::integrations::discord::Discord;
use shared::integrations::roblox::GroupRanks;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = App::from_environment()?;
    let application = std::env::var("DISCORD_APPLICATION_ID").unwrap_or_default();
    let discord = &Discord::from_environment(application.parse()?)?;
    let binder = &KeyBinder::from_environment(app.config())?;
    let ranks = &GroupRanks::from_environment()?;
    app.handle_or_fail("bind-key", |invocation, sent| {
        handler::handle(invocation, sent, binder, ranks, discord)
    })
    .await
}
