//! Who makes a call.

use crate::domain::actor::{Channel, DecidedBy};
use crate::domain::ids::ModeratorId;

/// Who makes a call, for the history.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The public id of the key or member, or a name such as `operator`.
    pub key_id: String,
    pub channel: Channel,
    /// The moderator, if the call names one.
    pub moderator: Option<ModeratorId>,
    /// Who ran the CLI: an AWS principal or a local user.
    pub principal: Option<String>,
    /// The request, by which a decision whose answer was lost is recognised.
    pub request_id: String,
}

impl Actor {
    pub(in crate::store) fn decided_by(&self) -> DecidedBy {
        DecidedBy::new(&self.key_id, Some(self.channel))
    }
}
