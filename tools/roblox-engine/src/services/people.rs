//! `Players`.

use std::time::Duration;

use mlua::Result;

use super::bans;
use crate::bridge::{function, raise, yielding};
use crate::object::{Instance, This};
use crate::server::Server;

/// How long Roblox takes to look up a name.
const LOOK_UP: Duration = Duration::from_millis(150);

pub(crate) fn service(server: &Server) -> Result<Instance> {
    let mut members = super::service(server, "Players")?;
    members.optional = &["LocalPlayer"];
    let table = &members.table;
    table.set("MaxPlayers", 50)?;
    table.set("BanningEnabled", true)?;
    let roster = &server.0.roster;
    table.set("PlayerAdded", roster.added.object(server, "PlayerAdded")?)?;
    table.set(
        "PlayerRemoving",
        roster.removing.object(server, "PlayerRemoving")?,
    )?;
    let all = function(server, |server, _, _: This| Ok(server.0.roster.all()))?;
    table.set("GetPlayers", all)?;
    let by_id = function(server, |server, _, (_, user): (This, f64)| {
        Ok(server.0.roster.get(user as u64))
    })?;
    table.set("GetPlayerByUserId", by_id)?;
    let name = yielding(server, |_, _, (_, user): (This, u64), waiter| {
        waiter.after(LOOK_UP, move |_, _| Ok(format!("User{user}")));
        Ok(())
    })?;
    table.set("GetNameFromUserIdAsync", name)?;
    let id = yielding(server, |_, _, (_, name): (This, String), waiter| {
        waiter.after(LOOK_UP, move |_, _| {
            let id = name
                .strip_prefix("User")
                .and_then(|id| id.parse::<u64>().ok());
            id.map_or_else(|| raise("User not found"), Ok)
        });
        Ok(())
    })?;
    table.set("GetUserIdFromNameAsync", id)?;
    bans::install(server, table)?;
    Ok(Instance(members))
}
