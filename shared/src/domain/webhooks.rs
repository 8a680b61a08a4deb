//! Webhooks: how events are signed, where they are sent, and when they are retried.
//!
//! An endpoint gets signed JSON, or is a webhook of Discord that gets readable messages.
//!
//! Signed deliveries follow the Standard Webhooks specification: the headers `webhook-id`,
//! `webhook-timestamp` and `webhook-signature`, the last over all three parts of a message.

mod delivery;
pub mod discord;
mod endpoint;
mod events;
mod failure;
mod message;
mod new_target;
mod receiver;
mod retries;
mod secret;
mod target;

pub use delivery::{Attempt, AttemptOutcome, DELIVERY_KEPT, Delivery, DeliveryKey, DeliveryState};
pub use endpoint::{DAYS_FAILING, Endpoint, EndpointId, EndpointState, PausedFor};
pub use events::EventFilter;
pub use failure::Failure;
pub use message::{Message, TEST};
pub use new_target::{EndpointUrl, InvalidEndpointUrl};
pub use receiver::{EventReceiver, ReceiverKind};
pub use retries::{PAUSES, RetryDecision, decide_retry, is_endpoint_down};
pub use secret::{DEFAULT_OVERLAP, SigningSecret, SigningSecrets};
pub(crate) use target::is_local_name;
pub use target::{AddressPolicy, InvalidTarget, Target};
