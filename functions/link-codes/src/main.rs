//! `POST /api/v1/links/codes`: makes a code that links two accounts.

mod handler;

use lambda_http::Error;
use shared::api::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    App::from_environment()?
        .serve("link-codes", handler::handle)
        .await
}
