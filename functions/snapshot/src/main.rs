//! `GET /api/v1/snapshot`: the banned users of the workspace, as the last build found them.

mod handler;
mod held;

use lambda_http::Error;
use shared::api::App;
use shared::store::SnapshotBucket;

use crate::held::HeldSnapshots;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = App::from_environment()?;
    let held = &HeldSnapshots::new(SnapshotBucket::for_reading(app.config())?);
    app.serve("snapshot", move |caller, request, store| {
        handler::handle(caller, request, store, held)
    })
    .await
}
