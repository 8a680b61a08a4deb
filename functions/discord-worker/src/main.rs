//! Finishes interactions on Discord that need Roblox, Discord or more time.

mod handler;

use lambda_http::Error;
use shared::api::App;
use shared::api::discord::EvidenceCopier;
use shared::integrations::discord::{Discord, DiscordFiles};
use shared::integrations::roblox::UsersApi;
use shared::integrations::secrets::SecretStore;
use shared::moderation::names::Names;
use shared::moderation::role_sync::RoleTools;
use shared::store::EvidenceBucket;

use crate::handler::Services;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = App::from_environment()?;
    let application = std::env::var("DISCORD_APPLICATION_ID").unwrap_or_default();
    let discord = Discord::from_environment(application.parse()?)?;
    let roles = &RoleTools::from_environment(discord, SecretStore::new(app.config()))?;
    let names = &Names::new(UsersApi::from_environment()?);
    let copier = &EvidenceCopier {
        files: DiscordFiles::from_environment()?,
        bucket: EvidenceBucket::for_uploads(app.config())?,
    };
    let services = Services {
        names,
        roles,
        copier,
    };
    app.handle_or_fail("discord-worker", |invocation, work| {
        handler::handle(invocation, work, services)
    })
    .await
}
