//! How a receiver answers, well or badly.

use std::{convert::Infallible, io, time::Duration};

use bytes::Bytes;
use futures::stream;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    Response, StatusCode,
    body::Frame,
    header::{HeaderName, HeaderValue, LOCATION},
};

/// How one request is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// With a status and nothing else.
    Status(StatusCode),
    /// With a status, a header and a body.
    Full(StatusCode, (HeaderName, HeaderValue), Bytes),
    /// With a status that comes that much later.
    Late(Duration, StatusCode),
    /// Taken, and never answered.
    Hang,
    /// The connection is closed instead.
    Drop,
    /// 307 to another URL.
    Redirect(String),
    /// 200, and a body that never ends, as fast as it is read.
    Endless,
    /// 200, and a body that comes by one byte in that time, and never ends.
    Trickle(Duration),
    /// Bytes that are no HTTP, and the end of the connection.
    Garbage,
}

impl From<u16> for Answer {
    /// A status; 500 if there is no such status.
    fn from(status: u16) -> Self {
        let status = StatusCode::from_u16(status);
        Self::Status(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
    }
}

/// What [`Answer::Garbage`] sends.
pub(super) const GARBAGE: &[u8] = b"\x16\x03\x01 this is not HTTP \xff\xfe\r\n\r\n";

/// One piece of the endless body.
const PIECE: usize = 64 * 1024;

pub(super) type Body = UnsyncBoxBody<Bytes, Infallible>;

impl Answer {
    /// The answer as a response; an error ends the connection without one.
    pub(super) async fn play(self) -> io::Result<Response<Body>> {
        match self {
            Self::Status(status) => Ok(respond(status, Bytes::new())),
            Self::Full(status, (name, value), body) => {
                let mut response = respond(status, body);
                response.headers_mut().insert(name, value);
                Ok(response)
            }
            Self::Late(time, status) => {
                tokio::time::sleep(time).await;
                Ok(respond(status, Bytes::new()))
            }
            Self::Hang => std::future::pending().await,
            Self::Drop | Self::Garbage => Err(io::Error::from(io::ErrorKind::ConnectionAborted)),
            Self::Redirect(url) => {
                let mut response = respond(StatusCode::TEMPORARY_REDIRECT, Bytes::new());
                let url = HeaderValue::from_str(&url).map_err(io::Error::other)?;
                response.headers_mut().insert(LOCATION, url);
                Ok(response)
            }
            Self::Endless => Ok(endless(PIECE, Duration::ZERO)),
            Self::Trickle(pause) => Ok(endless(1, pause)),
        }
    }
}

fn respond(status: StatusCode, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Full::new(body).boxed_unsync());
    *response.status_mut() = status;
    response
}

fn endless(size: usize, pause: Duration) -> Response<Body> {
    let piece = Bytes::from(vec![b'x'; size]);
    let pieces = stream::unfold(piece, move |piece| async move {
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        let frame: Result<_, Infallible> = Ok(Frame::data(piece.clone()));
        Some((frame, piece))
    });
    Response::new(StreamBody::new(pieces).boxed_unsync())
}
