//! What the commands about Roblox Open Cloud use.

use anyhow::{Context, Result};
use shared::domain::ids::WorkspacePrefix;
use shared::integrations::roblox::{Roblox, RobloxKey};
use shared::integrations::secrets::SecretStore;
use shared::store::Store;

use super::workspace;
use crate::arguments::WorkspaceArg;
use crate::connection::{self, Connection, ConnectionArgs, Stack};

pub struct OpenCloudContext {
    pub store: Store,
    pub secrets: SecretStore,
    pub roblox: Roblox,
    pub stack: Option<Stack>,
    region: String,
}

impl OpenCloudContext {
    pub async fn open(args: &ConnectionArgs) -> Result<Self> {
        let sdk = args.sdk().await;
        connection::credentials(&sdk).await?;
        let region = sdk.region().map(ToString::to_string);
        let located = args.locate(sdk).await?;
        Ok(Self {
            store: located.store(),
            secrets: located.secrets().await,
            roblox: roblox(&located).await?,
            stack: located.stack,
            region: region.unwrap_or_default(),
        })
    }

    /// Reads the Open Cloud key in a secret.
    pub async fn key(&self, secret: &str) -> Result<RobloxKey> {
        let found = self.secrets.fresh_key(secret).await;
        found.with_context(|| format!("secret {secret} in {}", self.region))
    }

    pub async fn prefix(&self, place: WorkspaceArg) -> Result<WorkspacePrefix> {
        let found = workspace::find(&self.store, place).await?;
        Ok(found.guid.prefix())
    }
}

/// The client for Roblox: at `ROBLOX_API_URL`, or else the local stack's fake, or else Roblox itself.
pub async fn roblox(located: &Connection) -> Result<Roblox> {
    let local = match std::env::var_os("ROBLOX_API_URL") {
        Some(_) => None,
        None => located.local_stack().await,
    };
    let roblox = match local {
        Some(local) => Roblox::at(&local.roblox),
        None => Roblox::from_environment(),
    };
    roblox.map_err(|error| anyhow::anyhow!("Roblox Open Cloud: {error}"))
}
