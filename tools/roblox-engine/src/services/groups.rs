//! `GroupService`.

use std::time::Duration;

use mlua::Result;

use crate::bridge::yielding;
use crate::object::{Instance, This};
use crate::server::Server;

pub(crate) fn service(server: &Server) -> Result<Instance> {
    let members = super::service(server, "GroupService")?;
    let info = yielding(server, |_, _, (_, id): (This, u64), waiter| {
        waiter.after(Duration::from_millis(100), move |_, lua| {
            let info = lua.create_table()?;
            info.set("Id", id)?;
            Ok(info)
        });
        Ok(())
    })?;
    members.table.set("GetGroupInfoAsync", info)?;
    Ok(Instance(members))
}
