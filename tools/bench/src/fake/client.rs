//! A database call through nothing but a socket: the least that a call can take.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use anyhow::ensure;
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use super::certificates::HOST;
use crate::harness::{Harness, Transport};

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// A connection to the fake database.
pub struct BareClient(Box<dyn Stream>);

impl BareClient {
    /// Opens a connection, including the TLS handshake.
    pub fn connect(harness: &Harness, transport: Transport) -> anyhow::Result<Self> {
        let port = harness.database(transport).port;
        if transport == Transport::Plain {
            return Self::to_port(port);
        }
        let stream = connected(port)?;
        let config = Arc::clone(&harness.certificates.client);
        let session = ClientConnection::new(config, ServerName::try_from(HOST)?)?;
        Ok(Self(Box::new(StreamOwned::new(session, stream))))
    }

    /// Opens a connection without TLS.
    pub fn to_port(port: u16) -> anyhow::Result<Self> {
        Ok(Self(Box::new(connected(port)?)))
    }

    /// Reads an item that does not exist.
    pub fn call(&mut self) -> anyhow::Result<()> {
        let body = r#"{"TableName":"none","Key":{"pk":{"S":"K#"},"sk":{"S":"K"}}}"#;
        let request = format!(
            "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-amz-json-1.0\r\n\
             x-amz-target: DynamoDB_20120810.GetItem\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.0.write_all(request.as_bytes())?;
        self.0.flush()?;
        // The answer is an error of a few hundred bytes, which the fake sends in one write.
        let read = self.0.read(&mut [0; 4096])?;
        ensure!(read > 0, "the database closed the connection");
        Ok(())
    }
}

fn connected(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
