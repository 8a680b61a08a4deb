//! Services other than DynamoDB: AWS, Roblox Open Cloud, Discord and the receivers of webhooks.

pub(crate) mod aws;
mod aws_call;
pub mod connection;
pub mod discord;
pub mod failure_queue;
pub mod http_client;
pub mod invoker;
mod lambda;
pub mod roblox;
pub mod s3;
pub mod secret_text;
pub mod secret_writer;
pub mod secrets;
pub mod service_client;
