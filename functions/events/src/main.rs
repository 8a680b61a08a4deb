//! `GET /api/v1/events`: the event log, in the order of logging.

mod handler;

use lambda_http::Error;
use shared::api::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    App::from_environment()?
        .serve("events", handler::handle)
        .await
}
