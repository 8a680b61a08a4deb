//! IAM in front of the database: may a function's role make this request?
//!
//! It evaluates the statements of `template.yaml` with their conditions, as far as they are about
//! DynamoDB. Where AWS does not document which of two readings holds, a request has to be allowed under
//! both.

mod access;
mod condition;

use crate::template::{Function, Grant};

pub use access::Access;

impl Function {
    /// Whether its role allows an access.
    #[must_use]
    pub fn may(&self, access: &Access) -> bool {
        self.grants.iter().any(|grant| grant.admits(access))
    }
}

impl Grant {
    fn admits(&self, access: &Access) -> bool {
        self.action == access.action
            && condition::is_like(&access.resource, &self.resource)
            && condition::holds(&self.condition, &access.context)
    }
}
