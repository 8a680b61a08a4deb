//! `POST /api/v1/links/lookup`: the links of up to 100 accounts.

mod handler;

use lambda_http::Error;
use shared::api::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    App::from_environment()?
        .serve("links-lookup", handler::handle)
        .await
}
