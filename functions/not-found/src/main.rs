//! The gateway's default route: answers an unknown path with 404 and an unsupported method with 405
//! and `allow`, in the API's own JSON.

use lambda_http::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    shared::api::serve_unknown_routes("not-found").await
}
