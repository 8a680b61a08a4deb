//! What the functions and the command share. Dependencies point one way: [`domain`] is plain types and
//! rules, [`store`] keeps what they decide in DynamoDB, [`api`] is the edge.

pub mod api;
pub mod cache;
#[cfg(test)]
mod direction;
pub mod domain;
pub mod integrations;
pub mod moderation;
pub mod store;
pub mod telemetry;
pub mod testing;
#[cfg(test)]
mod type_names;
