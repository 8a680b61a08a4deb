//! HTTP: parses a request, builds an answer, and logs the result, each in one place.

mod fields;
mod idempotency;
mod methods;
mod page;
mod reply;
mod request;
mod serve;
mod weight;

pub use fields::{Fields, integer};
pub use idempotency::IdempotencyKey;
pub use methods::ROUTES;
pub use page::PageList;
pub use reply::{Reply, disposition};
pub use request::ApiRequest;
pub use serve::{Access, App, Budget, serve_unknown_routes};
pub(crate) use weight::{LARGEST_ANSWER, weight};
