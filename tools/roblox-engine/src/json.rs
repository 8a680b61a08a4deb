//! `HttpService`'s JSON with its quirks: every number is a double, an empty table is an array, a
//! mixed table loses its string keys, and values that JSON lacks are written anyway.

use mlua::{Lua, Result, Table, Value};
use serde_json::Value as Json;

/// `HttpService:JSONEncode`.
pub fn encode(value: &Value) -> Result<String> {
    Ok(match value {
        Value::Nil => "null".to_owned(),
        Value::Boolean(flag) => flag.to_string(),
        Value::Integer(number) => number.to_string(),
        // Not JSON, but what a script gets for 0/0 and 1/0.
        Value::Number(number) if number.is_nan() => "nan".to_owned(),
        Value::Number(number) if number.is_infinite() => "inf".to_owned(),
        Value::Number(number) if number.abs() >= 1e15 => format!("{number:e}"),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quoted(&text.to_str()?),
        Value::Table(table) => encode_table(table)?,
        other => {
            return Err(mlua::Error::runtime(format!(
                "can't encode {}",
                other.type_name()
            )));
        }
    })
}

fn quoted(text: &str) -> String {
    Json::from(text).to_string()
}

fn encode_table(table: &Table) -> Result<String> {
    let is_empty = table.pairs::<Value, Value>().next().is_none();
    if is_empty || table.raw_len() > 0 {
        let items = table.sequence_values::<Value>();
        let items = items
            .map(|item| encode(&item?))
            .collect::<Result<Vec<_>>>()?;
        return Ok(format!("[{}]", items.join(",")));
    }
    let fields = table.pairs::<String, Value>().map(|pair| {
        let (name, field) = pair?;
        Ok(format!("{}:{}", quoted(&name), encode(&field)?))
    });
    Ok(format!(
        "{{{}}}",
        fields.collect::<Result<Vec<_>>>()?.join(",")
    ))
}

/// `HttpService:JSONDecode`; raises on invalid JSON.
pub fn decode(lua: &Lua, text: &str) -> Result<Value> {
    let value = serde_json::from_str(text).map_err(|_| mlua::Error::runtime("Can't parse JSON"))?;
    to_lua(lua, &value)
}

/// A value that is stored or sent to other servers; raises on what Roblox cannot store.
pub fn from_lua(value: &Value) -> Result<Json> {
    match value {
        Value::Table(table) => {
            let mixed =
                table.raw_len() > 0 && table.pairs::<Value, Value>().count() != table.raw_len();
            if mixed {
                return Err(mlua::Error::runtime("Cannot store a mixed table"));
            }
            for pair in table.pairs::<Value, Value>() {
                from_lua(&pair?.1)?;
            }
        }
        Value::Number(number) if !number.is_finite() => {
            return Err(mlua::Error::runtime("Cannot store nan or inf"));
        }
        _ => {}
    }
    serde_json::from_str(&encode(value)?).map_err(|e| mlua::Error::runtime(e.to_string()))
}

/// A JSON value for a script.
pub fn to_lua(lua: &Lua, value: &Json) -> Result<Value> {
    Ok(match value {
        Json::Null => Value::Nil,
        Json::Bool(flag) => Value::Boolean(*flag),
        Json::Number(number) => Value::Number(number.as_f64().unwrap_or(f64::NAN)),
        Json::String(text) => Value::String(lua.create_string(text)?),
        Json::Array(items) => {
            let items = items
                .iter()
                .map(|item| to_lua(lua, item))
                .collect::<Result<Vec<_>>>()?;
            Value::Table(lua.create_sequence_from(items)?)
        }
        Json::Object(fields) => {
            let table = lua.create_table()?;
            for (name, field) in fields {
                table.set(name.as_str(), to_lua(lua, field)?)?;
            }
            Value::Table(table)
        }
    })
}
