//! A fake Discord with the calls of signing in, of a bot that reads members and roles of guilds, changes them, bans
//! there and reads the audit log, of webhooks of channels, of answers to interactions, of files in messages, and of
//! setting up the application, after the published documents. As the caller, it signs interactions ([`caller`]).
//!
//! Its page of authorization has a button for each user, for a person or a browser test to press.

mod application;
mod authorization;
mod bans;
pub mod caller;
mod commands;
mod demo;
mod files;
mod guilds;
mod originals;
mod routes;
mod state;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse, Response};
use parking_lot::{Mutex, MutexGuard};
use serde_json::{Value, json};

pub use bans::{BAN_MEMBERS, FakeAuditEntry, VIEW_AUDIT_LOG};
pub use demo::{
    ADA, ADMINISTRATORS, APPLICATION, BOT_ROLE, BOT_TOKEN, BOT_TOKEN_SECRET, CLIENT_SECRET,
    CLIENT_SECRET_SECRET, GUILD, KIM, MODERATORS, NOOR, VERIFIED, WEBHOOK, WEBHOOK_TOKEN,
    demo_guild, demo_links, demo_rules,
};
pub use state::{DiscordFault, FakeGuild, FakeMember};

use crate::Result;
use crate::exchange::Exchange;
use crate::faults::Rule;
use crate::http::{self, Guard};
use demo::BOT_ROLE_BELOW;
use files::FakeFile;
use routes::Call;
use state::{State, User};
use webhooks::FakeWebhook;

/// A running fake; it stops when this is dropped.
#[derive(Debug)]
pub struct Discord {
    endpoint: String,
    state: Arc<Mutex<State>>,
    _server: Guard,
}

