//! Webhooks: how events are signed, where they are sent, and when they are retried.
//!
//! Deliveries follow the Standard Webhooks specification: the headers `webhook-id`,
//! `webhook-timestamp` and `webhook-signature`, the last over all three parts of a message.

mod delivery;
mod endpoint;
mod events;
mod failure;
mod message;
mod new_target;
mod retries;
mod secret;
mod target;

pub use delivery::{Attempt, AttemptOutcome, DELIVERY_KEPT, Delivery, DeliveryKey, DeliveryState};
pub use endpoint::{DAYS_FAILING, Endpoint, EndpointId, EndpointState, PausedFor};
pub use events::EventFilter;
pub use failure::Failure;
pub use message::{Message, TEST};
pub use new_target::InvalidEndpointUrl;
pub use retries::{PAUSES, RetryDecision, decide_retry, is_endpoint_down};
pub use secret::{DEFAULT_OVERLAP, SigningSecret, SigningSecrets};
pub(crate) use target::is_local_name;
pub use target::{AddressPolicy, InvalidTarget, Target};
