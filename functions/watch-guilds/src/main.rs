//! Runs every minute, records what the audit logs of watched guilds say about bans, and follows the rules of these
//! guilds.

mod handler;
mod in_game;
mod in_guild;
mod reading;
mod rules;

use lambda_http::Error;
use serde::de::IgnoredAny;
use shared::api::App;
use shared::integrations::discord::{Discord, DiscordBot};
use shared::integrations::secrets::SecretStore;

use crate::reading::GuildReader;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = App::from_environment()?;
    let application = std::env::var("DISCORD_APPLICATION_ID").unwrap_or_default();
    let discord = Discord::from_environment(application.parse()?)?;
    let secrets = SecretStore::new(app.config());
    let reader = &GuildReader::new(DiscordBot::from_environment(discord, secrets)?);
    app.handle("watch-guilds", |invocation, _: IgnoredAny| {
        handler::handle(invocation, reader)
    })
    .await
}
