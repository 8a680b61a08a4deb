//! The gateway's default route: an unknown path is answered with 404, another method than a path takes
//! with 405 and `allow`, both in the API's own JSON.

use lambda_http::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    shared::http::serve_unknown_routes("not-found").await
}
