//! The bans that an experience has applied and has yet to lift, oldest first.

use shared::auth::{Caller, ReadBans};
use shared::error::ApiError;
use shared::http::{ApiRequest, Reply};
use shared::poll::poll;
use shared::store::{Pending, Store};

pub async fn handle(
    caller: Caller<ReadBans>,
    request: ApiRequest,
    store: Store,
) -> Result<Reply, ApiError> {
    poll(Pending::Unbans, &caller, &request, &store).await
}
