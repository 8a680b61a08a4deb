//! HTTP: parses a request, builds an answer, and logs the result, each in one place.

pub mod account_links;
pub mod auth;
mod ban_call;
pub mod bulk;
pub mod cursor;
#[cfg(feature = "admin")]
pub mod discord;
pub mod evidence;
pub mod export;
mod fields;
pub mod invocation;
mod json;
mod methods;
mod page;
mod page_request;
pub mod poll;
mod reply;
mod request;
mod serve;
mod unban_call;
mod weight;

pub use ban_call::{BanQuery, parse_ban, read_ban};
pub use fields::Fields;
pub use methods::ROUTES;
pub use page::PageList;
pub use page_request::PageRequest;
pub use reply::Reply;
pub use request::ApiRequest;
pub use serve::{App, FromRequest, TimeLimit, serve_unknown_routes};
pub use unban_call::{UnbanQuery, parse_unban, read_unban};
pub(crate) use weight::{LARGEST_ANSWER, weight};
