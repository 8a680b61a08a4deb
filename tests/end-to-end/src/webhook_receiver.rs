//! A webhook endpoint with scripted behaviour, including malicious behaviour.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;
use local_stack::fake_server::FakeServer;
pub use local_stack::fake_server::Reply;
use serde_json::Value;
use shared::domain::webhooks::SigningSecret;
use standardwebhooks::Webhook;

/// A request that arrived.
#[derive(Clone, Debug)]
pub struct Received {
    pub headers: HeaderMap,
    pub body: Bytes,
    /// When it had been read completely.
    pub at: Instant,
}

impl Received {
    /// A header that must be present.
    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    /// The event id, by which receivers recognise repeats.
    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }

    /// The body, which must be JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Whether the signature verifies with this secret.
    pub fn is_signed_by(&self, secret: &SigningSecret) -> bool {
        let receiver = Webhook::new(secret.reveal()).unwrap();
        receiver.verify(&self.body, &self.headers).is_ok()
    }
}

/// Decides the response to the n-th request, counted from 0.
type Behaviour = Box<dyn Fn(&Received, usize) -> Reply + Send>;

/// A running endpoint. It ends with the process.
pub struct WebhookReceiver {
    server: FakeServer,
    state: Arc<Mutex<(Vec<Received>, Behaviour)>>,
}

impl fmt::Debug for WebhookReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookReceiver({})", self.url())
    }
}

impl WebhookReceiver {
    /// An endpoint that accepts everything.
    pub fn start() -> Self {
        Self::that(|_, _| Reply::Status(200, "ok"))
    }

    /// An endpoint that responds to the n-th request, counted from 0, like this.
    pub fn that(behaviour: impl Fn(&Received, usize) -> Reply + Send + 'static) -> Self {
        let state: Arc<Mutex<(Vec<Received>, Behaviour)>> =
            Arc::new(Mutex::new((Vec::new(), Box::new(behaviour))));
        let receiving = Arc::clone(&state);
        let server = FakeServer::start(0, "PORT", move |request| {
            let line = format!("{} {}", request.method, request.path);
            assert!(line.starts_with("POST /hook"), "{line}");
            let one = Received {
                headers: request.headers,
                body: request.body,
                at: Instant::now(),
            };
            let (received, behaviour) = &mut *receiving.lock().unwrap();
            let reply = behaviour(&one, received.len());
            received.push(one);
            reply
        });
        Self {
            server: server.unwrap(),
            state,
        }
    }

    /// Changes the behaviour from now on.
    pub fn now(&self, behaviour: impl Fn(&Received, usize) -> Reply + Send + 'static) {
        self.state.lock().unwrap().1 = Box::new(behaviour);
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.server.address())
    }

    /// Its port on this machine.
    pub fn port(&self) -> u16 {
        self.server.address().port()
    }

    /// The requests so far, in order.
    pub fn received(&self) -> Vec<Received> {
        self.state.lock().unwrap().0.clone()
    }

    /// The event ids of the requests so far.
    pub fn ids(&self) -> Vec<String> {
        let received = self.received();
        received.iter().map(|one| one.id().to_owned()).collect()
    }
}
