//! A database call by nothing but a socket: the least that one can take.

use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use super::certificates::HOST;
use super::connection::Connection;
use crate::stage::{Stage, Transport};

/// A connection to the database.
pub struct Caller(Connection);

impl Caller {
    /// Opens one, with a handshake if there is one.
    pub fn connect(stage: &Stage, transport: Transport) -> anyhow::Result<Self> {
        let address = format!("127.0.0.1:{}", stage.database(transport).port);
        if transport == Transport::Plain {
            return Ok(Self(Connection::open(&address)?));
        }
        let stream = TcpStream::connect(&address)?;
        stream.set_nodelay(true)?;
        let config = Arc::clone(&stage.certificates.client);
        let session = ClientConnection::new(config, ServerName::try_from(HOST)?)?;
        Ok(Self(Connection::new(StreamOwned::new(session, stream))))
    }

    /// Asks for an item that does not exist.
    pub fn call(&mut self) -> anyhow::Result<()> {
        let body = br#"{"TableName":"none","Key":{"pk":{"S":"K#"},"sk":{"S":"K"}}}"#;
        let head = "POST / HTTP/1.1\r\nhost: localhost\r\n\
                    content-type: application/x-amz-json-1.0\r\n\
                    x-amz-target: DynamoDB_20120810.GetItem\r\n";
        self.0.call(head, body)?;
        Ok(())
    }
}
