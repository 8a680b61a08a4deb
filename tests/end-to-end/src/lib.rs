//! The one helper of the end-to-end tests.
//!
//! A [`TestApp`] is the whole product on this machine: the real function binaries behind the routes
//! of `template.yaml`, on the embedded database. A test opens a [`Workspace`] of its own and talks
//! to the app over HTTP; every answer it gets is held against `openapi.yaml` on the way.
//!
//! ```ignore
//! let app = TestApp::start().await;
//! let workspace = app.workspace().await;
//! workspace.ban(Ban::of(156, 7).permanent()).await;
//! assert_eq!(workspace.check(156, 7).await["isBanned"], true);
//! ```

// A test helper that cannot do its work has nothing better to do than to say so and stop.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]
#![allow(clippy::missing_panics_doc, clippy::must_use_candidate)]

mod aging;
mod answer;
mod app;
pub mod audit;
mod call;
mod contract;
mod eventually;
mod files;
mod hook;
mod notification;
pub mod outside;
mod payload;
pub mod requests;
pub mod stored;
mod workspace;

pub use aging::age_log;
pub use answer::{Answer, key_order};
pub use app::{TestApp, TestAppBuilder};
pub use call::Call;
pub use contract::{Contract, contract};
pub use eventually::eventually;
pub use files::{observability, openapi, repository, template};
pub use hook::{Hook, Received, Reply};
pub use notification::{Notification, sign};
pub use payload::{Ban, Unban};
pub use workspace::{KeySpec, Workspace, now};
