//! A server's players.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use mlua::{AnyUserData, Result, Value};

use crate::bridge::function;
use crate::object::{Instance, Members, This};
use crate::server::Server;
use crate::stays::End;
use crate::values::signal::Signal;

/// Who is in a server, and the signals about it.
#[derive(Default)]
pub(crate) struct Roster {
    players: RefCell<BTreeMap<u64, AnyUserData>>,
    pub added: Signal,
    pub removing: Signal,
}

impl Roster {
    pub fn get(&self, user: u64) -> Option<AnyUserData> {
        self.players.borrow().get(&user).cloned()
    }

    pub fn all(&self) -> Vec<AnyUserData> {
        self.players.borrow().values().cloned().collect()
    }

    pub fn clear(&self) {
        self.players.borrow_mut().clear();
    }
}

impl Server {
    /// The users in the server.
    pub fn players(&self) -> Vec<u64> {
        self.0.roster.players.borrow().keys().copied().collect()
    }

    /// A user joins, unless Roblox's own ban list refuses them; returns whether they are in.
    ///
    /// # Panics
    /// If the user is in the server or the server has ended.
    pub fn join(&self, user: u64) -> bool {
        assert!(self.is_alive(), "{self:?} has ended");
        assert!(!self.players().contains(&user), "{user} is in {self:?}");
        let universe = self.universe();
        let (now, stays) = (universe.elapsed(), universe.stays());
        stays.begin(user, self.place(), self.number(), now);
        if let Some(reason) = universe.bans().refusal(user, self.place(), now) {
            stays.end(user, self.number(), now, End::Refused(reason));
            return false;
        }
        if let Err(error) = self.add(user) {
            self.record_error(&error);
        }
        true
    }

    /// A player leaves of their own accord.
    pub fn leave(&self, user: u64) {
        self.remove(user, End::Left);
    }

    fn add(&self, user: u64) -> Result<()> {
        let player = self.lua().create_userdata(player(self, user)?)?;
        let roster = &self.0.roster;
        roster.players.borrow_mut().insert(user, player.clone());
        roster.added.fire(self, player)
    }

    pub(crate) fn remove(&self, user: u64, end: End) {
        let roster = &self.0.roster;
        let Some(player) = roster.players.borrow_mut().remove(&user) else {
            return;
        };
        let universe = self.universe();
        let now = universe.elapsed();
        universe.stays().end(user, self.number(), now, end);
        let gone = player
            .borrow::<Instance>()
            .and_then(|player| player.0.table.raw_set("Parent", Value::Nil));
        if let Err(error) = gone.and_then(|()| roster.removing.fire(self, player)) {
            self.record_error(&error);
        }
    }
}

fn player(server: &Server, user: u64) -> Result<Instance> {
    let name = format!("User{user}");
    let mut members = Members::new(server.lua(), "Player", &name)?;
    members.optional = &["Parent", "Character", "Team"];
    let table = &members.table;
    table.set("ClassName", "Player")?;
    table.set("UserId", user as f64)?;
    table.set("Name", name.as_str())?;
    table.set("DisplayName", name.as_str())?;
    table.set("AccountAge", 100)?;
    table.set("Parent", server.lua().globals().raw_get::<Value>("game")?)?;
    let kick = function(
        server,
        move |server, _, (_, message): (This, Option<String>)| {
            let message = message.unwrap_or_default();
            server.after(Duration::ZERO, move |server| {
                server.remove(user, End::Kicked(message));
            });
            Ok(())
        },
    )?;
    table.set("Kick", kick)?;
    let is_a = function(server, |_, _, (_, class): (This, String)| {
        Ok(matches!(class.as_str(), "Player" | "Instance"))
    })?;
    table.set("IsA", is_a)?;
    let is_in = function(server, move |server, _, (_, _): (This, Value)| {
        Ok(server.players().contains(&user))
    })?;
    table.set("IsDescendantOf", is_in)?;
    Ok(Instance(members))
}
