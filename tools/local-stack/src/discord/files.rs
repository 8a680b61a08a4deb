//! The store of files that people attached to messages. A link works with its own signature alone.

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{Response, StatusCode};

use super::routes::Call;
use super::state::State;

/// The channel of all files.
const CHANNEL: u64 = 613_425_648_685_547_900;

#[derive(Clone, Debug)]
pub struct FakeFile {
    /// As in the header, with parameters.
    pub content_type: String,
    pub bytes: Bytes,
}

/// The path of a file, and its query.
pub fn path(id: u64, name: &str) -> (String, String) {
    let path = format!("/attachments/{CHANNEL}/{id}/{name}");
    (path, format!("ex=6b1f0000&is=6b1dae80&hm={id:064x}&"))
}

/// The answer to a call for a file; none if the path leads elsewhere.
pub fn answer(state: &State, call: &Call) -> Option<Response<Body>> {
    let is_file = call.path.starts_with("/attachments/");
    if !is_file || !["GET", "HEAD"].contains(&call.method.as_str()) {
        return None;
    }
    let signature = call.query.get("hm").map(String::as_str).unwrap_or_default();
    let id = u64::from_str_radix(signature, 16).unwrap_or_default();
    let file = state.files.get(&id);
    let file = file.filter(|_| call.path.contains(&format!("/{id}/")));
    let Some(file) = file else {
        let mut gone = Response::new(Body::from("This content is no longer available."));
        *gone.status_mut() = StatusCode::NOT_FOUND;
        return Some(gone);
    };
    let body = match call.method.as_str() {
        "HEAD" => Body::empty(),
        _ => Body::from(file.bytes.clone()),
    };
    let answer = Response::builder()
        .header(CONTENT_TYPE, &file.content_type)
        .header(CONTENT_LENGTH, file.bytes.len())
        .body(body);
    answer.ok()
}