impl Discord {
    /// Starts a fake on a port (0: any free one) with the demo's application, guild and users. Discord sends
    /// users back to these addresses only.
    pub async fn start(port: u16, redirects: &[String]) -> Result<Self> {
        let (listener, _) = http::listen(port, "DISCORD_PORT").await?;
        let endpoint = http::address(&listener)?;
        let state = Arc::new(Mutex::new(State::demo(redirects)));
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&state));
        Ok(Self {
            endpoint,
            state,
            _server: http::serve(listener, router),
        })
    }

    /// Prints each message that arrives in a channel.
    #[must_use]
    pub fn printing(self) -> Self {
        self.state().prints = true;
        self
    }

    /// Creates a webhook, or gives it another token, and returns its URL at Discord.
    pub fn add_webhook(&self, id: u64, token: &str) -> String {
        self.state().webhooks.insert(id, FakeWebhook::new(token));
        format!("https://discord.com/api/webhooks/{id}/{token}")
    }

    pub fn delete_webhook(&self, id: u64) {
        self.state().webhooks.remove(&id);
    }

    /// The messages that a webhook has accepted, oldest first.
    pub fn messages(&self, webhook: u64) -> Vec<Value> {
        let state = self.state();
        let webhook = state.webhooks.get(&webhook);
        webhook.map_or_else(Vec::new, |webhook| webhook.messages.clone())
    }

    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Creates or renames a user.
    pub fn set_user(&self, user: u64, username: &str, global_name: Option<&str>) {
        let named = User {
            username: username.to_owned(),
            global_name: global_name.map(str::to_owned),
        };
        self.state().users.insert(user, named);
    }

    /// Creates or replaces a guild.
    pub fn set_guild(&self, id: u64, guild: FakeGuild) {
        self.state().guilds.insert(id, guild);
    }

    /// Makes a user a member of a guild with exactly these roles.
    pub fn set_roles(&self, guild: u64, user: u64, roles: &[u64]) {
        let member = FakeMember {
            roles: roles.to_vec(),
            timed_out_until: None,
        };
        self.change_guild(guild, |guild| {
            guild.members.insert(user, member);
        });
    }

    /// Makes a user leave a guild.
    pub fn leave(&self, guild: u64, user: u64) {
        self.change_guild(guild, |guild| {
            guild.members.remove(&user);
        });
    }

    /// Gives the bot exactly these permissions in a guild, by a role above all others or under them.
    pub fn set_bot_role(&self, guild: u64, permissions: u64, is_above: bool) {
        self.change_guild(guild, |guild| {
            for role in std::mem::take(&mut guild.bot_roles) {
                guild.roles.remove(&role);
            }
            let id = if is_above { BOT_ROLE } else { BOT_ROLE_BELOW };
            *guild = guild.clone().bot_role(id, "Portcullis", permissions);
        });
    }

    /// Deletes a role of a guild.
    pub fn delete_role(&self, guild: u64, role: u64) {
        self.change_guild(guild, |guild| {
            guild.roles.remove(&role);
            for member in guild.members.values_mut() {
                member.roles.retain(|held| *held != role);
            }
        });
    }

    /// The roles of a member of a guild.
    pub fn roles_of(&self, guild: u64, user: u64) -> Vec<u64> {
        let guild = self.guild(guild);
        let member = guild.and_then(|guild| guild.members.get(&user).cloned());
        let mut roles = member.unwrap_or_default().roles;
        roles.sort_unstable();
        roles
    }

    /// The reasons of the changes of roles that were made, oldest first.
    pub fn reasons(&self) -> Vec<String> {
        self.state().audit.clone()
    }

    /// Adds the bot to a guild or removes it.
    pub fn set_bot(&self, guild: u64, is_there: bool) {
        self.change_guild(guild, |guild| guild.has_bot = is_there);
    }

    /// Gives the bot exactly these permissions in a guild.
    pub fn set_bot_permissions(&self, guild: u64, permissions: u64) {
        self.change_guild(guild, |guild| guild.bot_permissions = permissions);
    }

    /// Writes an entry into the audit log of a guild.
    pub fn write_audit_log(&self, guild: u64, entry: FakeAuditEntry) {
        self.change_guild(guild, |guild| guild.audit_log.push(entry));
    }

    fn change_guild(&self, guild: u64, change: impl FnOnce(&mut FakeGuild)) {
        if let Some(guild) = self.state().guilds.get_mut(&guild) {
            change(guild);
        }
    }

    /// Adds a fault of calls, by method or by a part of the path. For each call the oldest that matches counts.
    pub fn fail(&self, rule: Rule<DiscordFault>) {
        self.state().faults.push(rule);
    }

    pub fn heal(&self) {
        self.state().faults.clear();
    }

    /// The endpoint that is set.
    pub fn endpoint_url(&self) -> Option<String> {
        self.state().registered.endpoint.clone()
    }

    /// Shows another public key than the one that belongs to the signatures.
    pub fn set_public_key(&self, key: &str) {
        self.state().registered.other_key = Some(key.to_owned());
    }

    /// The commands that are registered for all guilds.
    pub fn commands(&self) -> Vec<Value> {
        self.state().registered.commands.clone()
    }

    /// Replaces them by what someone else has registered.
    pub fn set_commands(&self, commands: &[Value]) {
        let mut state = self.state();
        let before = std::mem::take(&mut state.registered.commands);
        let commands = commands.iter();
        state.registered.commands = commands
            .map(|command| commands::registered(command, &before))
            .collect();
    }

    /// A guild in its present state.
    pub fn guild(&self, guild: u64) -> Option<FakeGuild> {
        self.state().guilds.get(&guild).cloned()
    }

    /// The answer of an interaction, once the application has edited it.
    pub fn original(&self, token: &str) -> Option<Value> {
        self.state().originals.get(token).cloned()
    }

    /// Stores a file of a message, and returns it as messages show it.
    pub fn add_file(&self, name: &str, content_type: &str, bytes: &[u8]) -> Value {
        let id = caller::new_id(Duration::ZERO);
        let (path, query) = files::path(id, name);
        let file = FakeFile {
            content_type: content_type.to_owned(),
            bytes: Bytes::copy_from_slice(bytes),
        };
        self.state().files.insert(id, file);
        json!({
            "id": id.to_string(), "filename": name, "size": bytes.len(), "content_type": content_type,
            "url": format!("https://cdn.discordapp.com{path}?{query}"),
            "proxy_url": format!("https://media.discordapp.net{path}?{query}"),
        })
    }

    /// The access tokens that were given out.
    pub fn tokens(&self) -> Vec<String> {
        self.state().tokens.keys().cloned().collect()
    }

    /// The last 10,000 calls with their answers, oldest first.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.state().exchanges.all()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

async fn answer(
    Shared(state): Shared<Arc<Mutex<State>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let call = Call::of(&method, &uri, &headers, body);
    let fits = |part: &str| call.method == part || call.path.contains(part);
    let fault = state.lock().faults.strike(fits);
    let pause = match fault {
        Some(DiscordFault::Delay(pause)) => pause,
        _ => Duration::ZERO,
    };
    tokio::time::sleep(pause).await;
    let works = application::works(&call).await;
    let mut state = state.lock();
    let instead = fault.and_then(DiscordFault::instead);
    let file = files::answer(&state, &call).filter(|_| instead.is_none());
    if let Some(file) = file {
        return file.into_response();
    }
    let answer = match instead {
        Some(instead) => instead,
        None => routes::answer(&mut state, &call, works),
    };
    state.exchanges.keep(Exchange {
        method: call.method,
        path: call.path,
        query: call.query,
        body: call.body,
        status: answer.status.as_u16(),
        answer: answer.body.clone().into(),
    });
    answer.into_response()
}
