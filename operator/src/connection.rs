//! From arguments and environment to the tables.

mod remedy;
mod stack;

pub use remedy::explain;
pub use stack::Stack;

use std::time::Duration;

use anyhow::{Context, Result};
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_smithy_http_client::{Builder, tls};
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
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

    /// A deployed stack, whose outputs tell the tables and the API's address.
    #[arg(long, global = true, env = "PORTCULLIS_STACK", value_name = "NAME")]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    stack: Option<String>,

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

/// Where the tables are, and how they are reached.
#[derive(Debug)]
pub struct Connection {
    /// What every service is called with.
    pub sdk: SdkConfig,
    /// The same for DynamoDB, which may lie elsewhere.
    pub database: SdkConfig,
    /// The tables.
    pub tables: Tables,
    /// The stack, if one was named.
    pub stack: Option<Stack>,
}

impl ConnectionArgs {
    /// What is missing to find the tables.
    pub fn check(&self) -> Result<(), String> {
        let is_found = self.stack.is_some() || self.is_local();
        if self.bans_table.is_none() && !is_found {
            return Err(
                "which table of bans? give --stack or --bans-table, or set PORTCULLIS_STACK or \
                 BANS_TABLE: it is the stack's output BansTableName"
                    .to_owned(),
            );
        }
        if self.workspaces_table.is_none() && !is_found {
            return Err(
                "which table of workspaces? give --stack or --workspaces-table, or set \
                 PORTCULLIS_STACK or WORKSPACES_TABLE: it is the stack's output \
                 WorkspacesTableName"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// AWS is called by https only.
    pub fn is_local(&self) -> bool {
        self.endpoint
            .as_deref()
            .is_some_and(|url| url.starts_with("http://"))
    }

    /// The settings of the SDK, with region and credentials still to be found out about.
    pub async fn sdk(&self) -> SdkConfig {
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
        if self.is_local() && std::env::var_os("AWS_ACCESS_KEY_ID").is_none() {
            let stand_in =
                Credentials::new(local::CREDENTIAL, local::CREDENTIAL, None, None, "stand-in");
            settings = settings
                .credentials_provider(stand_in)
                .region(Region::from_static(local::REGION));
        }
        if let Some(region) = &self.region {
            settings = settings.region(Region::new(region.clone()));
        }
        settings.load().await
    }

    /// Finds the tables, with the settings of the SDK.
    pub async fn locate(&self, sdk: SdkConfig) -> Result<Connection> {
        let is_complete = self.bans_table.is_some() && self.workspaces_table.is_some();
        let stack = match &self.stack {
            Some(name) => Some(Stack::describe(&sdk, name).await?),
            None => None,
        };
        if !is_complete {
            self.check().map_err(anyhow::Error::msg)?;
        }
        let name = |given: &Option<String>, output: &str, at_home: &str| match (given, &stack) {
            (Some(name), _) => Ok(name.clone()),
            (None, Some(stack)) => stack.output(output).map(str::to_owned),
            (None, None) => Ok(at_home.to_owned()),
        };
        let tables = Tables {
            bans: name(&self.bans_table, "BansTableName", local::BANS_TABLE)?,
            workspaces: name(
                &self.workspaces_table,
                "WorkspacesTableName",
                local::WORKSPACES_TABLE,
            )?,
        };
        let mut database = sdk.to_builder();
        if let Some(endpoint) = &self.endpoint {
            database.set_endpoint_url(Some(endpoint.clone()));
        }
        Ok(Connection {
            database: database.build(),
            sdk,
            tables,
            stack,
        })
    }
}

impl Connection {
    /// The store on these tables.
    pub fn store(&self) -> Store {
        Store::new(Database::new(&self.database, self.tables.clone()))
    }
}

/// Connects to the tables with the caller's credentials, or to a local engine with any.
pub async fn open(args: &ConnectionArgs) -> Result<Store> {
    let sdk = args.sdk().await;
    credentials(&sdk).await?;
    Ok(args.locate(sdk).await?.store())
}

/// Finds region and credentials out now, so that a lack of them is not taken for a failure of the
/// database, and gives the name of the access key.
pub async fn credentials(sdk: &SdkConfig) -> Result<String> {
    sdk.region()
        .context("no AWS region is set: give --region or set AWS_REGION")?;
    let Some(credentials) = sdk.credentials_provider() else {
        anyhow::bail!("no AWS credentials were found: sign in (`aws sso login`, `aws configure`)");
    };
    let found = credentials.provide_credentials().await.map_err(|error| {
        anyhow::anyhow!(
            "no AWS credentials were found ({error}): sign in (`aws sso login`, `aws \
             configure`) and set AWS_PROFILE if need be, or give --endpoint for a local \
             DynamoDB"
        )
    })?;
    Ok(found.access_key_id().to_owned())
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
