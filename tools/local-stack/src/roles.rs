//! IAM for DynamoDB and S3: whether a function's role allows a request.
//!
//! It evaluates the statements of `template.yaml` with their conditions. Where AWS's documentation leaves two
//! readings open, a request must pass both.

mod access;
mod condition;
mod objects;

use crate::template::{Function, Grant};

pub use access::Access;

impl Function {
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
