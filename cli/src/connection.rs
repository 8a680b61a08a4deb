//! The connection to an installation: its tables, stack and AWS services.

mod buckets;
mod local_stack;
mod precedence;
mod principal;
mod remedy;
mod stack;

pub use local_stack::LocalStack;
pub use principal::principal;
pub use remedy::{ALREADY_BANNED, explain, failed};
pub use stack::Stack;

use std::path::PathBuf;
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
use shared::domain::ids::{ExperienceId, WorkspacePrefix};
use shared::domain::places::Join;
use shared::store::{Database, Joining, Store, Tables};

use crate::api::{ApiAddress, api_address};

/// The defaults of `make dev`. A local DynamoDB may keep separate tables for each access key and region,
/// so these must match.
mod local {
    pub const BANS_TABLE: &str = "BansTable";
    pub const WORKSPACES_TABLE: &str = "WorkspacesTable";
    pub const REGION: &str = "us-east-1";
    pub const CREDENTIAL: &str = "test";
    pub const EVIDENCE_BUCKET: &str = "evidence-bucket";
    pub const EXPORTS_BUCKET: &str = "exports-bucket";
    pub const SNAPSHOT_BUCKET: &str = "snapshot-bucket";
    pub const API: &str = "http://127.0.0.1:9000/api/v1";
}

/// Where the installation is. Arguments override conflicting environment variables:
/// [`ConnectionArgs::prefer_arguments`].
#[derive(Debug, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionArgs {
    /// The bans table (the stack's output `BansTableName`).
    #[arg(long, global = true, env = "BANS_TABLE", value_name = "NAME")]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    bans_table: Option<String>,

    /// The workspaces table (the stack's output `WorkspacesTableName`).
    #[arg(long, global = true, env = "WORKSPACES_TABLE", value_name = "NAME")]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    workspaces_table: Option<String>,

    /// The bucket with the files of evidence (the stack's output `EvidenceBucketName`).
    #[arg(long, global = true, env = "EVIDENCE_BUCKET", value_name = "NAME")]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    evidence_bucket: Option<String>,

    /// The deployed stack. Its outputs contain the names of the tables and the URL of the API.
    #[arg(long, global = true, env = "PORTCULLIS_STACK", value_name = "NAME")]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    stack: Option<String>,

    /// The DynamoDB endpoint, if it is not the region's. An http:// URL means a local database, which
    /// needs neither table names nor credentials.
    #[arg(
        long,
        global = true,
        env = "AWS_ENDPOINT_URL_DYNAMODB",
        value_name = "URL"
    )]
    #[arg(value_parser = endpoint)]
    endpoint: Option<String>,

    /// The AWS region [default: from the profile or environment].
    #[arg(long, global = true, env = "PORTCULLIS_REGION", value_name = "REGION")]
    region: Option<String>,

    /// The AWS CLI profile that provides credentials and region.
    #[arg(long, global = true, env = "PORTCULLIS_PROFILE", value_name = "NAME")]
    profile: Option<String>,

    /// Work through the API at this address instead of the tables, with the API key in the variable
    /// `PORTCULLIS_KEY` or in --key-file. Needs no AWS credentials.
    #[arg(long, global = true, env = "PORTCULLIS_API", value_name = "URL")]
    #[arg(value_parser = api_address)]
    api: Option<ApiAddress>,

    /// The file with the API key; `-` is standard input.
    #[arg(long, global = true, env = "PORTCULLIS_KEY_FILE", value_name = "FILE")]
    key_file: Option<PathBuf>,

    /// Whether --key-file is an argument, which overrides `PORTCULLIS_KEY`.
    #[arg(skip)]
    prefers_key_file: bool,

    /// The variable with the API key, if a context names one.
    #[arg(skip)]
    key_variable: Option<String>,
}

/// What commands that change bans work with.
#[derive(Debug)]
pub struct OperatorSession {
    pub store: Store,
    /// Who runs the command, for the history.
    pub principal: String,
}

impl OperatorSession {
    /// A join that this command continues.
    #[must_use]
    pub fn joining(&self, prefix: WorkspacePrefix, part: ExperienceId, join: Join) -> Joining {
        Joining {
            prefix,
            part,
            join,
            principal: Some(self.principal.clone()),
            request_id: uuid::Uuid::new_v4().to_string(),
        }
    }
}

