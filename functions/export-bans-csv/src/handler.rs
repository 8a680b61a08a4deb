//! All bans of the workspace, or of one experience, as a CSV file.

use shared::api::auth::{Caller, ReadBans};
use shared::api::export::{Csv, export};
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
    let raw = query.optional_flag("raw").unwrap_or(false);
    let bom = query.optional_flag("bom").unwrap_or(false);
    let excel = query.optional_flag("excel").unwrap_or(false);
    query.build(|| Some(()))?;

    let experience = match place {
        Some(place) => Some(store.experience_of(caller.prefix(), place).await?),
        None => None,
    };
    let format = Csv::new(raw).with_mark(bom).for_excel(excel);
    export(&caller, &store, &bucket, experience, format).await
}
