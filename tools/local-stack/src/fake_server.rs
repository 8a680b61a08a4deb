//! An HTTP/1.1 server that misbehaves on request, down to the bytes on the connection.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

use bytes::Bytes;
use hyper::{HeaderMap, header::HeaderName};

use crate::{Error, Result, http};

/// A request that arrived in full.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// What the server does with a request.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Answers with a status and a body.
    Status(u16, &'static str),
    /// Answers with a status and a body of this content type.
    Body(u16, &'static str, Bytes),
    /// Answers with a status and header lines, each with its line break.
    With(u16, String),
    /// Waits, then answers 200.
    After(Duration),
    /// Never answers.
    Hang,
    /// Closes the connection without an answer.
    Drop,
    /// Sends these bytes and closes the connection.
    Raw(&'static [u8]),
    /// Sends a body that does not end.
    Endless,
}

/// A running server. Its threads live as long as the process.
#[derive(Debug)]
pub struct FakeServer {
    address: SocketAddr,
}

impl FakeServer {
    /// Starts a server on a port (0: any free one; `setting` names the variable that sets it), with one
    /// thread for each connection.
    pub fn start(
        port: u16,
        setting: &'static str,
        respond: impl Fn(Request) -> Reply + Send + Sync + 'static,
    ) -> Result<Self> {
        Self::start_with(port, setting, Ok, respond)
    }

    /// Like [`Self::start`], with something between the socket and HTTP, such as TLS.
    pub fn start_with<S: Read + Write>(
        port: u16,
        setting: &'static str,
        accept: impl Fn(TcpStream) -> io::Result<S> + Send + Sync + 'static,
        respond: impl Fn(Request) -> Reply + Send + Sync + 'static,
    ) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        let listener = listener.map_err(|e| http::bind_error(e, port, setting))?;
        let address = listener.local_addr();
        let address = address.map_err(Error::network("reading a listener's address"))?;
        let server = Arc::new((accept, respond));
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let server = Arc::clone(&server);
                thread::spawn(move || {
                    socket.set_nodelay(true).ok()?;
                    serve((server.0)(socket).ok()?, &server.1)
                });
            }
        });
        Ok(Self { address })
    }
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Serves a connection until a side closes it, which is `None`.
fn serve(connection: impl Read + Write, respond: &impl Fn(Request) -> Reply) -> Option<()> {
    let mut connection = BufReader::new(connection);
    loop {
        match respond(read(&mut connection)?) {
            Reply::Status(status, body) => answer(&mut connection, status, "", body.as_bytes())?,
            Reply::Body(status, kind, body) => {
                let kind = format!("content-type: {kind}\r\n");
                answer(&mut connection, status, &kind, &body)?;
            }
            Reply::With(status, headers) => answer(&mut connection, status, &headers, b"")?,
            Reply::After(time) => {
                thread::sleep(time);
                answer(&mut connection, 200, "", b"late")?;
            }
            Reply::Hang => {
                // Ends when the client gives up.
                let _ = connection.read_to_end(&mut Vec::new());
                return None;
            }
            Reply::Drop => return None,
            Reply::Raw(bytes) => {
                connection.get_mut().write_all(bytes).ok()?;
                return None;
            }
            Reply::Endless => {
                let connection = connection.get_mut();
                connection.write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok()?;
                loop {
                    connection.write_all(&[b'x'; 8192]).ok()?;
                }
            }
        }
    }
}

fn answer(
    connection: &mut BufReader<impl Read + Write>,
    status: u16,
    headers: &str,
    body: &[u8],
) -> Option<()> {
    // A 204 has no body and so no length.
    let length = match status {
        204 => String::new(),
        _ => format!("content-length: {}\r\n", body.len()),
    };
    let mut answer = format!("HTTP/1.1 {status} x\r\n{length}{headers}\r\n").into_bytes();
    answer.extend_from_slice(body);
    // One write, so that a short answer is one packet.
    connection.get_mut().write_all(&answer).ok()?;
    connection.get_mut().flush().ok()
}

fn read(connection: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    connection.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut headers = HeaderMap::new();
    loop {
        line.clear();
        connection.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        let name: HeaderName = name.parse().ok()?;
        headers.append(name, value.trim().parse().ok()?);
    }
    let length = headers.get("content-length");
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    connection.read_exact(&mut body).ok()?;
    Some(Request {
        method,
        path,
        headers,
        body: Bytes::from(body),
    })
}
