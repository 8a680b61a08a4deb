//! The part of Roblox that a game server's script uses: `HttpService`, `GroupService`, and `Players`
//! with the experience's ban list. At least as strict as the real one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use end_to_end::{ApiResponse, Call, TestApp};
use mlua::{Error, FromLuaMulti, IntoLuaMulti, Lua, Result, Table, Value};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use super::json;

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

/// An experience with its ban list. An entry stays until a server removes it, which shows whether
/// one did.
#[derive(Clone, Debug)]
pub struct Experience {
    pub place: u64,
    list: Arc<Mutex<BTreeMap<u64, Listed>>>,
}

/// An entry of Roblox's ban list.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// In seconds; -1 is permanent.
    pub duration: f64,
    pub display_reason: String,
    pub private_reason: String,
    pub universe: bool,
}

impl Experience {
    pub fn new(place: u64) -> Self {
        Self {
            place,
            list: Arc::default(),
        }
    }

    /// The ban list with its entries.
    pub fn list(&self) -> BTreeMap<u64, Listed> {
        self.list.lock().unwrap().clone()
    }

    /// The banned users.
    pub fn listed(&self) -> Vec<u64> {
        self.list().into_keys().collect()
    }

    fn ban(&self, config: &Table) -> Result<()> {
        let entry = Listed {
            duration: config.get("Duration")?,
            display_reason: config.get("DisplayReason")?,
            private_reason: config.get("PrivateReason")?,
            // A number does not count as a flag.
            universe: strict_flag(config, "ApplyToUniverse")?,
        };
        let raise = |what: &str| Err(Error::runtime(format!("BanAsync: {what}")));
        if entry.duration != -1.0 && entry.duration < 1.0 {
            return raise("Duration must be -1 or positive");
        }
        if entry.display_reason.is_empty() || entry.display_reason.chars().count() > 400 {
            return raise("DisplayReason must have 1 to 400 characters");
        }
        if entry.private_reason.is_empty() || entry.private_reason.chars().count() > 1000 {
            return raise("PrivateReason must have 1 to 1000 characters");
        }
        for user in user_ids(config)? {
            self.list.lock().unwrap().insert(user, entry.clone());
        }
        Ok(())
    }

    fn unban(&self, config: &Table) -> Result<()> {
        strict_flag(config, "ApplyToUniverse")?;
        for user in user_ids(config)? {
            self.list.lock().unwrap().remove(&user);
        }
        Ok(())
    }
}

fn strict_flag(config: &Table, name: &str) -> Result<bool> {
    match config.get(name)? {
        Value::Boolean(flag) => Ok(flag),
        other => Err(Error::runtime(format!(
            "{name} must be a boolean, not {other:?}"
        ))),
    }
}

fn user_ids(config: &Table) -> Result<Vec<u64>> {
    let ids = config.get::<Table>("UserIds")?;
    ids.sequence_values::<f64>()
        .map(|id| {
            let id = id?;
            if id.fract() != 0.0 || id < 1.0 {
                return Err(Error::runtime(format!("{id} is no user id")));
            }
            // Exact: a user id is below 2^53.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            Ok(id as u64)
        })
        .collect()
}

/// A server of an experience: a Luau machine with `game`.
pub fn server(app: &Arc<TestApp>, experience: &Experience) -> Lua {
    let lua = Lua::new();
    let game = game(&lua, app, experience).unwrap();
    lua.globals().set("game", game).unwrap();
    lua
}

fn game(lua: &Lua, app: &Arc<TestApp>, experience: &Experience) -> Result<Table> {
    let http = lua.create_table()?;
    http.set(
        "JSONEncode",
        lua.create_function(|_, (_, value): (Table, Value)| json::encode(&value))?,
    )?;
    http.set(
        "JSONDecode",
        lua.create_function(|lua, (_, text): (Table, String)| json::decode(lua, &text))?,
    )?;
    http.set("HttpEnabled", true)?;
    let (app, place) = (Arc::clone(app), experience.place);
    http.set(
        "RequestAsync",
        lua.create_function(move |lua, (_, options): (Table, Table)| {
            request(lua, &app, place, &options)
        })?,
    )?;

    let players = lua.create_table()?;
    players.set("BanAsync", method(lua, experience, Experience::ban)?)?;
    players.set("UnbanAsync", method(lua, experience, Experience::unban)?)?;

    players.set(
        "GetNameFromUserIdAsync",
        lua.create_function(|_, (_, user): (Table, u64)| Ok(format!("User{user}")))?,
    )?;
    players.set(
        "GetUserIdFromNameAsync",
        lua.create_function(|_, (_, name): (Table, String)| {
            let user = name
                .strip_prefix("User")
                .and_then(|id| id.parse::<u64>().ok());
            user.ok_or_else(|| Error::runtime("User not found"))
        })?,
    )?;
    let groups = lua.create_table()?;
    groups.set(
        "GetGroupInfoAsync",
        lua.create_function(|lua, (_, id): (Table, u64)| {
            let info = lua.create_table()?;
            info.set("Id", id)?;
            Ok(info)
        })?,
    )?;

    let game = lua.create_table()?;
    game.set("PlaceId", experience.place)?;
    let get_service = move |_: &Lua, (_, name): (Table, String)| match name.as_str() {
        "HttpService" => Ok(http.clone()),
        "Players" => Ok(players.clone()),
        "GroupService" => Ok(groups.clone()),
        _ => Err(Error::runtime(format!(
            "'{name}' is not a valid Service name"
        ))),
    };
    game.set("GetService", lua.create_function(get_service)?)?;
    Ok(game)
}

