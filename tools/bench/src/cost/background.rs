//! The cost of what happens without a call: schedules, the stream, deliveries.

use anyhow::Context;
use cli::costs::prices::Usage;
use end_to_end::{Ban, Reply, TestApp, WebhookReceiver, template};

use super::cases::{Case, Cases, EXPERIENCE};
use crate::log_events::LogEvent;

/// How many decisions are logged, each in its own batch.
const LOGGED: u32 = 20;

/// How many experiences a Global ban reaches.
const LINKED: u32 = 100;

impl Cases<'_> {
    /// A run of each schedule with nothing to do.
    pub async fn schedules(&mut self) -> anyhow::Result<()> {
        self.app.settle().await;
        for (function, slug, what) in [
            (
                "expire-bans",
                "idle-expire-bans",
                "expire-bans, nothing to do",
            ),
            (
                "build-snapshots",
                "idle-build-snapshots",
                "build-snapshots, nothing to do",
            ),
            (
                "expire-evidence",
                "idle-expire-evidence",
                "expire-evidence, nothing to do",
            ),
            (
                "deliver-webhooks",
                "idle-deliver-webhooks",
                "deliver-webhooks, nothing to do",
            ),
            (
                "mirror-bans",
                "idle-mirror-bans",
                "mirror-bans, nothing to do",
            ),
        ] {
            let schedules = template().schedules();
            let mut own = schedules.filter(|(called, _)| called.name == function);
            let (_, schedule) = own.next().context("a schedule")?;
            let run = async || {
                let done = self.app.invoke(function, &schedule.input).await;
                done.map_err(anyhow::Error::msg)
            };
            run().await?;
            LogEvent::at_least(self.app, function, 1).await?;
            let behind = Behind::of(self.app, function);
            run().await?;
            let case = behind.case(slug, what, 1).await?;
            self.found.push(case);
        }
        Ok(())
    }

    /// The way of a tick through the stream.
    pub async fn ticks(&mut self) -> anyhow::Result<()> {
        self.app.settle().await;
        let behind = Behind::of(self.app, "publish-events");
        self.app.run_schedule("expire-bans", "EachMinute").await;
        self.app.settle().await;
        let what = "publish-events, a tick";
        self.found
            .push(behind.case("idle-publish-events", what, 1).await?);
        Ok(())
    }

    /// A Global ban in many experiences, divided by their number.
    pub async fn spreading(&mut self) -> anyhow::Result<()> {
        let workspace = self.app.workspace().await;
        workspace.link_all(1..=u64::from(LINKED)).await;
        self.app.settle().await;
        let behind = Behind::of(self.app, "spread-decisions");
        workspace.ban(Ban::of(1, 1).global().permanent()).await;
        let what = "Global ban, for each of 100 linked experiences";
        self.found.push(behind.case("spread", what, LINKED).await?);
        Ok(())
    }

    /// The logging of decisions, each in its own batch.
    pub async fn logging(&mut self) -> anyhow::Result<()> {
        let workspace = self.app.workspace().await;
        workspace.ban(Ban::of(1, EXPERIENCE).permanent()).await;
        self.app.settle().await;
        let behind = Behind::of(self.app, "publish-events");
        for user in 0..LOGGED {
            let ban = Ban::of(u64::from(user) + 2, EXPERIENCE).permanent();
            workspace.ban(ban).await;
            self.app.settle().await;
        }
        let what = "one decision into the event log";
        self.found.push(behind.case("event", what, LOGGED).await?);
        Ok(())
    }

    /// The delivery of events to an endpoint, each alone.
    pub async fn deliveries(&mut self) -> anyhow::Result<()> {
        let hook = WebhookReceiver::that(|_, _| Reply::Status(200, ""));
        let workspace = self.app.workspace().await;
        workspace.add_endpoint(&hook.url(), |_| {}).await;
        workspace.ban(Ban::of(1, EXPERIENCE).permanent()).await;
        self.app.settle().await;
        self.app.background_settled().await;
        let behind = Behind::of(self.app, "deliver-webhooks");
        for user in 0..LOGGED {
            let ban = Ban::of(u64::from(user) + 2, EXPERIENCE).permanent();
            workspace.ban(ban).await;
            self.app.settle().await;
            self.app.background_settled().await;
        }
        let what = "an event to an endpoint";
        self.found
            .push(behind.case("delivery", what, LOGGED).await?);
        Ok(())
    }
}

/// The work of a function behind the stream since some moment.
struct Behind<'a> {
    app: &'a TestApp,
    function: &'static str,
    before: usize,
}

impl<'a> Behind<'a> {
    fn of(app: &'a TestApp, function: &'static str) -> Self {
        let before = LogEvent::all(app, function).len();
        Self {
            app,
            function,
            before,
        }
    }

    /// All of that work once the stream is settled, divided by a number.
    async fn case(
        &self,
        slug: &'static str,
        what: &'static str,
        shares: u32,
    ) -> anyhow::Result<Case> {
        let (app, function) = (self.app, self.function);
        app.settle().await;
        let events = LogEvent::at_least(app, function, self.before + 1).await?;
        // The last log event may arrive after the stream is settled.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let events = LogEvent::all(app, function).split_off(self.before.min(events.len()));
        let sum = |of: fn(&LogEvent) -> f64| events.iter().map(of).sum::<f64>() / f64::from(shares);
        Ok(Case {
            slug,
            what,
            function,
            usage: Usage {
                gateway_calls: 0.0,
                function_calls: sum(|_| 1.0),
                memory: 0.0,
                database_calls: sum(|event| event.database_calls),
                read_units: sum(|event| event.read_units),
                write_units: sum(|event| event.write_units),
                log_bytes: sum(|event| event.bytes),
                answer_bytes: 0.0,
            },
        })
    }
}
