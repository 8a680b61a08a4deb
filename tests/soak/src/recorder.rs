//! Records every call to the running product.

mod bulk;
mod console;
mod discord;

use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use end_to_end::requests::{ban_call, reports_call, unban_call};
use end_to_end::{ApiResponse, Call as Request, TestApp, Workspace, contract};
use serde_json::{Value, json};
use shared::domain::lock::lock;

pub use bulk::BulkOperation;

use crate::clients::FOLLOWER;
use crate::history::{
    CallResult, CursorList, EvidenceCall, GAVE_UP, Kill, Millis, Operation, RecordedCall,
};

/// How long a client waits at most. The gateway answers within 30 s.
const PATIENCE: Duration = Duration::from_secs(35);

#[derive(Debug)]
pub struct Recorder<'a> {
    pub app: &'a TestApp,
    pub workspaces: Vec<Workspace<'a>>,
    calls: Mutex<Vec<RecordedCall>>,
    /// Pieces of evidence, with the workspace of each.
    pieces: Mutex<Vec<(usize, String)>>,
    /// The environments that clients have ended.
    ended: Mutex<Vec<Kill>>,
    began: Instant,
    began_at: Millis,
    closes: Instant,
}

/// How to make a call.
#[derive(Clone, Debug, Default)]
pub struct CallOptions {
    pub key: Option<String>,
    /// After how long the client gives up.
    pub gives_up: Option<Duration>,
    /// Whether the call comes from a game server.
    pub from_roblox: bool,
    /// Whether a check asks for the evidence of the ban.
    pub includes_evidence: bool,
}

impl<'a> Recorder<'a> {
    /// Starts recording a run of this length.
    pub fn open(app: &'a TestApp, workspaces: Vec<Workspace<'a>>, time: Duration) -> Self {
        let began = Instant::now();
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let began_at = since.unwrap_or_default().as_millis();
        Self {
            app,
            workspaces,
            calls: Mutex::default(),
            pieces: Mutex::default(),
            ended: Mutex::default(),
            began,
            began_at: u64::try_from(began_at).unwrap_or_default(),
            closes: began + time,
        }
    }

