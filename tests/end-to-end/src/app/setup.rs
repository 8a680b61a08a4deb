//! Binaries, tables and storage of an app.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::PathBuf;

use local_stack::discord::{self, Discord};
use local_stack::secrets::Secrets;
use shared::store::{Database, Store, Tables};

use crate::files::template;

/// The environment of an instance with a clock offset.
pub(super) fn clock_variable(offset: i64) -> BTreeMap<String, String> {
    BTreeMap::from([(shared::testing::CLOCK_OFFSET.to_owned(), offset.to_string())])
}

/// The folder of the functions' binaries: that of the running program, or the parent of a test's or
/// example's folder.
pub(super) fn binaries() -> PathBuf {
    let own = std::env::current_exe().expect("the program's own path");
    let folder = own.parent().expect("a program lies in a folder");
    match folder.file_name().and_then(OsStr::to_str) {
        Some("deps" | "examples") => folder.parent().expect("target/<profile>").to_owned(),
        _ => folder.to_owned(),
    }
}

/// A fake Discord that sends users back to the console at this address, with its secrets where the console
/// reads them.
pub(super) async fn start_discord(address: &str, secrets: &Secrets) -> Discord {
    secrets.set(discord::CLIENT_SECRET_SECRET, discord::CLIENT_SECRET);
    secrets.set(discord::BOT_TOKEN_SECRET, discord::BOT_TOKEN);
    // Browsers count this machine as secure under this name.
    let named = address.replace("127.0.0.1", "localhost");
    let callbacks = [address, &named].map(|host| format!("{host}/console/discord/callback"));
    let started = Discord::start(0, &callbacks).await;
    started.expect("the stand-in for Discord")
}

pub(super) fn tables() -> Tables {
    let name = |logical_id: &str| {
        let table = template()
            .tables()
            .iter()
            .find(|table| table.logical_id == logical_id);
        table
            .unwrap_or_else(|| panic!("template.yaml has no {logical_id}"))
            .name
            .clone()
    };
    Tables {
        bans: name("BansTable"),
        workspaces: name("WorkspacesTable"),
    }
}

/// A store as the command line uses it, on a local database.
#[must_use]
pub fn store(endpoint: &str, tables: &Tables) -> Store {
    Store::new(Database::new(&sdk_config(endpoint), tables.clone()))
}

/// The SDK's settings for a local service.
pub(super) fn sdk_config(endpoint: &str) -> aws_config::SdkConfig {
    let credentials = aws_sdk_dynamodb::config::Credentials::new(
        local_stack::CREDENTIAL,
        local_stack::CREDENTIAL,
        None,
        None,
        "local",
    );
    aws_config::SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .region(aws_config::Region::from_static(local_stack::REGION))
        .endpoint_url(endpoint)
        .credentials_provider(aws_sdk_dynamodb::config::SharedCredentialsProvider::new(
            credentials,
        ))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build()
}
