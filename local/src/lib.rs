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
//! | [`fault_proxy`] | a bad day between a function and its database |
//!
//! [`dynamo`] is the small client the stack itself uses, [`seed`] the demo data, [`process`] keeps
//! child processes from outliving their parent.

pub mod dynamo;
pub mod engine;
pub mod error;
pub mod fault_proxy;
pub mod gateway;
pub mod http;
pub mod object_store;
pub mod process;
pub mod pump;
pub mod roblox;
pub mod runtime;
pub mod seed;
pub mod template;

pub use error::{Error, Result};

/// The region and the credentials that every local client and function is given.
pub const REGION: &str = "us-east-1";

/// Access key and secret of the local services; neither of them is checked by the database.
pub const CREDENTIAL: &str = "test";

/// The AWS variables that point a function, or an SDK client, at the local services.
#[must_use]
pub fn aws_environment(database: &str, objects: &str) -> Vec<(String, String)> {
    [
        ("AWS_REGION", REGION),
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", CREDENTIAL),
        ("AWS_SECRET_ACCESS_KEY", CREDENTIAL),
        ("AWS_ENDPOINT_URL_DYNAMODB", database),
        ("AWS_ENDPOINT_URL_S3", objects),
        // Nothing else may reach AWS by accident, nor wait for a metadata service.
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}
