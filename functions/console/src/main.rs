//! `/console`: the pages for moderators.

use lambda_http::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    console_pages::moderation::serve().await
}
