//! The addresses of the local stack's other services, which it stores in its workspaces table.

use serde::Deserialize;
use shared::domain::members::DiscordId;
use shared::integrations::secrets::SecretStore;
use shared::store::Store;

use super::Connection;

/// The addresses that the local stack has stored.
#[derive(Clone, Debug, Deserialize)]
pub struct LocalStack {
    /// The fake of Roblox Open Cloud.
    pub roblox: String,
    /// Secrets Manager.
    pub secrets: String,
    /// The API, with `/api/v1`.
    pub api: String,
    /// S3. A stack of an older version has not stored it.
    pub objects: Option<String>,
    /// The fake of Discord. A stack of an older version has not stored it.
    pub discord: Option<LocalDiscord>,
}

/// The fake of Discord, and the application that the functions have.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LocalDiscord {
    pub url: String,
    pub application: DiscordId,
    pub public_key: String,
}

impl LocalStack {
    /// What a local database has stored, if all of it is on this machine.
    pub async fn read(store: &Store) -> Option<Self> {
        let found: Self = store.local_stack().await.ok().flatten()?;
        let needed = [&found.roblox, &found.secrets, &found.api];
        let are_here = needed
            .into_iter()
            .chain(&found.objects)
            .chain(found.discord.as_ref().map(|discord| &discord.url))
            .all(|url| is_here(url));
        are_here.then_some(found)
    }
}

impl Connection {
    /// The local stack's addresses, if the database is local. Keys are sent to them, so only addresses
    /// of this machine are accepted.
    pub async fn local_stack(&self) -> Option<LocalStack> {
        if !self.is_local {
            return None;
        }
        LocalStack::read(&self.store()).await
    }

    /// Secrets Manager: the local stack's, unless the environment sets an endpoint.
    pub async fn secrets(&self) -> SecretStore {
        let is_named = std::env::var_os("AWS_ENDPOINT_URL_SECRETS_MANAGER").is_some();
        let local = if is_named {
            None
        } else {
            self.local_stack().await
        };
        let mut sdk = self.sdk.to_builder();
        if let Some(local) = local {
            sdk.set_endpoint_url(Some(local.secrets));
        }
        SecretStore::new(&sdk.build())
    }
}

fn is_here(url: &str) -> bool {
    let rest = url.strip_prefix("http://127.0.0.1:");
    let port = rest.and_then(|rest| rest.split('/').next());
    port.is_some_and(|port| port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_other_machines_are_refused() {
        for (url, accepted) in [
            ("http://127.0.0.1:9002", true),
            ("http://127.0.0.1:9000/api/v1", true),
            ("http://127.0.0.1:9002@example.com", false),
            ("http://10.0.0.1:9002", false),
            ("https://127.0.0.1:9002", false),
            ("http://localhost.example.com", false),
            ("", false),
        ] {
            assert_eq!(is_here(url), accepted, "{url}");
        }
    }
}
