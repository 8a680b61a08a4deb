//! `EncodingService`: base64 of buffers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mlua::{Buffer, Result};

use crate::bridge::{function, raise};
use crate::object::{Instance, This};
use crate::server::Server;

pub(crate) fn service(server: &Server) -> Result<Instance> {
    let members = super::service(server, "EncodingService")?;
    let encode = function(server, |_, lua, (_, data): (This, Buffer)| {
        lua.create_buffer(STANDARD.encode(data.to_vec()))
    })?;
    members.table.set("Base64Encode", encode)?;
    let decode = function(server, |_, lua, (_, text): (This, Buffer)| {
        match STANDARD.decode(text.to_vec()) {
            Ok(data) => lua.create_buffer(data),
            Err(_) => raise("invalid base64"),
        }
    })?;
    members.table.set("Base64Decode", decode)?;
    Ok(Instance(members))
}
