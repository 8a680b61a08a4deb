//! `game` and its services.

pub(crate) mod bans;
pub(crate) mod config;
pub(crate) mod data_store;
mod encoding;
mod groups;
pub(crate) mod http;
pub(crate) mod memory_store;
pub(crate) mod messaging;
mod people;

use std::collections::HashMap;

use mlua::{Function, Result};

use crate::bridge::{function, raise};
use crate::object::{Instance, Members, This};
use crate::server::Server;

/// A service without members yet.
fn service(server: &Server, name: &'static str) -> Result<Members> {
    let members = Members::new(server.lua(), name, name)?;
    members.table.set("ClassName", name)?;
    members.table.set("Name", name)?;
    Ok(members)
}

/// The `DataModel` of a server.
pub(crate) fn game(server: &Server) -> Result<Instance> {
    let members = service(server, "DataModel")?;
    let table = &members.table;
    table.set("JobId", server.job_id())?;
    table.set("PlaceId", server.place() as f64)?;
    table.set("GameId", server.universe().0.game_id as f64)?;
    table.set("PlaceVersion", 1)?;
    table.set("PrivateServerId", "")?;
    table.set("PrivateServerOwnerId", 0)?;
    let bind = function(server, |server, _, (_, handler): (This, Function)| {
        server.0.close_handlers.borrow_mut().push(handler);
        Ok(())
    })?;
    table.set("BindToClose", bind)?;
    let services = [
        ("HttpService", http::service(server)?),
        ("Players", people::service(server)?),
        ("GroupService", groups::service(server)?),
        ("MemoryStoreService", memory_store::service(server)?),
        ("MessagingService", messaging::service(server)?),
        ("DataStoreService", data_store::service(server)?),
        ("ConfigService", config::service(server)?),
        ("EncodingService", encoding::service(server)?),
        ("RunService", run_service(server)?),
    ];
    let lua = server.lua();
    let made = services.map(|(name, service)| Ok((name, lua.create_userdata(service)?)));
    let services = made.into_iter().collect::<Result<HashMap<_, _>>>()?;
    let get = function(
        server,
        move |_, _, (_, name): (This, String)| match services.get(name.as_str()) {
            Some(service) => Ok(service.clone()),
            None => raise(format!("'{name}' is not a valid Service name")),
        },
    )?;
    table.set("GetService", get)?;
    Ok(Instance(members))
}

fn run_service(server: &Server) -> Result<Instance> {
    let members = service(server, "RunService")?;
    let studio = server.is_studio();
    for (name, answer) in [
        ("IsStudio", studio),
        ("IsServer", true),
        ("IsClient", false),
        ("IsRunning", true),
        ("IsRunMode", false),
        ("IsEdit", false),
    ] {
        let method = function(server, move |_, _, _: This| Ok(answer))?;
        members.table.set(name, method)?;
    }
    Ok(Instance(members))
}
