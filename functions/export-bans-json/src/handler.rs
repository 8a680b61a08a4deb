//! All bans of the workspace, or of one experience, as a JSON file.

use shared::auth::{Caller, ReadBans};
use shared::error::ApiError;
use shared::export::{Json, export};
use shared::http::{ApiRequest, Reply};
use shared::store::{ExportBucket, Store};

pub async fn handle(
    caller: Caller<ReadBans>,
    request: ApiRequest,
    store: Store,
    bucket: ExportBucket,
) -> Result<Reply, ApiError> {
    let mut query = request.query();
    let experience = query.optional_id("experienceId");

    query.build(|| Some(()))?;

    if let Some(experience) = experience {
        store.demand_link_where_strict(&caller, experience).await?;
    }
    let format = Json::default();
    export(&caller, &store, &bucket, experience, format).await
}