/// A located installation.
#[derive(Debug)]
pub struct Connection {
    /// The SDK configuration for all services but DynamoDB.
    pub sdk: SdkConfig,
    /// The SDK configuration for DynamoDB, which may have its own endpoint.
    pub database: SdkConfig,
    pub tables: Tables,
    /// The bucket of evidence, if `--evidence-bucket` is given.
    evidence_bucket: Option<String>,
    /// The stack, if `--stack` is given.
    pub stack: Option<Stack>,
    /// Whether the database runs on this machine.
    pub is_local: bool,
}

impl ConnectionArgs {
    /// Fails with what is missing to find the tables.
    pub fn check(&self) -> Result<(), String> {
        let is_found = self.stack.is_some() || self.is_local();
        if self.bans_table.is_none() && !is_found {
            return Err(
                "no bans table given: use --stack or --bans-table, or set PORTCULLIS_STACK or \
                 BANS_TABLE (the stack's output BansTableName)"
                    .to_owned(),
            );
        }
        if self.workspaces_table.is_none() && !is_found {
            return Err(
                "no workspaces table given: use --stack or --workspaces-table, or set \
                 PORTCULLIS_STACK or WORKSPACES_TABLE (the stack's output WorkspacesTableName)"
                    .to_owned(),
            );
        }
        Ok(())
    }

    pub fn stack_name(&self) -> Option<&str> {
        self.stack.as_deref()
    }

    /// Whether the endpoint is local. AWS itself is only called over https.
    pub fn is_local(&self) -> bool {
        self.endpoint
            .as_deref()
            .is_some_and(|url| url.starts_with("http://"))
    }

    /// The SDK configuration. It does not resolve credentials yet.
    pub async fn sdk(&self) -> SdkConfig {
        // Unlike a game server, an operator can wait for a slow network.
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
        if let Some(profile) = &self.profile {
            settings = settings.profile_name(profile);
        }
        if let Some(region) = &self.region {
            settings = settings.region(Region::new(region.clone()));
        }
        settings.load().await
    }

    /// Finds the tables.
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
        let region = sdk.region().map_or("none", Region::as_ref);
        let endpoint = self.endpoint.as_deref().unwrap_or("of the region");
        detail!(
            "tables {} and {}, region {region}, endpoint {endpoint}",
            tables.bans,
            tables.workspaces
        );
        let mut database = sdk.to_builder();
        if let Some(endpoint) = &self.endpoint {
            database.set_endpoint_url(Some(endpoint.clone()));
        }
        Ok(Connection {
            database: database.build(),
            sdk,
            tables,
            evidence_bucket: self.evidence_bucket.clone(),
            stack,
            is_local: self.is_local(),
        })
    }
}

impl Connection {
    /// The API's URL, if it is known: the stack's output, or that of `make dev`.
    pub fn api_url(&self) -> Option<&str> {
        match &self.stack {
            Some(stack) => stack.output("ApiUrl").ok(),
            None => self.is_local.then_some(local::API),
        }
    }

    pub fn store(&self) -> Store {
        Store::new(Database::new(&self.database, self.tables.clone()))
    }
}

/// Connects and identifies who runs the command.
pub async fn open_session(args: &ConnectionArgs) -> Result<OperatorSession> {
    let sdk = args.sdk().await;
    credentials(&sdk).await?;
    let (located, principal) =
        tokio::join!(args.locate(sdk.clone()), principal(&sdk, args.is_local()));
    detail!("decisions are recorded under {principal}");
    Ok(OperatorSession {
        store: located?.store(),
        principal,
    })
}

/// Connects to the tables.
pub async fn open(args: &ConnectionArgs) -> Result<Store> {
    Ok(connect(args).await?.store())
}

/// Connects to the installation.
pub async fn connect(args: &ConnectionArgs) -> Result<Connection> {
    let sdk = args.sdk().await;
    credentials(&sdk).await?;
    args.locate(sdk).await
}

/// Resolves region and credentials first, so that a missing one is not reported as a database failure.
/// Returns the access key id.
pub async fn credentials(sdk: &SdkConfig) -> Result<String> {
    sdk.region()
        .context("no AWS region set: use --region or set AWS_REGION")?;
    let Some(credentials) = sdk.credentials_provider() else {
        anyhow::bail!("no AWS credentials found: sign in (`aws sso login`, `aws configure`)");
    };
    let found = credentials.provide_credentials().await.map_err(|error| {
        anyhow::anyhow!(
            "no AWS credentials found ({error}): sign in (`aws sso login`, `aws configure`), choose \
             a profile with --profile, or use --endpoint for a local DynamoDB"
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
