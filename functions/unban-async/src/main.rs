//! `POST /api/v1/unban-async`: lifts a ban, or records a report that an unban was applied.

mod handler;

use lambda_http::Error;
use shared::api::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    App::from_environment()?
        .serve("unban-async", handler::handle)
        .await
}
