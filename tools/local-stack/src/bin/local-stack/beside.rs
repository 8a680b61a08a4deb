//! What runs beside the API and its functions, and is there before them.

use local_stack::{
    Endpoints, Result, object_store::ObjectStore, receiver::Receiver, roblox::Roblox,
    secrets::Secrets, seed::outward, template::Template,
};

use crate::settings::Settings;

/// The services that functions call, and what is outside of the studio's own account.
pub(crate) struct Beside {
    pub(crate) objects: ObjectStore,
    pub(crate) secrets: Secrets,
    /// A studio's own server, which prints the webhooks it gets.
    pub(crate) receiver: Receiver,
    /// Roblox Open Cloud, which prints what is changed there.
    pub(crate) roblox: Roblox,
}

impl Beside {
    /// Starts everything.
    pub(crate) async fn start(settings: &Settings, template: &Template) -> Result<Self> {
        let objects = settings.data.as_deref().map(|data| data.join("objects"));
        let beside = Self {
            objects: ObjectStore::start(objects.as_deref(), template.buckets()).await?,
            secrets: Secrets::start(settings.secrets_port).await?,
            receiver: Receiver::start(settings.receiver_port, true)?,
            roblox: Roblox::start(settings.roblox_port).await?.printing(),
        };
        beside
            .receiver
            .register(outward::HOOK, outward::SIGNING_SECRET)?;
        beside.roblox.add_place(outward::PLACE, outward::UNIVERSE);
        let universes = [outward::UNIVERSE];
        beside.roblox.add_key(outward::OPEN_CLOUD_KEY, &universes);
        beside.secrets.set(outward::SECRET, outward::OPEN_CLOUD_KEY);
        Ok(beside)
    }

    /// Where the demo's webhooks lead.
    pub(crate) fn hook(&self) -> String {
        self.receiver.url(outward::HOOK)
    }

    /// The variables by which functions find these services, a database and each other.
    pub(crate) fn environment(&self, database: &str, lambda: &str) -> Vec<(String, String)> {
        let mut environment = local_stack::aws_environment(&Endpoints {
            database,
            objects: self.objects.endpoint(),
            lambda,
            secrets: self.secrets.endpoint(),
        });
        let roblox = self.roblox.endpoint().to_owned();
        environment.push(("ROBLOX_API_URL".to_owned(), roblox));
        environment
    }
}
