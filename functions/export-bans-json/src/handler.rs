//! All bans of the workspace, or of one experience, as a JSON file.

use shared::api::auth::{Caller, ReadBans};
use shared::api::export::{Json, export};
use shared::api::{ApiRequest, Reply};
use shared::domain::error::ApiError;
use shared::store::{ExportBucket, Store};

pub async fn handle(
    caller: Caller<ReadBans>,
    request: ApiRequest,
    store: Store,
    bucket: ExportBucket,
) -> Result<Reply, ApiError> {
    let mut query = request.query();
    let place = query.optional_id("experienceId");

    query.build(|| Some(()))?;

    let experience = match place {
        Some(place) => Some(store.experience_of(caller.prefix(), place).await?),
        None => None,
    };
    let format = Json::default();
    export(&caller, &store, &bucket, experience, format).await
}
