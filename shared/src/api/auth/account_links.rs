//! What the routes of account links require of a key.

use super::caller::{Permission, demand_secret};
use crate::domain::error::ApiError;
use crate::domain::keys::{KeyRecord, KeyScope};

/// May read which accounts are linked.
#[derive(Clone, Copy, Debug)]
pub struct ReadLinks;

/// May make and redeem the codes that link accounts.
#[derive(Clone, Copy, Debug)]
pub struct WriteLinks;

/// May link accounts without a proof, and unlink them.
#[derive(Clone, Copy, Debug)]
pub struct ImportLinks;

impl Permission for ReadLinks {
    fn demand(key: &KeyRecord) -> Result<(), ApiError> {
        demand_secret(
            key,
            KeyScope::ReadLinks,
            "this key lacks the scope links:read",
        )
    }
}

impl Permission for WriteLinks {
    fn demand(key: &KeyRecord) -> Result<(), ApiError> {
        demand_secret(
            key,
            KeyScope::WriteLinks,
            "this key lacks the scope links:write",
        )
    }
}

impl Permission for ImportLinks {
    fn demand(key: &KeyRecord) -> Result<(), ApiError> {
        demand_secret(
            key,
            KeyScope::ImportLinks,
            "this key lacks the scope links:import",
        )
    }
}
