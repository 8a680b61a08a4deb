//! The Runtime API of one process.

use std::collections::VecDeque;
use std::io;
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;

use super::connection::Connection;

/// How long a function may take before the measurement is given up.
const PATIENCE: Duration = Duration::from_mins(1);

/// A Runtime API that hands its events to whoever asks. Each process gets one of its own: a request
/// that a killed process left behind would take the event of the next.
pub struct RuntimeApi {
    /// Host and port.
    pub address: String,
    done: Receiver<Invocation>,
}

/// One event's way through the function.
#[derive(Debug)]
pub struct Invocation {
    /// When the function asked for the event, which it does as soon as it is ready.
    pub asked: Instant,
    /// When it was given the event.
    pub begun: Instant,
    /// When its answer was there.
    pub ended: Instant,
    /// The answer; an error that it reported is one that the measurement ends with.
    pub answer: Vec<u8>,
    /// Whether it reported an error instead.
    pub failed: bool,
}

impl RuntimeApi {
    /// Starts one with these events.
    pub fn start(events: impl IntoIterator<Item = Vec<u8>>) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let (sender, done) = channel();
        let events = Arc::new(Mutex::new(events.into_iter().collect::<VecDeque<_>>()));
        let begun = Arc::new(Mutex::new(None));
        thread::spawn(move || {
            // Ends with the process that the measurement is.
            while let Ok((stream, _)) = listener.accept() {
                let _ = stream.set_nodelay(true);
                let (events, begun) = (Arc::clone(&events), Arc::clone(&begun));
                let sender = sender.clone();
                thread::spawn(move || serve(Connection::new(stream), &events, &begun, &sender));
            }
        });
        Ok(Self { address, done })
    }

    /// Waits until the function has answered the next event.
    pub fn wait(&self) -> anyhow::Result<Invocation> {
        let done = self.done.recv_timeout(PATIENCE);
        let done = done.context("the function does not answer")?;
        anyhow::ensure!(
            !done.failed,
            "the function failed: {}",
            String::from_utf8_lossy(&done.answer)
        );
        Ok(done)
    }
}

fn serve(
    mut connection: Connection,
    events: &Mutex<VecDeque<Vec<u8>>>,
    begun: &Mutex<Option<(Instant, Instant)>>,
    done: &Sender<Invocation>,
) {
    while let Ok(Some(request)) = connection.receive() {
        let now = Instant::now();
        let answered = if request.path.ends_with("/next") {
            let event = lock(events).pop_front();
            let Some(event) = event else {
                // Nothing more to do: an environment that waits until it is ended.
                thread::park();
                return;
            };
            *lock(begun) = Some((now, Instant::now()));
            connection.send(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                 lambda-runtime-aws-request-id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n\
                 lambda-runtime-deadline-ms: 9999999999999\r\n\
                 lambda-runtime-invoked-function-arn: arn:aws:lambda:us-east-1:0:function:f\r\n",
                &event,
            )
        } else {
            let failed = request.path.ends_with("/error");
            if let Some((asked, begun)) = lock(begun).take() {
                // Nobody listens once the measurement is over.
                let _ = done.send(Invocation {
                    asked,
                    begun,
                    ended: now,
                    answer: request.body,
                    failed,
                });
            }
            connection.send("HTTP/1.1 202 Accepted\r\n", b"{}")
        };
        if answered.is_err() {
            return;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
