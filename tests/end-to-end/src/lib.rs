//! The harness of the end-to-end tests.
//!
//! A [`TestApp`] is the whole product on this machine: the real function binaries behind the routes
//! of `template.yaml`, with an embedded database. A test creates its own [`Workspace`] and calls the
//! app over HTTP; every response is validated against `openapi.yaml`.
//!
//! ```ignore
//! let app = TestApp::start().await;
//! let workspace = app.workspace().await;
//! workspace.ban(Ban::of(156, 7).permanent()).await;
//! assert_eq!(workspace.check(156, 7).await["isBanned"], true);
//! ```

// A test helper that cannot do its work panics.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]
#![allow(clippy::missing_panics_doc, clippy::must_use_candidate)]

mod activities;
mod app;
pub mod audit;
mod bulk_calls;
mod call;
mod console;
mod contract;
pub mod discord;
mod event_log_age;
mod eventually;
pub mod evidence;
mod files;
mod game_servers;
mod groups;
pub mod integrations;
mod notification;
mod payload;
mod published_contract;
pub mod requests;
mod response;
pub mod stored;
mod webhook_receiver;
mod workspace;

pub use activities::role_change;
pub use app::{TestApp, TestAppBuilder, store};
pub use bulk_calls::{Bulk, bulk_results};
pub use call::Call;
pub use console::Browser;
pub use contract::{Contract, contract};
pub use event_log_age::age_log;
pub use eventually::{eventually, eventually_within, next_second, until};
pub use files::{observability, openapi, repository, template};
pub use game_servers::{AppNetwork, PUBLISHED_SDK, PUBLISHED_SDK_LOOP};
pub use notification::{Notification, sign};
pub use payload::{Ban, Unban};
pub use published_contract::{
    PublishedContract, discord_contract, guild_bans_contract, interactions_contract,
    roblox_contract,
};
pub use response::{ApiResponse, key_order};
pub use webhook_receiver::{Received, Reply, WebhookReceiver};
pub use workspace::{KeySpec, Workspace, now};
