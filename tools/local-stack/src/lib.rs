//! The cloud on one machine: what `make dev` runs and what the end-to-end tests stand on.
//!
//! Nothing here is deployed. Every module replaces one managed service and reads its settings from
//! `template.yaml`, so that the local stack cannot drift from what is deployed:
//!
//! | module | stands in for |
//! |---|---|
//! | [`template`] | CloudFormation: tables, routes, environments, grants, event sources |
//! | [`engine`] | DynamoDB |
//! | [`object_store`] | S3 |
//! | [`pump`] | the event source mapping between the table's stream and its function |
//! | [`runtime`] | Lambda: starts the real function binaries and hands them events |
//! | [`gateway`] | API Gateway HTTP API in front of them |
//! | [`roblox`] | Roblox Open Cloud |
//! | [`control`] | CloudFormation and Lambda as an operator asks them about a stack |
//! | [`lambda_api`] | Lambda's invocation API: calls that wait, and calls in the background |
//! | [`scheduler`] | EventBridge: calls the functions that have a schedule |
//! | [`secrets`] | Secrets Manager |
//! | [`receiver`] | a studio's own server, to which webhooks are delivered |
//! | [`roles`] | IAM, as far as functions reach the database |
//! | [`fault_proxy`] | a bad day between a function and its database |
//!
//! [`dynamo`] is the small client the stack itself uses, [`seed`] the demo data, [`process`] keeps
//! child processes from outliving their parent.

pub mod control;
pub mod dynamo;
pub mod engine;
pub mod error;
pub mod fault_proxy;
pub mod gateway;
pub mod http;
pub mod lambda_api;
mod lock;
pub mod object_store;
pub mod process;
pub mod pump;
pub mod receiver;
pub mod roblox;
pub mod roles;
pub mod runtime;
pub mod scheduler;
pub mod secrets;
pub mod seed;
pub mod template;

pub use error::{Error, Result};

/// The region and the credentials that every local client and function is given.
pub const REGION: &str = "us-east-1";

/// Access key and secret of the local services; neither of them is checked by the database.
pub const CREDENTIAL: &str = "test";

/// Where the local services listen.
#[derive(Debug, Clone, Copy)]
pub struct Endpoints<'a> {
    /// DynamoDB.
    pub database: &'a str,
    /// S3.
    pub objects: &'a str,
    /// Lambda's invocation API.
    pub lambda: &'a str,
    /// Secrets Manager.
    pub secrets: &'a str,
}

impl<'a> Endpoints<'a> {
    /// The endpoint of a service that is not there; a call of it fails at once.
    pub const NOWHERE: &'static str = "http://127.0.0.1:1";

    /// Nothing but a database and an object store.
    #[must_use]
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
#[must_use]
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
        // Nothing else may reach AWS by accident, nor wait for a metadata service.
        ("AWS_EC2_METADATA_DISABLED", "true"),
        // Webhooks lead to this machine here, and nowhere else.
        ("ALLOW_LOOPBACK", "true"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}
