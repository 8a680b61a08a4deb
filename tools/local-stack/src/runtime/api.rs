//! The Runtime API of one instance: `next`, `response`, `error`.

use std::{
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
    routing::{get, post},
};
use bytes::Bytes;

use super::{CallError, LogLine, Outcome, PAYLOAD_LIMIT, Pool, instance::Instance};

/// The API of the instance with this index.
pub(super) fn router(pool: Arc<Pool>, index: usize, generation: u64) -> Router {
    let base = "/2018-06-01/runtime";
    Router::new()
        .route(&format!("{base}/invocation/next"), get(next))
        .route(
            &format!("{base}/invocation/{{id}}/response"),
            post(response),
        )
        .route(&format!("{base}/invocation/{{id}}/error"), post(error))
        .route(&format!("{base}/init/error"), post(init_error))
        .layer(DefaultBodyLimit::disable())
        .with_state(Seat {
            pool,
            index,
            generation,
        })
}

/// The instance that a connection belongs to.
#[derive(Clone)]
struct Seat {
    pool: Arc<Pool>,
    index: usize,
    generation: u64,
}

impl Seat {
    fn instance(&self) -> Option<&Instance> {
        self.pool.instances.get(self.index)
    }

    fn answer(&self, id: &str, outcome: Outcome) -> StatusCode {
        let fits = self
            .instance()
            .is_some_and(|instance| instance.answer(id, outcome));
        if fits {
            StatusCode::ACCEPTED
        } else {
            StatusCode::BAD_REQUEST
        }
    }
}

async fn next(State(seat): State<Seat>) -> impl IntoResponse {
    let asked = Instant::now();
    // The lock is fair, so instances take turns.
    let call = seat.pool.waiting.lock().await.recv().await;
    let (Some(call), Some(instance)) = (call, seat.instance()) else {
        return Err(StatusCode::GONE);
    };
    let timeout = *seat.pool.timeout.lock();
    let deadline = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        + timeout;
    let name = &seat.pool.spec.name;
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", call.id.clone()),
        (
            "lambda-runtime-deadline-ms",
            deadline.as_millis().to_string(),
        ),
        (
            "lambda-runtime-invoked-function-arn",
            format!("arn:aws:lambda:us-east-1:000000000000:function:{name}"),
        ),
        (
            "lambda-runtime-trace-id",
            format!("Root=1-{:08x}-{:024x}", deadline.as_secs(), 0),
        ),
    ];
    let event = call.event.clone();
    match instance.take(seat.generation, call, timeout, asked) {
        Ok(()) => Ok((headers, event)),
        Err(call) => {
            // The channel lives as long as the pool.
            let _ = seat.pool.calls.send(call);
            Err(StatusCode::GONE)
        }
    }
}

async fn response(State(seat): State<Seat>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    if body.len() > PAYLOAD_LIMIT {
        let message = format!("the answer has {} bytes", body.len());
        let error = CallError::new("Function.ResponseSizeTooLarge", message);
        seat.answer(&id, Err(error));
        return StatusCode::PAYLOAD_TOO_LARGE;
    }
    seat.answer(&id, Ok(body))
}

async fn error(
    State(seat): State<Seat>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    seat.answer(&id, Err(call_error(&headers, &body)))
}

async fn init_error(State(seat): State<Seat>, headers: HeaderMap, body: Bytes) -> StatusCode {
    // The process exits after this, before it has taken a call.
    let text = format!("init: {}", call_error(&headers, &body).message);
    seat.pool.logs.push(LogLine {
        instance: seat.index,
        is_error: true,
        text,
    });
    StatusCode::ACCEPTED
}

fn call_error(headers: &HeaderMap, body: &[u8]) -> CallError {
    let header = headers
        .get("lambda-runtime-function-error-type")
        .and_then(|v| v.to_str().ok());
    CallError::read(body, header)
}
