//! `GET /api/v1/events`: everything that was decided, in the order in which it was logged.

mod handler;

use lambda_http::Error;
use shared::http::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    App::from_environment()?
        .serve("events", handler::handle)
        .await
}
