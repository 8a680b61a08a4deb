//! A moderator who bans with `/ban` on Discord, where an interaction arrives again now and then. Each
//! decision is made by a member of its own, like those at the console.

use local_stack::discord::caller::{self, Act};
use local_stack::discord::{GUILD, demo_guild};
use serde_json::{Value, json};
use shared::domain::clock::UnixSeconds;
use shared::domain::members::DiscordId;
use shared::domain::rules::{BanRequest, Length, Scope};

use super::Client;
use super::console::{decision, new_member};

/// The ids of the people begin here; then follows the moderator's number.
const PEOPLE: u64 = 80_351_110_300_000_000;

/// Bans until the run is over, with moderator numbers from `first`.
pub(super) async fn ban(mut client: Client<'_>, first: u64) {
    let guild = GUILD + u64::try_from(client.workspace).unwrap_or_default();
    while !is_linked(&client, guild).await {
        if !client.pause(100, 300).await {
            return;
        }
    }
    let mut count = 0;
    while client.pause(400, 2_500).await {
        count += 1;
        let Some(request) = decision(&mut client, first, count) else {
            continue;
        };
        // A ban in all experiences has to be confirmed.
        let request = BanRequest {
            scope: Scope::Experience,
            ..request
        };
        let user = PEOPLE + request.moderator.get();
        let member = new_member(&client, &request, DiscordId::new(user)).await;
        if member.is_none() {
            continue;
        }
        let body = interaction(guild, user, &request);
        let again = client.rng.usize(..3);
        client
            .recorder
            .interact(client.workspace, &client.name, (&body, again), request)
            .await;
    }
}

/// Links the workspace's guild; false if the database fails.
async fn is_linked(client: &Client<'_>, guild: u64) -> bool {
    let Some(workspace) = client.recorder.workspaces.get(client.workspace) else {
        return false;
    };
    let (store, now) = (client.recorder.app.store(), client.recorder.now() / 1_000);
    let Some(guild) = DiscordId::new(guild) else {
        return false;
    };
    let linking = store.link_guild(workspace.id().prefix(), guild, UnixSeconds(now));
    matches!(linking.await, Ok(Ok(())))
}

/// What Discord sends for the command.
fn interaction(guild: u64, user: u64, request: &BanRequest) -> Value {
    let mut options = vec![
        ("user", json!(request.user.to_string())),
        ("reason", json!(request.public_reason)),
        ("private_reason", json!(request.private_reason)),
        ("experience", json!(request.place.to_string())),
    ];
    if let Length::For(seconds) = request.length {
        options.push(("length", json!(format!("{seconds}s"))));
    }
    let data = caller::command_data("ban", &options);
    caller::interaction((guild, &demo_guild()), user, Act::Command, &data)
}
