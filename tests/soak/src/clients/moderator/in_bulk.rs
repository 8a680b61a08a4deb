//! Decisions about several users in one call.

use std::collections::BTreeSet;

use shared::domain::rules::{BanRequest, UnbanRequest};

use super::ban;
use crate::clients::{Client, REPEATS, moderator};
use crate::plan::millis;
use crate::recorder::{BulkOperation, CallOptions};

/// Bans or unbans some users, with moderator numbers after `count`, and sends the call again while a
/// user has no result.
pub async fn decide(client: &mut Client<'_>, first: u64, count: &mut u64) -> Option<()> {
    let bulk = decision(client, first, count)?;
    let name = client.name.replace(' ', "-");
    let named = client.chance(50);
    let key = named.then(|| format!("{}-{name}-bulk-{count}", client.workspace));
    let began = client.recorder.now();
    for _ in 0..REPEATS {
        let options = CallOptions {
            key: key.clone(),
            gives_up: client.gives_up(),
            ..CallOptions::default()
        };
        let since = if named { began } else { client.recorder.now() };
        let sender = (client.workspace, client.name.as_str());
        let sent = client.recorder.bulk(sender, &bulk, &options, since);
        if sent.await || client.recorder.is_closed() || !client.chance(75) {
            break;
        }
        let pause = millis(&mut client.rng, 20, 700);
        tokio::time::sleep(pause).await;
    }
    Some(())
}

fn decision(client: &mut Client<'_>, first: u64, count: &mut u64) -> Option<BulkOperation> {
    let experience = client.experience()?;
    let users: BTreeSet<_> = (0..3).filter_map(|_| client.user()).collect();
    if users.is_empty() {
        return None;
    }
    let applied = client.chance(10) && !client.is_mirrored(experience);
    if client.chance(30) {
        let unban = |user| {
            *count += 1;
            UnbanRequest {
                user,
                place: experience.into(),
                reason: Some("a second look".to_owned()),
                moderator: moderator(first, *count),
                applied,
                report_only: false,
                from_game: false,
            }
        };
        return Some(BulkOperation::Unbans(
            users.into_iter().map(unban).collect(),
        ));
    }
    let appeal = client.chance(10);
    let requests: Option<Vec<_>> = users
        .into_iter()
        .map(|user| {
            *count += 1;
            let request = ban(client, (user, experience), first, *count)?;
            Some(BanRequest { applied, ..request })
        })
        .collect();
    Some(BulkOperation::Bans {
        requests: requests?,
        appeal,
    })
}
