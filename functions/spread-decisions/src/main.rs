//! Reads the table's stream, propagates Global decisions to every linked experience, and back-fills
//! newly linked ones.

mod handler;

use lambda_http::Error;
use shared::api::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    App::from_environment()?
        .handle("spread-decisions", handler::handle)
        .await
}
