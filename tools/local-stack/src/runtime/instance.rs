//! One instance: a process and the port of its Runtime API.

use std::{
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    process::{Child, Command},
    sync::{Notify, oneshot, watch},
    time::Instant,
};

use super::{Call, CallError, LogLine, Outcome, Pool, api};
use crate::http;

/// The place of one process. A new process takes it when the old one ends.
#[derive(Debug, Default)]
pub(super) struct Instance {
    killed: Notify,
    starts: AtomicU64,
    hand: Mutex<Hand>,
    /// The deadline of the call in progress.
    deadline: watch::Sender<Option<Instant>>,
}

#[derive(Debug, Default)]
struct Hand {
    /// The number of processes that have ended here.
    generation: u64,
    process: Option<(u32, std::time::Instant)>,
    call: Option<InHand>,
    last: Option<Timing>,
}

#[derive(Debug)]
struct InHand {
    id: String,
    reply: oneshot::Sender<Outcome>,
    asked: std::time::Instant,
    begun: std::time::Instant,
}

/// The times of one call, for measurements.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// The process was started.
    pub started: std::time::Instant,
    /// The function asked for an event.
    pub asked: std::time::Instant,
    /// It got the event.
    pub begun: std::time::Instant,
    /// Its answer had arrived.
    pub ended: std::time::Instant,
}

impl Instance {
    pub(super) fn kill(&self) {
        self.killed.notify_one();
    }

    pub(super) fn starts(&self) -> u64 {
        self.starts.load(Ordering::Relaxed)
    }

    pub(super) fn is_busy(&self) -> bool {
        self.hand.lock().call.is_some()
    }

    pub(super) fn process(&self) -> Option<u32> {
        self.hand.lock().process.map(|(id, _)| id)
    }

    pub(super) fn timing(&self) -> Option<Timing> {
        self.hand.lock().last
    }

    /// Gives a call to a process. It returns the call if the process is not the current one: a process may
    /// end a moment before its connection does.
    pub(super) fn take(
        &self,
        generation: u64,
        call: Call,
        limit: Duration,
        asked: std::time::Instant,
    ) -> Result<(), Call> {
        let mut hand = self.hand.lock();
        if hand.generation != generation {
            return Err(call);
        }
        hand.call = Some(InHand {
            id: call.id,
            reply: call.reply,
            asked,
            begun: std::time::Instant::now(),
        });
        self.deadline.send_replace(Some(Instant::now() + limit));
        Ok(())
    }

    /// Passes an answer on. False if the process does not have this call.
    pub(super) fn answer(&self, id: &str, outcome: Outcome) -> bool {
        let mut hand = self.hand.lock();
        let Some(call) = hand.call.take_if(|call| call.id == id) else {
            return false;
        };
        hand.last = hand.process.map(|(_, started)| Timing {
            started,
            asked: call.asked,
            begun: call.begun,
            ended: std::time::Instant::now(),
        });
        drop(hand);
        self.deadline.send_replace(None);
        // The caller may have stopped waiting.
        let _ = call.reply.send(outcome);
        true
    }

    /// Fails the call of a process that has ended.
    fn fail(&self, error: CallError) {
        let mut hand = self.hand.lock();
        hand.generation += 1;
        self.deadline.send_replace(None);
        if let Some(call) = hand.call.take() {
            let _ = call.reply.send(Err(error));
        }
    }

    /// Waits until the call in progress is overdue.
    async fn overdue(&self) {
        let mut deadline = self.deadline.subscribe();
        loop {
            let at = *deadline.borrow_and_update();
            let changed = deadline.changed();
            match at {
                None => drop(changed.await),
                Some(at) => tokio::select! {
                    () = tokio::time::sleep_until(at) => return,
                    _ = changed => {}
                },
            }
        }
    }
}

/// Keeps a process running in the place with this index, from the function's first call on.
pub(super) async fn supervise(pool: Arc<Pool>, index: usize) {
    let Some(instance) = pool.instances.get(index) else {
        return;
    };
    // The sender lives as long as the pool.
    let _ = pool.called.subscribe().wait_for(|called| *called).await;
    loop {
        let started = Instant::now();
        let error = match run(&pool, index, instance).await {
            Ok(error) => error,
            Err(message) => {
                pool.logs.push(LogLine {
                    instance: index,
                    is_error: true,
                    text: message.clone(),
                });
                CallError::new("Runtime.InvalidEntrypoint", message)
            }
        };
        instance.fail(error);
        // A program that fails at its start must not use up the machine.
        if started.elapsed() < Duration::from_millis(100) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Runs one process to its end, and returns the error for its call.
async fn run(pool: &Arc<Pool>, index: usize, instance: &Instance) -> Result<CallError, String> {
    // The Runtime API does not identify its caller, so each process has its own port.
    let (listener, port) = http::listen(0, "").await.map_err(|e| e.to_string())?;
    let generation = instance.hand.lock().generation;
    let _server = http::serve(listener, api::router(Arc::clone(pool), index, generation));
    let started = std::time::Instant::now();
    let mut child =
        spawn(pool, index, port).map_err(|e| format!("{}: {e}", pool.spec.binary.display()))?;
    instance.hand.lock().process = child.id().map(|id| (id, started));
    instance.starts.fetch_add(1, Ordering::Relaxed);

    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let logging = Arc::clone(pool);
    let output = tokio::spawn(async move {
        tokio::join!(
            logging.logs.copy(stdout, index, false),
            logging.logs.copy(stderr, index, true),
        )
    });
    let error = end(pool, instance, &mut child).await;
    // It may have ended already.
    let _ = child.kill().await;
    // Its last lines belong before the error they explain.
    let _ = tokio::time::timeout(Duration::from_millis(100), output).await;
    Ok(error)
}

/// Waits until the process ends or must end.
async fn end(pool: &Pool, instance: &Instance, child: &mut Child) -> CallError {
    tokio::select! {
        status = child.wait() => {
            let how = status.map_or_else(|e| e.to_string(), |s| s.to_string());
            CallError::new("Runtime.ExitError", format!("Runtime exited: {how}"))
        }
        () = instance.killed.notified() => {
            CallError::new("Runtime.ExitError", "Runtime exited: it was killed")
        }
        () = instance.overdue() => {
            let seconds = pool.timeout.lock().as_secs_f32();
            let message = format!("Task timed out after {seconds:.2} seconds");
            CallError::new("Sandbox.Timedout", message)
        }
    }
}

fn spawn(pool: &Pool, index: usize, port: u16) -> std::io::Result<Child> {
    let spec = &pool.spec;
    Command::new(&spec.binary)
        // No function sees the developer's own account or settings.
        .env_clear()
        .envs(&spec.environment)
        .envs(spec.of_instances.get(index).into_iter().flatten())
        .env("AWS_LAMBDA_RUNTIME_API", format!("127.0.0.1:{port}"))
        .env("AWS_LAMBDA_FUNCTION_NAME", &spec.name)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", spec.memory.to_string())
        .env(
            "AWS_LAMBDA_LOG_GROUP_NAME",
            format!("/aws/lambda/{}", spec.name),
        )
        .env("AWS_LAMBDA_LOG_STREAM_NAME", format!("local/{index}"))
        .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
        .env("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023")
        .env("_HANDLER", "bootstrap")
        .env("TZ", ":UTC")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
}
