//! The options of `RequestAsync`, as strict as the engine is.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use mlua::{Result, Table, Value};

use crate::bridge::{number, raise};
use crate::network::Request;
use crate::object::item;
use crate::server::Server;
use crate::values::secret::Secret;

/// The default is not published; a script that relies on it waits long.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Headers that scripts cannot set.
const LOCKED: [&str; 10] = [
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "forwarded",
    "host",
    "proxy-connection",
    "roblox-id",
    "user-agent",
    "via",
];

const METHODS: [&str; 8] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH",
];

const FIELDS: [&str; 6] = ["Url", "Method", "Headers", "Body", "Compress", "Timeout"];

/// A text that may be secret.
struct Text {
    text: String,
    /// The only domain that may receive it.
    domain: Option<String>,
}

pub(super) fn parse(server: &Server, options: &Table) -> Result<(Request, Duration)> {
    for pair in options.pairs::<String, Value>() {
        let (name, _) = pair?;
        if !FIELDS.contains(&name.as_str()) {
            return raise(format!("RequestAsync has no option {name}"));
        }
    }
    let url = text("Url", &options.get("Url")?)?;
    let host = host(&url.text)?;
    allowed(&url, host)?;
    let method = match options.get::<Value>("Method")? {
        Value::Nil => "GET".to_owned(),
        Value::String(method) => method.to_string_lossy(),
        other => {
            return raise(format!(
                "Method must be a string, not {}",
                other.type_name()
            ));
        }
    };
    if !METHODS.contains(&method.as_str()) {
        return raise(format!("Invalid HTTP method: {method}"));
    }
    let mut headers = own_headers(server);
    if let Some(given) = options.get::<Option<Table>>("Headers")? {
        for pair in given.pairs::<Value, Value>() {
            let (name, value) = pair?;
            let name = text("a header's name", &name)?.text.to_ascii_lowercase();
            if LOCKED.contains(&name.as_str()) || name.starts_with("x-forwarded-") {
                return raise(format!("Header \"{name}\" is not allowed!"));
            }
            let value = text(&format!("Header {name}"), &value)?;
            allowed(&value, host)?;
            headers.retain(|(other, _)| *other != name);
            headers.push((name, value.text));
        }
    }
    let mut body = body(&method, &options.get("Body")?)?;
    if compresses(&options.get("Compress")?)? && !body.is_empty() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&body)?;
        body = encoder.finish()?;
        headers.push(("content-encoding".to_owned(), "gzip".to_owned()));
    }
    let request = Request {
        method,
        url: url.text,
        headers,
        body,
    };
    Ok((request, timeout(&options.get("Timeout")?)?))
}

fn text(what: &str, value: &Value) -> Result<Text> {
    match value {
        Value::String(text) => Ok(Text {
            text: text.to_str()?.to_owned(),
            domain: None,
        }),
        Value::UserData(data) if data.is::<Secret>() => {
            let secret = data.borrow::<Secret>()?;
            Ok(Text {
                text: secret.text.clone(),
                domain: Some(secret.domain.clone()),
            })
        }
        other => raise(format!(
            "{what} must be a string or Secret, not {}",
            other.type_name()
        )),
    }
}

fn host(url: &str) -> Result<&str> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    let Some(rest) = rest else {
        return raise("Url must begin with http:// or https://");
    };
    if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return raise("HttpError: InvalidUrl");
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    Ok(authority.split(':').next().unwrap_or_default())
}

fn allowed(text: &Text, host: &str) -> Result<()> {
    match &text.domain {
        Some(domain) if domain != host => raise(format!("the Secret may not be sent to {host}")),
        _ => Ok(()),
    }
}

fn own_headers(server: &Server) -> Vec<(String, String)> {
    let agent = match server.is_studio() {
        true => "RobloxStudio/WinInet",
        false => "RobloxGameCloud/1.0 (+http://www.roblox.com)",
    };
    let place = server.place().to_string();
    let headers = [
        ("accept", "*/*"),
        ("accept-encoding", "gzip, deflate"),
        ("cache-control", "no-cache"),
        ("user-agent", agent),
        ("roblox-id", &place),
    ];
    headers
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

fn body(method: &str, value: &Value) -> Result<Vec<u8>> {
    match value {
        Value::Nil => Ok(Vec::new()),
        Value::String(_) if matches!(method, "GET" | "HEAD") => {
            raise(format!("{method} requests must not have a body"))
        }
        Value::String(body) => Ok(body.as_bytes().to_vec()),
        other => raise(format!("Body must be a string, not {}", other.type_name())),
    }
}

fn compresses(value: &Value) -> Result<bool> {
    match (value, item(value).as_deref()) {
        (Value::Nil, _) | (_, Some("None")) => Ok(false),
        (_, Some("Gzip")) => Ok(true),
        _ => raise("Compress must be an Enum.HttpCompression"),
    }
}

fn timeout(value: &Value) -> Result<Duration> {
    let seconds = match value {
        Value::Nil => return Ok(TIMEOUT),
        value => number(value).unwrap_or_default(),
    };
    if seconds < 1.0 || seconds.fract() != 0.0 || seconds > TIMEOUT.as_secs_f64() {
        return raise("Timeout must be a whole number of seconds above 0");
    }
    Ok(Duration::from_secs_f64(seconds))
}
