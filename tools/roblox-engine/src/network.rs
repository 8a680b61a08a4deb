//! The traffic between game servers and the API, with latency, faults and counts.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use crate::server::Server;

/// A request as it leaves Roblox.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// A response.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    pub fn new(status: u16, body: &str) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.as_bytes().to_vec(),
        }
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// What it costs to send it.
    fn size(&self) -> usize {
        let headers = self.headers.iter();
        let headers: usize = headers
            .map(|(name, value)| name.len() + value.len() + 4)
            .sum();
        self.body.len() + headers
    }
}

/// What is behind the network.
pub trait Network {
    /// Answers a request at a virtual Unix time; an error is a connection that failed.
    fn send(&self, now: Duration, request: &Request) -> Result<Response, String>;
}

/// What goes wrong with a request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Nothing listens: raises `HttpError: ConnectFail`.
    Unreachable,
    /// The request is lost: raises `HttpError: TimedOut` after the request's timeout.
    LostRequest,
    /// The API acts, and its response is lost.
    LostResponse,
    /// Something between answers instead of the API.
    Instead(Response),
    /// The response is cut in half.
    Truncated,
    /// The call takes this long.
    Slow(Duration),
}

/// A request for which a rule decides on a fault.
#[derive(Debug)]
pub struct Outgoing<'a> {
    /// The virtual time since the universe began.
    pub at: Duration,
    pub server: usize,
    pub method: &'a str,
    /// Without the query.
    pub path: &'a str,
    /// Without `?`; empty if there is none.
    pub query: &'a str,
    /// A random number in 0..1.
    pub dice: f64,
}

/// The calls of one route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests sent, with those that failed on the way.
    pub sent: u64,
    /// Requests that reached the API.
    pub reached: u64,
    /// The bytes of their bodies.
    pub bytes_in: u64,
    /// The bytes of the API's responses, with headers.
    pub bytes_out: u64,
    /// The bytes of their bodies.
    pub body_bytes_out: u64,
}

type Rule = Box<dyn Fn(&Outgoing) -> Option<Fault>>;

/// The network of a universe.
pub struct Traffic {
    network: Box<dyn Network>,
    latency: Cell<(Duration, Duration)>,
    rule: RefCell<Option<Rule>>,
    tallies: RefCell<BTreeMap<String, Tally>>,
}

impl std::fmt::Debug for Traffic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Traffic({:?})", self.tallies.borrow())
    }
}

type Deliver = Box<dyn FnOnce(&Server, Result<Response, String>)>;

impl Traffic {
    pub(crate) fn new(network: impl Network + 'static) -> Self {
        Self {
            network: Box::new(network),
            latency: Cell::new((Duration::from_millis(30), Duration::from_millis(120))),
            rule: RefCell::default(),
            tallies: RefCell::default(),
        }
    }

    /// Sets how long a call takes: between two durations.
    pub fn set_latency(&self, low: Duration, high: Duration) {
        self.latency.set((low, high));
    }

    /// Sets the rule that decides which requests fail, from now on.
    pub fn set_fault(&self, rule: impl Fn(&Outgoing) -> Option<Fault> + 'static) {
        *self.rule.borrow_mut() = Some(Box::new(rule));
    }

    /// Ends all faults.
    pub fn heal(&self) {
        *self.rule.borrow_mut() = None;
    }

    /// The calls per route, such as `POST /api/v1/is-banned`.
    pub fn tallies(&self) -> BTreeMap<String, Tally> {
        self.tallies.borrow().clone()
    }

    /// The calls of one route.
    pub fn tally(&self, route: &str) -> Tally {
        let tallies = self.tallies.borrow();
        tallies.get(route).copied().unwrap_or_default()
    }

    fn count(&self, route: &str, change: impl FnOnce(&mut Tally)) {
        let mut tallies = self.tallies.borrow_mut();
        match tallies.get_mut(route) {
            Some(tally) => change(tally),
            None => change(tallies.entry(route.to_owned()).or_default()),
        }
    }

    /// Sends a request of a server and delivers the result or, in time, a timeout.
    pub(crate) fn send(server: &Server, request: Request, timeout: Duration, deliver: Deliver) {
        let universe = server.universe();
        let traffic = universe.traffic();
        let route = route(&request);
        traffic.count(&route, |tally| tally.sent += 1);
        let fault = traffic.rule.borrow().as_ref().and_then(|rule| {
            rule(&Outgoing {
                at: universe.elapsed(),
                server: server.number(),
                method: &request.method,
                path: path(&request.url),
                query: request.url.split_once('?').map_or("", |(_, query)| query),
                dice: universe.0.random.borrow_mut().f64(),
            })
        });
        let half = match fault {
            Some(Fault::Slow(time)) => time / 2,
            _ => universe.between(traffic.latency.get()) / 2,
        };
        let once = Once(Rc::new(Cell::new(Some(deliver))));
        let late = once.clone();
        server.after(timeout, move |server| {
            late.deliver(server, Err("HttpError: TimedOut".to_owned()));
        });
        match fault {
            Some(Fault::LostRequest) => {}
            Some(Fault::Unreachable) => server.after(half, move |server| {
                once.deliver(server, Err("HttpError: ConnectFail".to_owned()));
            }),
            Some(Fault::Instead(response)) => server.after(half * 2, move |server| {
                once.deliver(server, Ok(response));
            }),
            fault => {
                let weak = server.downgrade();
                // A request on its way arrives even if the server ends.
                universe.after(half, move || {
                    if let Ok(server) = weak.upgrade() {
                        arrive(&server, &route, &request, fault.as_ref(), half, once);
                    }
                });
            }
        }
    }
}

fn arrive(
    server: &Server,
    route: &str,
    request: &Request,
    fault: Option<&Fault>,
    half: Duration,
    once: Once,
) {
    let universe = server.universe();
    let traffic = universe.traffic();
    let mut result = traffic.network.send(universe.now(), request);
    traffic.count(route, |tally| {
        tally.reached += 1;
        tally.bytes_in += request.body.len() as u64;
        if let Ok(response) = &result {
            tally.bytes_out += response.size() as u64;
            tally.body_bytes_out += response.body.len() as u64;
        }
    });
    match (fault, &mut result) {
        (Some(Fault::LostResponse), _) => return,
        (Some(Fault::Truncated), Ok(response)) => response.body.truncate(response.body.len() / 2),
        _ => {}
    }
    let result = result.map_err(|_| "HttpError: ConnectFail".to_owned());
    server.after(half, move |server| once.deliver(server, result));
}

/// Delivers the first of a response and a timeout.
#[derive(Clone)]
struct Once(Rc<Cell<Option<Deliver>>>);

impl Once {
    fn deliver(&self, server: &Server, result: Result<Response, String>) {
        if let Some(deliver) = self.0.take() {
            deliver(server, result);
        }
    }
}

fn path(url: &str) -> &str {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = after_scheme.find('/').map_or("/", |at| &after_scheme[at..]);
    path.split('?').next().unwrap_or(path)
}

/// Method and path, with `{id}` for ids.
fn route(request: &Request) -> String {
    let path = path(&request.url).split('/').map(|segment| {
        let is_id = segment.len() > 2 && segment.bytes().all(|b| b.is_ascii_digit());
        if is_id { "{id}" } else { segment }
    });
    let path: Vec<_> = path.collect();
    format!("{} {}", request.method, path.join("/"))
}
