//! `Enum`, with what servers use.

use mlua::{Lua, Result};

use crate::object::{EnumItem, EnumType, Enums, Members};

const ENUMS: [(&str, &[&str]); 6] = [
    ("HttpCompression", &["None", "Gzip"]),
    ("SortDirection", &["Ascending", "Descending"]),
    (
        "CloseReason",
        &[
            "Unknown",
            "RobloxMaintenance",
            "DeveloperShutdown",
            "DeveloperUpdate",
            "ServerEmpty",
            "OutOfMemory",
        ],
    ),
    (
        "PlayerExitReason",
        &["Unknown", "PlatformKick", "CreatorKick"],
    ),
    (
        "DataStoreRequestType",
        &[
            "GetAsync",
            "SetIncrementAsync",
            "UpdateAsync",
            "GetSortedAsync",
            "SetIncrementSortedAsync",
            "OnUpdate",
            "ListAsync",
            "GetVersionAsync",
            "RemoveVersionAsync",
        ],
    ),
    ("HttpContentType", &["ApplicationJson"]),
];

pub(crate) fn install(lua: &Lua) -> Result<()> {
    let enums = Members::new(lua, "Enums", "Enums")?;
    for (name, items) in ENUMS {
        let kind = Members::new(lua, "Enum", name)?;
        for (value, item) in items.iter().enumerate() {
            let members = Members::new(lua, "EnumItem", item)?;
            members.table.set("Name", *item)?;
            members.table.set("Value", value)?;
            kind.table.set(*item, EnumItem(members))?;
        }
        enums.table.set(name, EnumType(kind))?;
    }
    lua.globals().set("Enum", Enums(enums))
}

/// An item for a handler, such as `Enum.CloseReason.ServerEmpty`.
pub(crate) fn item(lua: &Lua, kind: &str, item: &str) -> Result<mlua::Value> {
    let text = format!("return Enum.{kind}.{item}");
    lua.load(text).set_name("=engine").eval()
}
