//! One connection of a server, or of a client: whole messages of HTTP/1.1 in and out.

use std::io::{self, Read, Write};
use std::net::TcpStream;

/// A stream of bytes, encrypted or not.
pub trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// A connection and what was read of it beyond the last message.
pub struct Connection {
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
}

/// A request, as far as it matters here.
#[derive(Debug)]
pub struct Request {
    /// The path.
    pub path: String,
    /// The operation of a database call, such as `DynamoDB_20120810.GetItem`.
    pub target: Option<String>,
    /// The whole body.
    pub body: Vec<u8>,
}

/// The answer to a request.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The whole body.
    pub body: Vec<u8>,
}

/// The most header lines of a message.
const HEADERS: usize = 64;

impl Connection {
    /// On a stream.
    pub fn new(stream: impl Stream + 'static) -> Self {
        Self {
            stream: Box::new(stream),
            buffer: Vec::with_capacity(16 * 1024),
        }
    }

    /// To a server on this machine, without TLS.
    pub fn open(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self::new(stream))
    }

    /// The next request; `None` when the other side has closed the connection.
    pub fn receive(&mut self) -> io::Result<Option<Request>> {
        let mut head_read = None;
        loop {
            let mut headers = [httparse::EMPTY_HEADER; HEADERS];
            let mut head = httparse::Request::new(&mut headers);
            let status = head.parse(&self.buffer).map_err(io::Error::other)?;
            if let httparse::Status::Complete(length) = status {
                let target = header(head.headers, "x-amz-target");
                let path = head.path.unwrap_or_default().to_owned();
                head_read = Some((length, body_length(head.headers), path, target));
            }
            if let Some((length, body, path, target)) = head_read.take() {
                let body = self.take(length, body)?;
                return Ok(Some(Request { path, target, body }));
            }
            if !self.read_more()? {
                return Ok(None);
            }
        }
    }

    /// Sends a message: its first lines, to which the length is added, and its body.
    pub fn send(&mut self, first_lines: &str, body: &[u8]) -> io::Result<()> {
        // In one piece, so that it is one packet.
        let mut message =
            format!("{first_lines}content-length: {}\r\n\r\n", body.len()).into_bytes();
        message.extend_from_slice(body);
        self.stream.write_all(&message)?;
        self.stream.flush()
    }

    /// Sends a request and waits for its answer.
    pub fn call(&mut self, first_lines: &str, body: &[u8]) -> io::Result<Answer> {
        self.send(first_lines, body)?;
        loop {
            let mut headers = [httparse::EMPTY_HEADER; HEADERS];
            let mut head = httparse::Response::new(&mut headers);
            let status = head.parse(&self.buffer).map_err(io::Error::other)?;
            if let httparse::Status::Complete(length) = status {
                let status = head.code.unwrap_or_default();
                let body = body_length(head.headers);
                let body = self.take(length, body)?;
                return Ok(Answer { status, body });
            }
            if !self.read_more()? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Takes a message out of the buffer, whose body may not have arrived in whole.
    fn take(&mut self, head: usize, body: usize) -> io::Result<Vec<u8>> {
        let whole = head.saturating_add(body);
        while self.buffer.len() < whole {
            if !self.read_more()? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let message: Vec<u8> = self.buffer.drain(..whole).collect();
        Ok(message.get(head..).unwrap_or_default().to_vec())
    }

    fn read_more(&mut self) -> io::Result<bool> {
        let mut chunk = [0; 16 * 1024];
        let read = self.stream.read(&mut chunk)?;
        self.buffer
            .extend_from_slice(chunk.get(..read).unwrap_or_default());
        Ok(read > 0)
    }
}

fn header(headers: &[httparse::Header<'_>], name: &str) -> Option<String> {
    let found = headers.iter().find(|h| h.name.eq_ignore_ascii_case(name))?;
    String::from_utf8(found.value.to_vec()).ok()
}

fn body_length(headers: &[httparse::Header<'_>]) -> usize {
    header(headers, "content-length")
        .and_then(|length| length.parse().ok())
        .unwrap_or_default()
}
