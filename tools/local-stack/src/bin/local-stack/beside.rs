//! The services beside the API, which start before it.

use local_stack::{
    Endpoints, Result, discord,
    discord::Discord,
    object_store::ObjectStore,
    receiver::Receiver,
    roblox::{Group, Roblox},
    secrets::Secrets,
    seed::outward,
    template::Template,
};

use crate::settings::Settings;

/// The AWS services that functions call, and the servers of the studio, of Roblox and of Discord.
pub(crate) struct Beside {
    pub(crate) objects: ObjectStore,
    pub(crate) secrets: Secrets,
    /// A webhook receiver, which prints deliveries.
    pub(crate) receiver: Receiver,
    /// The fake Roblox Open Cloud, which prints changes.
    pub(crate) roblox: Roblox,
    /// The fake Discord, on whose page anyone may be any of its users.
    pub(crate) discord: Discord,
}

/// A group with roles of ranks 0, 1, 10, 50 and 250; the bot has the last.
fn group() -> Group {
    let roles = [(100, 0), (101, 1), (110, 10), (150, 50), (250, 250)];
    let group = Group::new(&roles).with(outward::BOT, &[101, 250]);
    group.with(outward::MEMBER, &[101])
}

impl Beside {
    pub(crate) async fn start(settings: &Settings, template: &Template) -> Result<Self> {
        let objects = settings.data.as_deref().map(|data| data.join("objects"));
        // Browsers know this machine by both names.
        let redirects = ["127.0.0.1", "localhost"]
            .map(|host| format!("http://{host}:{}/console/discord/callback", settings.port));
        let beside = Self {
            objects: ObjectStore::start(objects.as_deref(), template.buckets(), &[]).await?,
            secrets: Secrets::start(settings.secrets_port).await?,
            receiver: Receiver::start(settings.receiver_port, true)?,
            roblox: Roblox::start(settings.roblox_port).await?.printing(),
            discord: Discord::start(settings.discord_port, &redirects)
                .await?
                .printing(),
        };
        beside
            .receiver
            .register(outward::HOOK, outward::SIGNING_SECRET)?;
        beside.roblox.add_place(outward::PLACE, outward::UNIVERSE);
        let universes = [outward::UNIVERSE];
        beside.roblox.add_key(outward::OPEN_CLOUD_KEY, &universes);
        beside.secrets.set(outward::SECRET, outward::OPEN_CLOUD_KEY);
        let secrets = &beside.secrets;
        secrets.set(discord::CLIENT_SECRET_SECRET, discord::CLIENT_SECRET);
        secrets.set(discord::BOT_TOKEN_SECRET, discord::BOT_TOKEN);
        beside.roblox.set_group(outward::GROUP, group());
        Ok(beside)
    }

    /// The URL of the demo's webhooks.
    pub(crate) fn hook(&self) -> String {
        self.receiver.url(outward::HOOK)
    }

    /// The variables that point functions to these services, to a database and to each other.
    pub(crate) fn environment(&self, database: &str, lambda: &str) -> Vec<(String, String)> {
        let mut environment = local_stack::aws_environment(&Endpoints {
            database,
            objects: self.objects.endpoint(),
            lambda,
            secrets: self.secrets.endpoint(),
        });
        let roblox = self.roblox.endpoint().to_owned();
        environment.push(("ROBLOX_API_URL".to_owned(), roblox.clone()));
        environment.push(("ROBLOX_USERS_URL".to_owned(), roblox.clone()));
        environment.push(("ROBLOX_GROUPS_URL".to_owned(), roblox));
        let discord = self.discord.endpoint().to_owned();
        environment.push(("DISCORD_API_URL".to_owned(), discord.clone()));
        environment.push(("DISCORD_CDN_URL".to_owned(), discord));
        environment
    }
}