fn method(
    lua: &Lua,
    experience: &Experience,
    act: fn(&Experience, &Table) -> Result<()>,
) -> Result<mlua::Function> {
    let experience = experience.clone();
    lua.create_function(move |_, (_, config): (Table, Table)| act(&experience, &config))
}

/// `HttpService:RequestAsync`.
fn request(lua: &Lua, app: &TestApp, place: u64, options: &Table) -> Result<Table> {
    let raise = |what: String| Err(Error::runtime(what));
    let url: String = options.get("Url")?;
    let Some(path) = url.strip_prefix(app.address()) else {
        return raise("HttpError: ConnectFail".to_owned());
    };
    let method = options
        .get::<Option<String>>("Method")?
        .unwrap_or("GET".to_owned());
    if !METHODS.contains(&method.as_str()) {
        return raise(format!("Invalid HTTP method: {method}"));
    }
    let mut call = Call::new(&method, path)
        .header("accept", "*/*")
        .header("accept-encoding", "gzip, deflate")
        .header("cache-control", "no-cache")
        .header("user-agent", "RobloxGameCloud/1.0 (+http://www.roblox.com)")
        .header("roblox-id", place.to_string());
    if let Some(headers) = options.get::<Option<Table>>("Headers")? {
        for header in headers.pairs::<String, String>() {
            let (name, value) = header?;
            let name = name.to_ascii_lowercase();
            if LOCKED.contains(&name.as_str()) || name.starts_with("x-forwarded-") {
                return raise(format!("Header \"{name}\" is not allowed!"));
            }
            call = call.header(&name, value);
        }
    }
    match options.get::<Value>("Body")? {
        Value::Nil => {}
        Value::String(_) if matches!(method.as_str(), "GET" | "HEAD") => {
            return raise(format!("{method} requests must not have a body"));
        }
        Value::String(body) => call = call.body(body.as_bytes().to_vec()),
        other => return raise(format!("Body must be a string, not {}", other.type_name())),
    }
    let answer = block_in_place(|| Handle::current().block_on(app.try_send(&call)));
    match answer {
        Ok(answer) => response(lua, &answer),
        Err(_) => raise("HttpError: ConnectFail".to_owned()),
    }
}

fn response(lua: &Lua, answer: &ApiResponse) -> Result<Table> {
    let headers = lua.create_table()?;
    for (name, value) in &answer.headers {
        headers.set(name.as_str(), value.to_str().unwrap())?;
    }
    let response = lua.create_table()?;
    response.set("Success", (200..300).contains(&answer.status))?;
    response.set("StatusCode", answer.status)?;
    let reason = http::StatusCode::from_u16(answer.status).unwrap();
    response.set(
        "StatusMessage",
        reason.canonical_reason().unwrap_or_default(),
    )?;
    response.set("Headers", headers)?;
    response.set("Body", answer.text.as_str())?;
    Ok(response)
}

/// A server that runs `game_server.luau`.
pub struct GameServer {
    script: Table,
    // The machine lives as long as its values.
    _lua: Lua,
}

impl GameServer {
    pub fn start(app: &Arc<TestApp>, experience: &Experience, key: &str) -> Self {
        let lua = server(app, experience);
        let entry = format!("{}/api/v1", app.address());
        let script = lua
            .load(include_str!("game_server.luau"))
            .set_name("game_server")
            .call((entry, key))
            .unwrap();
        Self { script, _lua: lua }
    }

    /// Calls a function of the script.
    #[track_caller]
    pub fn call<R: FromLuaMulti>(&self, function: &str, arguments: impl IntoLuaMulti) -> R {
        let function: mlua::Function = self.script.get(function).unwrap();
        function.call(arguments).unwrap_or_else(|e| panic!("{e}"))
    }

    /// A player joins; returns the kick message if the script keeps them out.
    pub fn join(&self, user: u64) -> Option<String> {
        self.call("join", user)
    }

    /// Fetches and applies both lists.
    pub fn cycle(&self) {
        self.call::<()>("cycle", ());
    }
}
