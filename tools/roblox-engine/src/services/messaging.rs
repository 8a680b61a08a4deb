//! `MessagingService`: messages to all servers, which arrive late, twice or never.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use mlua::{Function, Result, Value};
use serde_json::Value as Json;

use crate::bridge::{raise, yielding};
use crate::budget::Window;
use crate::json;
use crate::object::{Instance, This};
use crate::server::{Server, WeakServer};
use crate::universe::Universe;
use crate::values::signal::{Connection, Signal};

const LATENCY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(200));
const LONGEST_MESSAGE: usize = 1024;
const LONGEST_TOPIC: usize = 80;
const SUBSCRIBE_CALLS: u64 = 240;

struct Subscription {
    server: WeakServer,
    topic: String,
    signal: Signal,
}

/// The messages of a universe.
pub struct Messaging {
    subscriptions: RefCell<Vec<Subscription>>,
    delay: Cell<(Duration, Duration)>,
    loss: Cell<f64>,
    duplication: Cell<f64>,
    broken: Cell<bool>,
    received: RefCell<BTreeMap<String, Window>>,
    dropped: Cell<u64>,
    delivered: Cell<u64>,
}

impl Default for Messaging {
    fn default() -> Self {
        Self {
            subscriptions: RefCell::default(),
            delay: Cell::new((Duration::from_millis(500), Duration::from_secs(2))),
            loss: Cell::new(0.0),
            duplication: Cell::new(0.0),
            broken: Cell::new(false),
            received: RefCell::default(),
            dropped: Cell::new(0),
            delivered: Cell::new(0),
        }
    }
}

impl std::fmt::Debug for Messaging {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Messaging({} delivered)", self.delivered.get())
    }
}

impl Messaging {
    /// Sets how long messages take.
    pub fn set_delay(&self, low: Duration, high: Duration) {
        self.delay.set((low, high));
    }

    /// Sets the share of messages that are lost, and that arrive twice.
    pub fn set_unreliable(&self, loss: f64, duplication: f64) {
        self.loss.set(loss);
        self.duplication.set(duplication);
    }

    /// Lets every call of the service raise.
    pub fn set_broken(&self, broken: bool) {
        self.broken.set(broken);
    }

    /// Messages that were dropped because a limit was reached.
    pub fn dropped(&self) -> u64 {
        self.dropped.get()
    }

    /// Messages that servers received.
    pub fn delivered(&self) -> u64 {
        self.delivered.get()
    }

    pub(crate) fn publish(universe: &Universe, topic: &str, message: Json) {
        let messaging = universe.messaging();
        let sent = universe.now().as_secs();
        let servers = universe.alive().len() as u64;
        let subscriptions = messaging.subscriptions.borrow();
        for subscription in subscriptions.iter().filter(|s| s.topic == topic) {
            let copies = u32::from(!universe.chance(messaging.loss.get()))
                + u32::from(universe.chance(messaging.duplication.get()));
            let Ok(server) = subscription.server.upgrade() else {
                continue;
            };
            for _ in 0..copies {
                let mut received = messaging.received.borrow_mut();
                let window = received.entry(topic.to_owned()).or_default();
                if !window.take(universe.elapsed(), 1, 40 + 80 * servers) {
                    messaging.dropped.set(messaging.dropped.get() + 1);
                    continue;
                }
                let (signal, message) = (subscription.signal.clone(), message.clone());
                let delay = universe.between(messaging.delay.get());
                server.after(delay, move |server| {
                    receive(server, &signal, &message, sent)
                });
            }
        }
    }
}

fn receive(server: &Server, signal: &Signal, message: &Json, sent: u64) {
    let universe = server.universe();
    let delivered = &universe.messaging().delivered;
    delivered.set(delivered.get() + 1);
    let lua = server.lua();
    let received = lua.create_table().and_then(|table| {
        table.set("Data", json::to_lua(lua, message)?)?;
        table.set("Sent", sent)?;
        signal.fire(server, table)
    });
    if let Err(error) = received {
        server.record_error(&error);
    }
}

pub(crate) fn service(server: &Server) -> Result<Instance> {
    let members = super::service(server, "MessagingService")?;
    let publish = yielding(
        server,
        |server, _, (_, topic, message): (This, Value, Value), waiter| {
            let topic = checked_topic(&topic)?;
            let message = json::from_lua(&message)?;
            let length = message
                .as_str()
                .map_or_else(|| message.to_string().len(), str::len);
            if length > LONGEST_MESSAGE {
                return raise("the message exceeds 1 kB");
            }
            let universe = server.universe();
            waiter.after(universe.between(LATENCY), move |server, _| {
                usable(server)?;
                let universe = server.universe();
                let limit = 600 + 240 * server.players().len() as u64;
                if !server.0.messages_sent.take(universe.elapsed(), 1, limit) {
                    return raise("PublishAsync: too many requests");
                }
                Messaging::publish(&universe, &topic, message);
                Ok(())
            });
            Ok(())
        },
    )?;
    members.table.set("PublishAsync", publish)?;
    let subscribe = yielding(
        server,
        |server, _, (_, topic, handler): (This, Value, Function), waiter| {
            let topic = checked_topic(&topic)?;
            let latency = server.universe().between(LATENCY);
            waiter.after(latency, move |server, _| subscribe(server, topic, handler));
            Ok(())
        },
    )?;
    members.table.set("SubscribeAsync", subscribe)?;
    Ok(Instance(members))
}

fn subscribe(server: &Server, topic: String, handler: Function) -> Result<Connection> {
    usable(server)?;
    let universe = server.universe();
    let now = universe.elapsed();
    let mut subscriptions = universe.messaging().subscriptions.borrow_mut();
    subscriptions.retain(|s| s.server.upgrade().is_ok_and(|server| server.is_alive()));
    let own = subscriptions.iter().filter(|s| {
        let server_of = s.server.upgrade();
        server_of.is_ok_and(|other| other.number() == server.number())
    });
    let limit = 20 + 8 * server.players().len();
    if own.count() >= limit || !server.0.subscribed.take(now, 1, SUBSCRIBE_CALLS) {
        return raise("SubscribeAsync: too many subscriptions");
    }
    let signal = Signal::default();
    let connection = signal.connect(handler, false);
    subscriptions.push(Subscription {
        server: server.downgrade(),
        topic,
        signal,
    });
    Ok(connection)
}

fn usable(server: &Server) -> Result<()> {
    if server.is_studio() {
        return raise("MessagingService is not available in Studio");
    }
    if server.universe().messaging().broken.get() {
        return raise("MessagingService: request failed");
    }
    Ok(())
}

fn checked_topic(topic: &Value) -> Result<String> {
    let Value::String(topic) = topic else {
        return raise("the topic must be a string");
    };
    let topic = topic.to_str()?.to_owned();
    if topic.is_empty() || topic.len() > LONGEST_TOPIC {
        return raise("the topic must have 1 to 80 characters");
    }
    Ok(topic)
}
