//! An endpoint as a studio might run it, or as somebody might who means no good.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderName};
use serde_json::Value;
use shared::domain::webhooks::SigningSecret;
use standardwebhooks::Webhook;

/// A request that arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
    /// When it had been read.
    pub at: Instant,
}

impl Received {
    /// A header that must be there.
    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    /// By what a receiver tells a repetition.
    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }

    /// The body, which must be JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Whether a receiver that holds this secret takes it for genuine.
    pub fn is_signed_by(&self, secret: &SigningSecret) -> bool {
        let receiver = Webhook::new(secret.reveal()).unwrap();
        receiver.verify(&self.body, &self.headers).is_ok()
    }
}

/// What an endpoint does with a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Answers with this status and body.
    Status(u16, &'static str),
    /// Answers with this status and a header more.
    With(u16, String),
    /// Takes its time, then answers 200.
    After(Duration),
    /// Closes the connection without a word.
    Drop,
    /// Sends these bytes.
    Raw(&'static [u8]),
    /// Sends a body that has no end.
    Endless,
}

/// What is done with a request, the so-manieth from 0.
type Behaviour = Box<dyn Fn(&Received, usize) -> Reply + Send>;

/// A running endpoint. It ends with the process.
pub struct Hook {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    behaviour: Arc<Mutex<Behaviour>>,
}

impl std::fmt::Debug for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Hook({})", self.url())
    }
}

impl Hook {
    /// One that takes everything.
    pub fn start() -> Self {
        Self::that(|_, _| Reply::Status(200, "ok"))
    }

    /// One that does this with a request, the so-manieth from 0.
    pub fn that(behaviour: impl Fn(&Received, usize) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let hook = Self {
            address: listener.local_addr().unwrap(),
            received: Arc::default(),
            behaviour: Arc::new(Mutex::new(Box::new(behaviour))),
        };
        let (received, behaviour) = (Arc::clone(&hook.received), Arc::clone(&hook.behaviour));
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (received, behaviour) = (Arc::clone(&received), Arc::clone(&behaviour));
                std::thread::spawn(move || serve(&connection, &received, &behaviour));
            }
        });
        hook
    }

    /// From now on it does this.
    pub fn now(&self, behaviour: impl Fn(&Received, usize) -> Reply + Send + 'static) {
        *self.behaviour.lock().unwrap() = Box::new(behaviour);
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Its port on this machine.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What has arrived, in its order.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// The ids of what has arrived.
    pub fn ids(&self) -> Vec<String> {
        let received = self.received();
        received.iter().map(|one| one.id().to_owned()).collect()
    }
}

fn serve(
    connection: &TcpStream,
    received: &Mutex<Vec<Received>>,
    behaviour: &Mutex<Behaviour>,
) -> Option<()> {
    let mut reader = BufReader::new(connection);
    loop {
        let one = read(&mut reader)?;
        let reply = {
            let mut received = received.lock().unwrap();
            let reply = behaviour.lock().unwrap()(&one, received.len());
            received.push(one);
            reply
        };
        let mut writer = connection;
        match reply {
            Reply::Status(status, body) => answer(writer, status, "", body)?,
            Reply::With(status, header) => answer(writer, status, &header, "")?,
            Reply::After(time) => {
                std::thread::sleep(time);
                answer(writer, 200, "", "late")?;
            }
            Reply::Drop => return None,
            Reply::Raw(bytes) => {
                writer.write_all(bytes).ok()?;
                return None;
            }
            Reply::Endless => {
                writer.write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok()?;
                loop {
                    writer.write_all(&[b'x'; 8192]).ok()?;
                }
            }
        }
    }
}

fn answer(mut writer: &TcpStream, status: u16, header: &str, body: &str) -> Option<()> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\n{header}\r\n");
    writer.write_all(format!("{head}{body}").as_bytes()).ok()
}

fn read(reader: &mut BufReader<&TcpStream>) -> Option<Received> {
    let mut line = String::new();
    (reader.read_line(&mut line).ok()? > 0).then_some(())?;
    assert!(line.starts_with("POST /hook"), "{line}");
    let mut headers = HeaderMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    let length = headers.get("content-length")?.to_str().ok()?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Received {
        headers,
        body,
        at: Instant::now(),
    })
}
