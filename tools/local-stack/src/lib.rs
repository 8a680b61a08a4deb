//! AWS, Roblox and Discord on one machine, for `make dev` and the end-to-end tests.
//!
//! Nothing here is deployed. Each module replaces one managed service and reads its settings from
//! `template.yaml`, so that the local stack cannot drift from the deployed one:
//!
//! | module | replaces |
//! |---|---|
//! | [`template`] | CloudFormation: tables, routes, environments, grants, event sources |
//! | [`engine`] | DynamoDB |
//! | [`object_store`] | S3 |
//! | [`event_source_mapping`] | the event source mapping between a table's stream and a function |
//! | [`runtime`] | Lambda: it starts the real function binaries and passes events to them |
//! | [`gateway`] | API Gateway's HTTP API |
//! | [`roblox`] | Roblox Open Cloud |
//! | [`discord`] | Discord's sign-in, guilds, members and application |
//! | [`control`] | CloudFormation and Lambda's control plane |
//! | [`lambda_api`] | Lambda's invocation API, synchronous and asynchronous |
//! | [`scheduler`] | EventBridge schedules |
//! | [`secrets`] | Secrets Manager |
//! | [`receiver`] | a studio's server that receives webhooks |
//! | [`roles`] | IAM for DynamoDB and S3 |
//! | [`fault_proxy`] | a failing network and database |
//!
//! [`fake_server`], [`faults`] and [`exchange`] are what the fakes share, [`dynamo`] is the stack's own client, [`seed`] the
//! demo data, and [`process`] ends child processes with their parent.

#![allow(
    clippy::must_use_candidate,
    reason = "only tests and `make dev` use it"
)]

pub mod control;
pub mod discord;
pub mod dynamo;
pub mod engine;
pub mod error;
pub mod event_source_mapping;
pub mod exchange;
pub mod fake_server;
pub mod fault_proxy;
pub mod faults;
pub mod gateway;
pub mod http;
pub mod lambda_api;
pub mod object_store;
pub mod process;
pub mod receiver;
pub mod roblox;
pub mod roles;
pub mod runtime;
pub mod scheduler;
pub mod secrets;
pub mod seed;
pub mod template;

pub use error::{Error, Result};

/// The region of every local client and function.
pub const REGION: &str = "us-east-1";

/// The operator's access key, and the secret of every access key. The database does not check them; for the
/// object store, the access key of a function is its name.
pub const CREDENTIAL: &str = "test";

#[derive(Debug, Clone, Copy)]
pub struct Endpoints<'a> {
    pub database: &'a str,
    pub objects: &'a str,
    pub lambda: &'a str,
    pub secrets: &'a str,
}

impl<'a> Endpoints<'a> {
    /// The endpoint of a missing service; each call fails at once.
    pub const NOWHERE: &'static str = "http://127.0.0.1:1";

    /// The endpoints of a stack with only a database and an object store.
    pub const fn of_data(database: &'a str, objects: &'a str) -> Self {
        Self {
            database,
            objects,
            lambda: Self::NOWHERE,
            secrets: Self::NOWHERE,
        }
    }
}

/// The variables that point a function, or an SDK client, at the local services.
pub fn aws_environment(endpoints: &Endpoints<'_>) -> Vec<(String, String)> {
    [
        ("AWS_REGION", REGION),
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", CREDENTIAL),
        ("AWS_SECRET_ACCESS_KEY", CREDENTIAL),
        ("AWS_ENDPOINT_URL_DYNAMODB", endpoints.database),
        ("AWS_ENDPOINT_URL_S3", endpoints.objects),
        ("AWS_ENDPOINT_URL_LAMBDA", endpoints.lambda),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", endpoints.secrets),
        ("AWS_ENDPOINT_URL_SQS", endpoints.secrets),
        // No client may wait for a metadata service.
        ("AWS_EC2_METADATA_DISABLED", "true"),
        // Local webhook receivers are on this machine.
        ("ALLOW_LOOPBACK", "true"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}
