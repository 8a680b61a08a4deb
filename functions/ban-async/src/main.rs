//! `POST /api/v1/ban-async`: bans a user, changes a ban, records a report, or accepts an appeal.

mod handler;

use lambda_http::Error;
use shared::api::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    App::from_environment()?
        .serve("ban-async", handler::handle)
        .await
}
