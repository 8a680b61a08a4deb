//! `/newapikey`: a key, shown once to the one who asked.

use super::commander::Commander;
use super::desk::CommandDesk;
use super::flow::{Flow, Stop};
use super::show::escaped;
use crate::api::auth::Administer;
use crate::domain::discord::{DiscordMessage, InteractionReply};
use crate::domain::keys::{KeyKind, KeyScope, PinnedFlagFormat, PlainKey, Purpose};
use crate::domain::text::{LONGEST_NAME, display_name};
use crate::store::admin::NewKey;

/// Creates it. A repeat of the same interaction shows the same key: it follows from the interaction's
/// token, which nobody else has, and the workspace's secret.
pub async fn create(desk: &CommandDesk<'_>, by: &Commander) -> Flow<InteractionReply> {
    let administrator = by.with::<Administer>()?;
    let typed = desk.interaction.option("name");
    let name = if typed.is_empty() {
        "Created in Discord"
    } else {
        display_name(typed).ok_or_else(|| {
            Stop::Say(format!(
                "The name must be 1 to {LONGEST_NAME} characters on one line."
            ))
        })?
    };
    let token = desk.interaction.token.reveal();
    if token.is_empty() {
        return Err(Stop::say("Discord sent no token: try again."));
    }
    let store = desk.store;
    let secret = store.workspace_secret(by.prefix()).await?;
    let id = desk.id()?.to_string();
    let mac = secret.mac(Purpose::ApiKey, &[id.as_bytes(), token.as_bytes()]);
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(mac) {
        *to = from;
    }
    let workspace = administrator.workspace_id();
    let key = PlainKey::of_bytes(KeyKind::Secret, workspace, bytes);
    let new = NewKey {
        key: key.clone(),
        workspace,
        name: name.to_owned(),
        scopes: KeyScope::DEFAULT.to_vec(),
        flags: PinnedFlagFormat::Auto,
        bans_per_hour: None,
        checks_per_minute: None,
        expires: None,
        created: desk.now(),
    };
    store.create_key(&new).await?;
    let scopes = KeyScope::DEFAULT.map(|scope| format!("`{}`", scope.name()));
    let text = format!(
        "The new key {}, with the scopes {}:\n||`{}`||\nIt is shown only once. Keep it where your game \
         servers keep secrets. The console lists and revokes keys.",
        escaped(name),
        scopes.join(" and "),
        key.reveal()
    );
    Ok(desk.reply(DiscordMessage::text(text)))
}
