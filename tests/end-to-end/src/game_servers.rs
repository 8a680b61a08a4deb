//! Connects the fake of Roblox's engine to an app.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use roblox_engine::{Network, Request, Response};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::app::TestApp;
use crate::call::Call;

/// The script of the published SDK, as far as it calls the API. Its arguments are the API's entry, the
/// key, and how many bans a page of the pending lists has.
pub const PUBLISHED_SDK: &str = include_str!("game_servers/published_sdk.luau");

/// Its loop, with the script's functions as the argument.
pub const PUBLISHED_SDK_LOOP: &str = include_str!("game_servers/published_sdk_loop.luau");

/// Sends the game servers' requests to the app, and validates its responses. With a moving clock,
/// the app's time is that of the universe.
#[derive(Clone, Debug)]
pub struct AppNetwork {
    app: Arc<TestApp>,
    settles: bool,
}

impl AppNetwork {
    pub fn new(app: &Arc<TestApp>) -> Self {
        Self {
            app: Arc::clone(app),
            settles: false,
        }
    }

    /// Waits after each decision until the stream is drained: in virtual time that takes no time.
    #[must_use]
    pub const fn settling(mut self) -> Self {
        self.settles = true;
        self
    }
}

impl Network for AppNetwork {
    fn send(&self, now: Duration, request: &Request) -> Result<Response, String> {
        let Some(path) = request.url.strip_prefix(self.app.address()) else {
            return Err(format!("nothing listens at {}", request.url));
        };
        if self.app.has_moving_clock() {
            self.app.set_clock(now);
        }
        let mut call = Call::new(&request.method, path).body(request.body.clone());
        for (name, value) in &request.headers {
            call = call.header(name, value);
        }
        let answer = block_in_place(|| {
            Handle::current().block_on(async {
                let answer = self.app.try_send(&call).await?;
                if self.settles && is_decision(request) && answer.status == 200 {
                    self.app.settle().await;
                }
                Ok::<_, String>(answer)
            })
        })?;
        let headers = answer.headers.iter().map(|(name, value)| {
            let value = value.to_str().unwrap_or_default();
            (name.to_string(), value.to_owned())
        });
        Ok(Response {
            status: answer.status,
            headers: headers.collect(),
            body: answer.text.into_bytes(),
        })
    }
}

/// Whether a request bans or unbans users. Checks and reports are no decisions.
fn is_decision(request: &Request) -> bool {
    let others = ["/is-banned", "/reports"];
    request.method != "GET" && !others.iter().any(|route| request.url.contains(route))
}

/// The real Unix time.
pub(crate) fn real_time() -> Duration {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default()
}
