//! Settings from the environment.

use std::{
    env,
    path::{Path, PathBuf},
    str::FromStr,
};

use local_stack::{Error, Result};

/// The folder for data that outlives a run.
const DATA: &str = ".local-data";

#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) port: u16,
    pub(crate) database_port: u16,
    /// A database to use instead of the embedded one.
    pub(crate) database_endpoint: Option<String>,
    pub(crate) secrets_port: u16,
    pub(crate) receiver_port: u16,
    pub(crate) roblox_port: u16,
    pub(crate) discord_port: u16,
    /// The folder for data that outlives the run.
    pub(crate) data: Option<PathBuf>,
    /// Whether to run release builds of the functions.
    pub(crate) release: bool,
    /// Whether to show all output of the functions and their builds.
    pub(crate) verbose: bool,
    /// The number of instances of each function.
    pub(crate) concurrency: u16,
}

impl Settings {
    pub(crate) fn read() -> Result<Self> {
        Ok(Self {
            port: number("PORT", 9000)?,
            database_port: number("DYNAMODB_PORT", 8000)?,
            database_endpoint: text("DYNAMODB_ENDPOINT"),
            secrets_port: number("SECRETS_PORT", 9003)?,
            receiver_port: number("RECEIVER_PORT", 9001)?,
            roblox_port: number("ROBLOX_PORT", 9002)?,
            discord_port: number("DISCORD_PORT", 9004)?,
            data: flag("PERSIST")?.then(|| Path::new(DATA).to_owned()),
            release: match text("PROFILE").as_deref() {
                None | Some("dev" | "debug") => false,
                Some("release") => true,
                Some(other) => return Err(bad("PROFILE", other, "dev or release")),
            },
            verbose: flag("V")?,
            concurrency: number("CONCURRENCY", 4)?,
        })
    }
}

/// The value of a variable, unless empty.
fn text(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn number<T: FromStr + Default + PartialEq>(name: &'static str, default: T) -> Result<T> {
    let Some(value) = text(name) else {
        return Ok(default);
    };
    let parsed = value.parse().ok().filter(|number| *number != T::default());
    parsed.ok_or_else(|| bad(name, &value, "a number from 1 to 65535"))
}

fn flag(name: &'static str) -> Result<bool> {
    match text(name).as_deref() {
        None | Some("0" | "false") => Ok(false),
        Some("1" | "true") => Ok(true),
        Some(other) => Err(bad(name, other, "1 or nothing")),
    }
}

fn bad(name: &'static str, value: &str, expected: &'static str) -> Error {
    Error::Setting {
        name,
        value: value.to_owned(),
        expected,
    }
}
