//! Parts of the module in `roblox/`, each alone, and its adapters for admin systems.

use std::fs::read_to_string;
use std::path::{Path, PathBuf};

use roblox_engine::mlua::{Function, Lua, Table};

use super::{PLACE, assert_no_errors, seconds, universe};

const ADAPTERS: [&str; 9] = [
    "Adonis/Server-Portcullis",
    "Cmdr/ban",
    "Cmdr/banServer",
    "Cmdr/history",
    "Cmdr/historyServer",
    "Cmdr/unban",
    "Cmdr/unbanServer",
    "HDAdmin/Portcullis",
    "Kohls/Portcullis",
];

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

#[test]
fn parts_do_what_they_say() {
    let universe = universe();
    let server = universe.start(PLACE);
    let script = server.run_file(&path("tests/it/module/parts.luau"), ());
    universe.run_for(seconds(3_600));
    script.wait::<()>();
    assert_no_errors(&universe);
}

#[test]
fn adapters_turn_commands_into_decisions_of_the_moderator() {
    let universe = universe();
    let server = universe.start(PLACE);
    let lua = server.lua();
    let globals = lua.create_table().unwrap();
    let inherit = lua.create_table().unwrap();
    inherit.set("__index", lua.globals()).unwrap();
    globals.set_metatable(Some(inherit)).unwrap();
    let adapters = lua.create_table().unwrap();
    for name in ADAPTERS {
        adapters.set(name, adapter(lua, name, &globals)).unwrap();
    }
    let file = path("tests/it/module/adapters.luau");
    let script = server.run_file(&file, (globals, adapters));
    universe.run_for(seconds(1));
    script.wait::<()>();
    assert_no_errors(&universe);
}

/// An adapter's script, whose globals are looked up in `globals` first.
fn adapter(lua: &Lua, name: &str, globals: &Table) -> Function {
    let file = path(&format!("../../roblox/integrations/{name}.luau"));
    let chunk = lua.load(read_to_string(file).unwrap());
    let chunk = chunk.set_name(name).set_environment(globals.clone());
    chunk.into_function().unwrap()
}
