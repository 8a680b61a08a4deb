//! Code shared by the functions and the CLI of Portcullis. Start reading at [`rules`]; [`store`]
//! persists what they decide, [`auth`] decides who may call, [`http`] handles requests and answers.

pub mod auth;
mod aws;
pub mod ban_info;
pub mod calls;
pub mod clock;
pub mod cursor;
mod digest;
pub mod error;
pub mod event;
pub mod export;
pub mod http;
pub mod ids;
pub mod invocation;
pub mod length;
mod memory;
pub mod outbound;
pub mod poll;
pub mod roblox;
pub mod rules;
pub mod secrets;
pub mod store;
pub mod stream;
pub mod telemetry;
pub mod text;
pub mod wake;
pub mod webhooks;
