//! Runs every five minutes and brings roles on Discord in line with the rules of workspaces.

mod budget;
mod events;
mod handler;

use lambda_http::Error;
use serde::de::IgnoredAny;
use shared::api::App;
use shared::integrations::discord::Discord;
use shared::integrations::secrets::SecretStore;
use shared::moderation::role_sync::RoleTools;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = App::from_environment()?;
    let application = std::env::var("DISCORD_APPLICATION_ID").unwrap_or_default();
    let discord = Discord::from_environment(application.parse()?)?;
    let tools = &RoleTools::from_environment(discord, SecretStore::new(app.config()))?;
    app.handle("sync-roles", move |invocation, _: IgnoredAny| {
        handler::handle(invocation, tools)
    })
    .await
}
