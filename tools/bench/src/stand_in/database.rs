//! A database that answers at once: it hands a call on to the embedded engine, and what it has been
//! asked before it answers from memory, so that a figure holds the function's time and not the
//! engine's. It notes when each call was under way.

use std::collections::HashMap;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::connection::{Answer, Connection, Request};
use crate::process::{self, Process};

/// A running one; it ends with the process that the measurement is.
#[derive(Clone)]
pub struct DatabaseStandIn {
    /// Its port on this machine.
    pub port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    engine: String,
    remembers: Mutex<bool>,
    answers: Mutex<HashMap<(String, Vec<u8>), Answer>>,
    calls: Mutex<Vec<Span>>,
    watched: Mutex<Watched>,
}

/// A process whose first call is waited for.
#[derive(Default)]
enum Watched {
    #[default]
    Nobody,
    Waiting(u32),
    Seen(Duration),
}

impl DatabaseStandIn {
    /// Starts one in front of an engine, with or without TLS.
    pub fn start(engine: &str, tls: Option<Arc<ServerConfig>>) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let state = Arc::new(State {
            engine: engine.trim_start_matches("http://").to_owned(),
            ..State::default()
        });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let (state, tls) = (Arc::clone(&shared), tls.clone());
                thread::spawn(move || {
                    // A function that is killed leaves its connections as they are.
                    let _ = accept(stream, tls).and_then(|connection| serve(connection, &state));
                });
            }
        });
        Ok(Self { port, state })
    }

    /// From now on a read that was asked before is answered from memory.
    pub fn remember(&self) {
        *lock(&self.state.remembers) = true;
    }

    /// From its next call on, [`Self::computed`] tells of this process.
    pub fn watch(&self, process: &Process) {
        *lock(&self.state.watched) = Watched::Waiting(process.id());
    }

    /// What the watched process had computed when its first call was answered.
    pub fn computed(&self) -> Option<Duration> {
        match *lock(&self.state.watched) {
            Watched::Seen(computed) => Some(computed),
            Watched::Nobody | Watched::Waiting(_) => None,
        }
    }

    /// When each call was under way, since the last time this was asked.
    pub fn take_calls(&self) -> Vec<Span> {
        let mut spans = std::mem::take(&mut *lock(&self.state.calls));
        spans.sort_unstable();
        spans
    }
}

/// From when to when.
pub type Span = (Instant, Instant);

/// How many of these calls, in the order of their beginnings, fell into a while, and for how long
/// at least one was under way.
pub fn under_way(calls: &[Span], (from, to): Span) -> (usize, Duration) {
    let mut count = 0;
    let mut busy = Duration::ZERO;
    let mut until = from;
    for &(begun, ended) in calls {
        if (from..to).contains(&begun) {
            count += 1;
            busy += ended.saturating_duration_since(begun.max(until));
            until = until.max(ended);
        }
    }
    (count, busy)
}

fn accept(stream: TcpStream, tls: Option<Arc<ServerConfig>>) -> io::Result<Connection> {
    stream.set_nodelay(true)?;
    let Some(config) = tls else {
        return Ok(Connection::new(stream));
    };
    let session = ServerConnection::new(config).map_err(io::Error::other)?;
    Ok(Connection::new(StreamOwned::new(session, stream)))
}

fn serve(mut connection: Connection, state: &State) -> io::Result<()> {
    let mut engine = None;
    while let Some(request) = connection.receive()? {
        let begun = Instant::now();
        let answer = state.answer(request, &mut engine)?;
        let status = answer.status;
        let head = format!("HTTP/1.1 {status} \r\ncontent-type: application/x-amz-json-1.0\r\n");
        state.note(begun);
        connection.send(&head, &answer.body)?;
    }
    Ok(())
}

impl State {
    fn note(&self, begun: Instant) {
        lock(&self.calls).push((begun, Instant::now()));
        let mut watched = lock(&self.watched);
        // It waits for this answer and computes nothing meanwhile.
        if let Watched::Waiting(process) = *watched
            && let Ok(computed) = process::computed(process)
        {
            *watched = Watched::Seen(computed);
        }
    }

    fn answer(&self, request: Request, engine: &mut Option<Connection>) -> io::Result<Answer> {
        let target = request.target.unwrap_or_default();
        let is_read = ["GetItem", "Query"].iter().any(|op| target.ends_with(op));
        let remembers = is_read && *lock(&self.remembers);
        let asked = (target, request.body);
        if remembers && let Some(answer) = lock(&self.answers).get(&asked) {
            return Ok(answer.clone());
        }
        let connection = match engine {
            Some(connection) => connection,
            None => engine.insert(Connection::open(&self.engine)?),
        };
        let head = format!(
            "POST / HTTP/1.1\r\nhost: {}\r\ncontent-type: application/x-amz-json-1.0\r\n\
             x-amz-target: {}\r\nauthorization: AWS4-HMAC-SHA256 \
             Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, \
             Signature=0\r\nx-amz-date: 20260101T000000Z\r\n",
            self.engine, asked.0
        );
        let answer = connection.call(&head, &asked.1)?;
        if remembers {
            lock(&self.answers).insert(asked, answer.clone());
        }
        Ok(answer)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_side_by_side_count_twice_and_their_time_once() {
        let zero = Instant::now();
        let at = |millis| zero + Duration::from_millis(millis);
        let calls = [
            (at(1), at(3)),
            (at(2), at(5)),
            (at(7), at(8)),
            (at(20), at(30)),
        ];
        let seen = under_way(&calls, (at(0), at(10)));
        assert_eq!(seen, (3, Duration::from_millis(5)));
    }
}
