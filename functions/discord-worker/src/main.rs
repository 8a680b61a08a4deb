//! Finishes interactions on Discord that need Roblox, Discord or more time.

mod handler;

use lambda_http::Error;
use shared::api::App;
use shared::api::discord::EvidenceCopier;
use shared::integrations::discord::{Discord, DiscordBot, DiscordFiles};
use shared::integrations::roblox::{GroupRanks, UsersApi};
use shared::integrations::secrets::SecretStore;
use shared::moderation::names::Names;
use shared::store::EvidenceBucket;

use crate::handler::Services;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = App::from_environment()?;
    let application = std::env::var("DISCORD_APPLICATION_ID").unwrap_or_default();
    let discord = &Discord::from_environment(application.parse()?)?;
    let secrets = SecretStore::new(app.config());
    let bot = &DiscordBot::from_environment(discord.clone(), secrets)?;
    let names = &Names::new(UsersApi::from_environment()?);
    let copier = &EvidenceCopier {
        files: DiscordFiles::from_environment()?,
        bucket: EvidenceBucket::for_uploads(app.config())?,
    };
    let services = Services {
        names,
        ranks: &GroupRanks::from_environment()?,
        discord,
        bot,
        copier,
    };
    app.handle_or_fail("discord-worker", |invocation, work| {
        handler::handle(invocation, work, services)
    })
    .await
}
