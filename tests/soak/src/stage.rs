//! The running product with a recorder in front of it: every call goes through here.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use end_to_end::requests::{ban_call, unban_call};
use end_to_end::{Answer, Call as Request, TestApp, Workspace, contract};
use serde_json::{Value, json};

use crate::history::{Call, CursorList, Millis, Outcome, TURNED_AWAY, What};

/// How long a caller waits at most. The gateway answers within 30 s.
const PATIENCE: Duration = Duration::from_secs(35);

/// Where the actors act.
#[derive(Debug)]
pub struct Stage<'a> {
    /// The product.
    pub app: &'a TestApp,
    /// Its workspaces.
    pub workspaces: Vec<Workspace<'a>>,
    calls: Mutex<Vec<Call>>,
    began: Instant,
    began_at: Millis,
    closes: Instant,
}

/// How a call is made.
#[derive(Clone, Debug, Default)]
pub struct Manner {
    /// The `Idempotency-Key`.
    pub key: Option<String>,
    /// After how long the caller turns away, whatever becomes of the call.
    pub gives_up: Option<Duration>,
    /// Whether it comes from a game server.
    pub from_roblox: bool,
}

impl<'a> Stage<'a> {
    /// Opens the stage for some time.
    pub fn open(app: &'a TestApp, workspaces: Vec<Workspace<'a>>, time: Duration) -> Self {
        let began = Instant::now();
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let began_at = since.unwrap_or_default().as_millis();
        Self {
            app,
            workspaces,
            calls: Mutex::default(),
            began,
            began_at: u64::try_from(began_at).unwrap_or_default(),
            closes: began + time,
        }
    }

    /// Now.
    pub fn now(&self) -> Millis {
        self.began_at + u64::try_from(self.began.elapsed().as_millis()).unwrap_or_default()
    }

    /// How long it has been open.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Whether the time is over.
    pub fn is_closed(&self) -> bool {
        Instant::now() >= self.closes
    }

    /// How long it stays open.
    pub fn left(&self) -> Duration {
        self.closes.saturating_duration_since(Instant::now())
    }

    /// All calls so far.
    pub fn calls(&self) -> Vec<Call> {
        self.lock().clone()
    }

    /// Makes a call and records it.
    pub async fn call(&self, workspace: usize, actor: &str, what: What, manner: Manner) -> Outcome {
        let started = self.now();
        let request = self.request(workspace, &what, &manner, None);
        let patience = manner.gives_up.unwrap_or(PATIENCE);
        let sending = async {
            match what {
                What::Bans => self.pages(workspace, &request, &what, &manner).await,
                _ => self.send(&request).await,
            }
        };
        let (outcome, undocumented) = match tokio::time::timeout(patience, sending).await {
            Ok(sent) => sent,
            Err(_) => (
                Outcome::Lost(format!("{TURNED_AWAY} after {patience:?}")),
                Vec::new(),
            ),
        };
        let call = Call {
            workspace,
            actor: actor.to_owned(),
            what,
            key: manner.key,
            started,
            ended: self.now(),
            outcome: outcome.clone(),
            undocumented,
        };
        self.lock().push(call);
        outcome
    }

    async fn send(&self, request: &Request) -> (Outcome, Vec<String>) {
        match self.app.try_send(request).await {
            Err(error) => (Outcome::Lost(error), Vec::new()),
            Ok(answer) => {
                let body = body(&answer);
                let is_gateways = answer.status >= 500 && body.get("code").is_none();
                let undocumented = if is_gateways {
                    Vec::new()
                } else {
                    contract().problems(request.method(), request.path(), &answer)
                };
                let outcome = Outcome::Answered {
                    status: answer.status,
                    body,
                    request: answer.header("x-request-id").map(str::to_owned),
                };
                (outcome, undocumented)
            }
        }
    }

    /// All pages of a list as one answer, or the first page that is not 200.
    async fn pages(
        &self,
        workspace: usize,
        first: &Request,
        what: &What,
        manner: &Manner,
    ) -> (Outcome, Vec<String>) {
        let (mut list, mut wrong) = (Vec::new(), Vec::new());
        let mut request = first.clone();
        loop {
            let (outcome, undocumented) = self.send(&request).await;
            wrong.extend(undocumented);
            let Outcome::Answered {
                status: 200,
                mut body,
                request: id,
            } = outcome
            else {
                return (outcome, wrong);
            };
            if let Some(Value::Array(page)) = body.get_mut("list").map(Value::take) {
                list.extend(page);
            }
            let Some(cursor) = body.get("nextCursor").and_then(Value::as_str) else {
                let outcome = Outcome::Answered {
                    status: 200,
                    body: json!({ "list": list }),
                    request: id,
                };
                return (outcome, wrong);
            };
            request = self.request(workspace, what, manner, Some(cursor));
        }
    }

    fn request(
        &self,
        workspace: usize,
        what: &What,
        manner: &Manner,
        cursor: Option<&str>,
    ) -> Request {
        let mut request = match what {
            What::Ban { request, appeal } => ban_call(request, *appeal),
            What::Unban(request) => unban_call(request),
            What::Check(user, experience) => Request::post("/is-banned")
                .json(&json!({ "userId": user, "experienceId": experience })),
            What::PendingBans(experience) => {
                Request::get("/pending-bans").query("experienceId", experience)
            }
            What::PendingUnbans(experience) => {
                Request::get("/pending-unbans").query("experienceId", experience)
            }
            What::Bans => Request::get("/bans").query("limit", 50),
            What::Decisions(guid) => Request::get(&format!("/bans/{guid}")).query("limit", 1000),
            What::Events { cursor, limit } => {
                let request = Request::get("/events").query("limit", limit);
                match cursor {
                    Some(cursor) => request.query("cursor", cursor),
                    None => request,
                }
            }
            What::Cursor { list, cursor } => {
                let request = match list {
                    CursorList::Bans => Request::get("/bans"),
                    CursorList::Events => Request::get("/events"),
                    CursorList::PendingBans(experience) => {
                        Request::get("/pending-bans").query("experienceId", experience)
                    }
                    CursorList::PendingUnbans(experience) => {
                        Request::get("/pending-unbans").query("experienceId", experience)
                    }
                };
                request.query("cursor", cursor)
            }
            What::ExportJson => Request::get("/export/bans/json"),
            What::ExportCsv => Request::get("/export/bans/csv"),
        };
        if let Some(cursor) = cursor {
            request = request.query("cursor", cursor);
        }
        if let Some(key) = &manner.key {
            request = request.header("idempotency-key", key);
        }
        if manner.from_roblox {
            request = request.from_roblox();
        }
        let key = self.workspaces.get(workspace).map(Workspace::secret_key);
        request.key(key.unwrap_or_default()).unchecked()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Call>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn body(answer: &Answer) -> Value {
    serde_json::from_str(&answer.text).unwrap_or_else(|_| Value::String(answer.text.clone()))
}
