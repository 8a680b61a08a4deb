//! Tests of the local stack's parts with real sockets, processes and a database.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod database;
mod event_source_mapping;
mod fault_proxy;
mod lambda_api;
mod object_store;
mod presigned;
mod presigned_streams;
mod receiver;
mod roblox;
mod runtime;
mod scheduler;
mod secrets;
mod template;
