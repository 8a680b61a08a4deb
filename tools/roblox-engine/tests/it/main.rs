//! The engine's own behaviour, without an API.

// Outside of test functions clippy does not know that this is a test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod http;
mod lives;
mod module;
mod shared_services;
mod threads;

use std::time::Duration;

use roblox_engine::{Network, Request, Response, Universe};

const PLACE: u64 = 7;

/// Echoes each request as JSON.
#[derive(Debug)]
struct Echo;

impl Network for Echo {
    fn send(&self, _: Duration, request: &Request) -> Result<Response, String> {
        if request.url.starts_with("http://nowhere") {
            return Err("no such host".to_owned());
        }
        let body = serde_json::json!({
            "method": request.method,
            "url": request.url,
            "headers": request.headers,
            "body": String::from_utf8_lossy(&request.body),
        });
        Ok(Response::new(200, &body.to_string()))
    }
}

fn universe() -> Universe {
    Universe::new(1, Echo)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[track_caller]
fn assert_no_errors(universe: &Universe) {
    assert_eq!(universe.errors(), [""; 0]);
}
