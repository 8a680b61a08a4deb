//! `PUT` and `DELETE /api/v1/links/roblox/{id}`: links accounts without a proof, and unlinks them.

mod handler;

use lambda_http::Error;
use shared::api::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    App::from_environment()?
        .serve("link-import", handler::handle)
        .await
}
