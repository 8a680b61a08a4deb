//! HTTP: parses a request, builds an answer, and logs the result, each in one place.

pub mod auth;
pub mod cursor;
pub mod evidence;
pub mod export;
mod fields;
pub mod invocation;
mod json;
mod methods;
mod page;
pub mod poll;
mod reply;
mod request;
mod serve;
mod weight;

pub use fields::Fields;
pub use methods::ROUTES;
pub use page::PageList;
pub use reply::Reply;
pub use request::ApiRequest;
pub use serve::{App, FromRequest, TimeLimit, serve_unknown_routes};
pub(crate) use weight::{LARGEST_ANSWER, weight};
