//! From arguments and environment to the tables, and back from an error to what to do about it.

use std::time::Duration;

use anyhow::{Context, Result};
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_smithy_http_client::{Builder, tls};
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use shared::error::ApiError;
use shared::store::{Database, Store, Tables};

/// What `make dev` calls its tables, and with what it reaches them. A local engine may keep a set of
/// tables per access key and region, so they have to be the same ones.
mod local {
    pub const BANS_TABLE: &str = "BansTable";
    pub const WORKSPACES_TABLE: &str = "WorkspacesTable";
    pub const REGION: &str = "us-east-1";
    pub const CREDENTIAL: &str = "test";
}

/// Where the tables are.
#[derive(Debug, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionArgs {
    /// The table of bans: the stack's output `BansTableName`.
    #[arg(long, global = true, env = "BANS_TABLE", value_name = "NAME")]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    bans_table: Option<String>,

    /// The table of workspaces and keys: the stack's output `WorkspacesTableName`.
    #[arg(long, global = true, env = "WORKSPACES_TABLE", value_name = "NAME")]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    workspaces_table: Option<String>,

    /// Another DynamoDB than the region's; plain http is taken for a local one, which needs
    /// neither table names nor credentials.
    #[arg(
        long,
        global = true,
        env = "AWS_ENDPOINT_URL_DYNAMODB",
        value_name = "URL"
    )]
    #[arg(value_parser = endpoint)]
    endpoint: Option<String>,

    /// The AWS region [default: that of the AWS profile or environment].
    #[arg(long, global = true)]
    region: Option<String>,
}

impl ConnectionArgs {
    /// The names of the tables, or what is missing.
    pub fn tables(&self) -> Result<Tables, String> {
        let is_local = self.is_local();
        let name = |given: &Option<String>, at_home: &str| match given {
            Some(name) => Some(name.clone()),
            None => is_local.then(|| at_home.to_owned()),
        };
        let bans = name(&self.bans_table, local::BANS_TABLE).ok_or(
            "which table of bans? give --bans-table or set BANS_TABLE: it is the stack's output \
             BansTableName",
        )?;
        let workspaces = name(&self.workspaces_table, local::WORKSPACES_TABLE).ok_or(
            "which table of workspaces? give --workspaces-table or set WORKSPACES_TABLE: it is the \
             stack's output WorkspacesTableName",
        )?;
        Ok(Tables { bans, workspaces })
    }

    /// AWS is called by https only.
    fn is_local(&self) -> bool {
        self.endpoint
            .as_deref()
            .is_some_and(|url| url.starts_with("http://"))
    }
}

/// Connects to the tables with the caller's credentials, or to a local engine with any.
pub async fn open(args: &ConnectionArgs) -> Result<Store> {
    let tables = args.tables().map_err(anyhow::Error::msg)?;
    // Someone waits at a terminal, and nobody in a game: slow networks get their time.
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .operation_attempt_timeout(Duration::from_secs(10))
        .operation_timeout(Duration::from_secs(30))
        .build();
    let http = Builder::new()
        .tls_provider(tls::Provider::Rustls(
            tls::rustls_provider::CryptoMode::Ring,
        ))
        .build_https();
    let mut settings = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(3));
    if args.is_local() && std::env::var_os("AWS_ACCESS_KEY_ID").is_none() {
        let stand_in =
            Credentials::new(local::CREDENTIAL, local::CREDENTIAL, None, None, "stand-in");
        settings = settings
            .credentials_provider(stand_in)
            .region(Region::from_static(local::REGION));
    }
    if let Some(region) = &args.region {
        settings = settings.region(Region::new(region.clone()));
    }
    if let Some(endpoint) = &args.endpoint {
        settings = settings.endpoint_url(endpoint);
    }
    let config = settings.load().await;
    config
        .region()
        .context("no AWS region is set: give --region or set AWS_REGION")?;
    if let Some(credentials) = config.credentials_provider() {
        // Found out now, it is not taken for a failure of the database.
        credentials.provide_credentials().await.map_err(|error| {
            anyhow::anyhow!(
                "no AWS credentials were found ({error}): sign in (`aws sso login`, `aws \
                 configure`) and set AWS_PROFILE if need be, or give --endpoint for a local \
                 DynamoDB"
            )
        })?;
    }
    Ok(Store::new(Database::new(&config, tables)))
}

/// An error in one line that says what to do.
pub fn explain(error: &anyhow::Error) -> String {
    let text = match error.downcast_ref::<ApiError>() {
        Some(failed) => remedy(&failed.detail().unwrap_or_else(|| failed.message())),
        None => format!("{error:#}"),
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What to do about a failure of the database, told by the code that it answers with.
fn remedy(detail: &str) -> String {
    let advice = [
        (
            "ResourceNotFoundException",
            "there is no such table or index: check --bans-table, --workspaces-table, --region \
             and --endpoint",
        ),
        (
            "AccessDeniedException",
            "your credentials may not do this: use others (AWS_PROFILE), or have them allowed to \
             read and write the workspaces table and its index",
        ),
        (
            "ExpiredToken",
            "your credentials have expired: sign in again (`aws sso login`)",
        ),
        (
            "UnrecognizedClientException",
            "AWS does not know your credentials: sign in again, and check --region",
        ),
        (
            "dispatch failure",
            "DynamoDB cannot be reached: check --endpoint, --region and the network; `make dev` \
             starts a local one",
        ),
        (
            "timed out",
            "DynamoDB did not answer in time: check the network and try again",
        ),
    ];
    advice
        .into_iter()
        .find(|(code, _)| detail.contains(code))
        .map_or_else(|| answer(detail), |(_, what)| what.to_owned())
}

/// The message in the SDK's description of an error, which goes on for a screen.
fn answer(detail: &str) -> String {
    let message = detail
        .split_once("message: \"")
        .and_then(|(_, message)| message.split_once('"'));
    match message {
        Some((message, _)) => format!("DynamoDB answered: {message}"),
        None => detail.to_owned(),
    }
}

fn endpoint(text: &str) -> Result<String, String> {
    let host = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"));
    match host {
        Some(host) if !host.is_empty() => Ok(text.to_owned()),
        _ => Err("expected a URL such as http://127.0.0.1:8000".to_owned()),
    }
}