    pub fn now(&self) -> Millis {
        self.began_at + u64::try_from(self.began.elapsed().as_millis()).unwrap_or_default()
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Whether the run is over.
    pub fn is_closed(&self) -> bool {
        Instant::now() >= self.closes
    }

    /// Time until the run is over.
    pub fn left(&self) -> Duration {
        self.closes.saturating_duration_since(Instant::now())
    }

    /// All calls so far.
    pub fn calls(&self) -> Vec<RecordedCall> {
        self.lock().clone()
    }

    /// Ends the first environments of a function, as Lambda ends one that is idle. One may be busy.
    pub fn end_environments(&self, function: &'static str, count: usize) {
        for instance in 0..count {
            if self.app.runtime().kill(function, instance) {
                let at = self.now();
                lock(&self.ended).push(Kill { function, at });
            }
        }
    }

    /// The environments that clients have ended.
    pub fn ended_environments(&self) -> Vec<Kill> {
        lock(&self.ended).clone()
    }

    /// Makes a piece of evidence known to the other workspaces.
    pub fn remember(&self, workspace: usize, guid: &str) {
        lock(&self.pieces).push((workspace, guid.to_owned()));
    }

    /// The known pieces of evidence of other workspaces.
    pub fn remembered_outside(&self, workspace: usize) -> Vec<String> {
        let pieces = lock(&self.pieces);
        let others = pieces.iter().filter(|(of, _)| *of != workspace);
        others.map(|(_, guid)| guid.clone()).collect()
    }

    /// Makes a call and records it.
    pub async fn call(
        &self,
        workspace: usize,
        client: &str,
        operation: Operation,
        options: CallOptions,
    ) -> CallResult {
        let started = self.now();
        let request = self.request(workspace, &operation, &options, None);
        let patience = options.gives_up.unwrap_or(PATIENCE);
        let sending = async {
            match operation {
                Operation::Bans | Operation::Evidence(EvidenceCall::List { .. }) => {
                    self.pages(workspace, &request, &operation, &options).await
                }
                _ => self.send(&request).await,
            }
        };
        let (result, undocumented) = match tokio::time::timeout(patience, sending).await {
            Ok(sent) => sent,
            Err(_) => (
                CallResult::Lost(format!("{GAVE_UP} after {patience:?}")),
                Vec::new(),
            ),
        };
        let call = RecordedCall {
            workspace,
            client: client.to_owned(),
            operation,
            in_bulk: false,
            key: options.key,
            started,
            ended: self.now(),
            result: result.clone(),
            undocumented,
        };
        self.lock().push(call);
        result
    }

    /// Records what is no call of the API as the operation with the same meaning.
    fn record(
        &self,
        (workspace, client): (usize, &str),
        operation: Operation,
        started: Millis,
        result: CallResult,
    ) {
        let call = RecordedCall {
            workspace,
            client: client.to_owned(),
            operation,
            in_bulk: false,
            key: None,
            started,
            ended: self.now(),
            result,
            undocumented: Vec::new(),
        };
        self.lock().push(call);
    }

    /// Uploads a file of evidence as the answer to its creation says, and records it.
    pub async fn upload(
        &self,
        (workspace, client): (usize, &str),
        guid: &str,
        upload: &Value,
        bytes: &[u8],
    ) {
        let started = self.now();
        let result = match self.app.try_upload(upload, bytes).await {
            Err(error) => CallResult::Lost(error),
            Ok(answer) => CallResult::Answered {
                status: answer.status,
                body: body(&answer),
                request: None,
            },
        };
        let upload = Operation::Evidence(EvidenceCall::Upload(guid.to_owned()));
        self.record((workspace, client), upload, started, result);
    }

    async fn send(&self, request: &Request) -> (CallResult, Vec<String>) {
        match self.app.try_send(request).await {
            Err(error) => (CallResult::Lost(error), Vec::new()),
            Ok(answer) => {
                let body = body(&answer);
                let is_gateways = answer.status >= 500 && body.get("code").is_none();
                let undocumented = if is_gateways {
                    Vec::new()
                } else {
                    contract().problems(request.method(), request.path(), &answer)
                };
                let result = CallResult::Answered {
                    status: answer.status,
                    body,
                    request: answer.header("x-request-id").map(str::to_owned),
                };
                (result, undocumented)
            }
        }
    }

    /// All pages of a list as one response, or the first page that is not 200.
    async fn pages(
        &self,
        workspace: usize,
        first: &Request,
        operation: &Operation,
        options: &CallOptions,
    ) -> (CallResult, Vec<String>) {
        let (mut list, mut wrong) = (Vec::new(), Vec::new());
        let mut request = first.clone();
        loop {
            let (result, undocumented) = self.send(&request).await;
            wrong.extend(undocumented);
            let CallResult::Answered {
                status: 200,
                mut body,
                request: id,
            } = result
            else {
                return (result, wrong);
            };
            if let Some(Value::Array(page)) = body.get_mut("list").map(Value::take) {
                list.extend(page);
            }
            let Some(cursor) = body.get("nextCursor").and_then(Value::as_str) else {
                let result = CallResult::Answered {
                    status: 200,
                    body: json!({ "list": list }),
                    request: id,
                };
                return (result, wrong);
            };
            request = self.request(workspace, operation, options, Some(cursor));
        }
    }

    fn request(
        &self,
        workspace: usize,
        operation: &Operation,
        options: &CallOptions,
        cursor: Option<&str>,
    ) -> Request {
        let mut request = match operation {
            Operation::Ban { request, appeal } => ban_call(request, *appeal),
            Operation::Unban(request) => unban_call(request),
            Operation::Report(experience, report) => reports_call(*experience, report),
            Operation::Check(user, experience) => Request::post("/is-banned").json(&json!({
                "userId": user,
                "experienceId": experience,
                "includeEvidence": options.includes_evidence,
            })),
            Operation::PendingBans(experience) => {
                Request::get("/pending-bans").query("experienceId", experience)
            }
            Operation::PendingUnbans(experience) => {
                Request::get("/pending-unbans").query("experienceId", experience)
            }
            Operation::Bans => Request::get("/bans").query("limit", 50),
            Operation::Decisions(guid) => {
                Request::get(&format!("/bans/{guid}")).query("limit", 1000)
            }
            Operation::Events { cursor, limit } => {
                let request = Request::get("/events").query("limit", limit);
                match cursor {
                    Some(cursor) => request.query("cursor", cursor),
                    None => request,
                }
            }
            Operation::Sync { cursor, limit } => {
                let request = Request::get("/sync").query("limit", limit);
                match cursor {
                    Some(cursor) => request.query("cursor", cursor),
                    None => request,
                }
            }
            Operation::Snapshot => Request::get("/snapshot"),
            Operation::Cursor { list, cursor } => {
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
            Operation::ExportJson => Request::get("/export/bans/json"),
            Operation::ExportCsv => Request::get("/export/bans/csv"),
            Operation::Rank(change) => change.call(),
            Operation::Evidence(call) => call.call(),
            Operation::Erase(request) => request.call(),
        };
        if let Some(cursor) = cursor {
            request = request.query("cursor", cursor);
        }
        self.authorized(request, workspace, options)
    }

    /// The request with the key of a workspace and the headers of the options.
    fn authorized(&self, request: Request, workspace: usize, options: &CallOptions) -> Request {
        let mut request = request;
        if let Some(key) = &options.key {
            request = request.header("idempotency-key", key);
        }
        if options.from_roblox {
            request = request.from_roblox();
        }
        let key = self.workspaces.get(workspace).map(Workspace::secret_key);
        request.key(key.unwrap_or_default()).unchecked()
    }

    /// The last cursor of a workspace's follower.
    pub fn last_sync(&self, workspace: usize) -> Option<String> {
        let calls = self.lock();
        let mut of_follower = calls.iter().rev().filter(|call| {
            call.workspace == workspace
                && call.client == FOLLOWER
                && matches!(call.operation, Operation::Sync { .. })
        });
        of_follower.find_map(|call| call.result.text("cursor"))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<RecordedCall>> {
        lock(&self.calls)
    }
}

fn body(answer: &ApiResponse) -> Value {
    serde_json::from_str(&answer.text).unwrap_or_else(|_| Value::String(answer.text.clone()))
}
