//! One instance: a process, the port it polls, and what becomes of both.

use std::{
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    process::{Child, Command},
    sync::{Notify, oneshot, watch},
    time::Instant,
};

use super::{Call, CallError, LogLine, Outcome, Pool, api};
use crate::{http, lock::lock};

/// The place of one process, whichever runs in it.
#[derive(Debug, Default)]
pub(super) struct Instance {
    killed: Notify,
    starts: AtomicU64,
    hand: Mutex<Hand>,
    /// When the call in hand must be answered.
    deadline: watch::Sender<Option<Instant>>,
}

#[derive(Debug, Default)]
struct Hand {
    /// Which of the processes that ran here is the present one.
    generation: u64,
    call: Option<(String, oneshot::Sender<Outcome>)>,
}

impl Instance {
    pub(super) fn kill(&self) {
        self.killed.notify_one();
    }

    pub(super) fn starts(&self) -> u64 {
        self.starts.load(Ordering::Relaxed)
    }

    pub(super) fn is_busy(&self) -> bool {
        lock(&self.hand).call.is_some()
    }

    /// A process takes a call. It gets it back if it is not the present one: a process may be gone
    /// a moment before its connection is.
    pub(super) fn take(&self, generation: u64, call: Call, limit: Duration) -> Result<(), Call> {
        let mut hand = lock(&self.hand);
        if hand.generation != generation {
            return Err(call);
        }
        hand.call = Some((call.id, call.reply));
        self.deadline.send_replace(Some(Instant::now() + limit));
        Ok(())
    }

    /// The process has answered a call; false if that is not the one it has.
    pub(super) fn answer(&self, id: &str, outcome: Outcome) -> bool {
        let Some((_, reply)) = lock(&self.hand).call.take_if(|(own, _)| own == id) else {
            return false;
        };
        self.deadline.send_replace(None);
        // Nobody has to wait for the answer.
        let _ = reply.send(outcome);
        true
    }

    /// The process is gone, and with it the call it had.
    fn fail(&self, error: CallError) {
        let mut hand = lock(&self.hand);
        hand.generation += 1;
        self.deadline.send_replace(None);
        if let Some((_, reply)) = hand.call.take() {
            let _ = reply.send(Err(error));
        }
    }

    /// Waits until the call in hand is overdue.
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

/// Keeps a process running in the place with that index, from the function's first call on.
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
        // A program that cannot start must not take the machine with it.
        if started.elapsed() < Duration::from_millis(100) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Runs one process to its end and tells how that came.
async fn run(pool: &Arc<Pool>, index: usize, instance: &Instance) -> Result<CallError, String> {
    // The Runtime API has no name for its caller, so each process has a port of its own.
    let (listener, port) = http::listen(0, "").await.map_err(|e| e.to_string())?;
    let generation = lock(&instance.hand).generation;
    let _server = http::serve(listener, api::router(Arc::clone(pool), index, generation));
    let mut child =
        spawn(pool, index, port).map_err(|e| format!("{}: {e}", pool.spec.binary.display()))?;
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
    // It may have ended by itself.
    let _ = child.kill().await;
    // Its last words belong before the error they explain.
    let _ = tokio::time::timeout(Duration::from_millis(100), output).await;
    Ok(error)
}

/// Waits for whatever ends a process first.
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
            let seconds = lock(&pool.timeout).as_secs_f32();
            let message = format!("Task timed out after {seconds:.2} seconds");
            CallError::new("Sandbox.Timedout", message)
        }
    }
}

fn spawn(pool: &Pool, index: usize, port: u16) -> std::io::Result<Child> {
    let spec = &pool.spec;
    Command::new(&spec.binary)
        // Nothing of the developer's own account or settings reaches a function.
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
