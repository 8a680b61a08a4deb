//! `HttpService`'s JSON with its quirks: every number is a double, an empty table is an array, a
//! mixed table loses its string keys, and values that JSON lacks are written anyway.

use mlua::{Lua, Result, Table, Value};

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
        Value::String(text) => serde_json::to_string(&*text.to_str()?).unwrap(),
        Value::Table(table) => encode_table(table)?,
        other => {
            return Err(mlua::Error::runtime(format!(
                "can't encode {}",
                other.type_name()
            )));
        }
    })
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
        Ok(format!(
            "{}:{}",
            serde_json::to_string(&name).unwrap(),
            encode(&field)?
        ))
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

fn to_lua(lua: &Lua, value: &serde_json::Value) -> Result<Value> {
    Ok(match value {
        serde_json::Value::Null => Value::Nil,
        serde_json::Value::Bool(flag) => Value::Boolean(*flag),
        serde_json::Value::Number(number) => Value::Number(number.as_f64().unwrap()),
        serde_json::Value::String(text) => Value::String(lua.create_string(text)?),
        serde_json::Value::Array(items) => {
            let items = items
                .iter()
                .map(|item| to_lua(lua, item))
                .collect::<Result<Vec<_>>>()?;
            Value::Table(lua.create_sequence_from(items)?)
        }
        serde_json::Value::Object(fields) => {
            let table = lua.create_table()?;
            for (name, field) in fields {
                table.set(name.as_str(), to_lua(lua, field)?)?;
            }
            Value::Table(table)
        }
    })
}
