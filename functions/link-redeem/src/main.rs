//! `POST /api/v1/links/codes/redeem`: links the accounts of who made a code and who typed it.

mod handler;

use lambda_http::Error;
use shared::api::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    App::from_environment()?
        .serve("link-redeem", handler::handle)
        .await
}
