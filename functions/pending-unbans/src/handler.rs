//! The bans that an experience has applied and has yet to lift, oldest first.

use shared::api::auth::{Caller, ReadBans};
use shared::api::poll::poll;
use shared::api::{ApiRequest, Reply};
use shared::domain::error::ApiError;
use shared::store::{Pending, Store};

pub async fn handle(
    caller: Caller<ReadBans>,
    request: ApiRequest,
    store: Store,
) -> Result<Reply, ApiError> {
    poll(Pending::Unbans, &caller, &request, &store).await
}
