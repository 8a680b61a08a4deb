//! Finishes interactions on Discord that need Roblox, Discord or more time.

mod edit;
mod handler;

use lambda_http::Error;
use shared::api::App;
use shared::integrations::discord::Discord;
use shared::integrations::roblox::UsersApi;
use shared::integrations::secrets::SecretStore;
use shared::moderation::names::Names;
use shared::moderation::role_sync::RoleTools;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = App::from_environment()?;
    let application = std::env::var("DISCORD_APPLICATION_ID").unwrap_or_default();
    let discord = &Discord::from_environment(application.parse()?)?;
    let roles = &RoleTools::from_environment(discord.clone(), SecretStore::new(app.config()))?;
    let names = &Names::new(UsersApi::from_environment()?);
    app.handle_or_fail("discord-worker", |invocation, work| {
        handler::handle(invocation, work, names, discord, roles)
    })
    .await
}
