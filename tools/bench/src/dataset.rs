//! Bans by the million: copies of a ban that the product wrote, with their own ids.

use anyhow::Context;
use end_to_end::{Ban, Call, TestApp, Workspace};
use serde_json::{Map, Value, json};

/// The creation time of the first copy in a guid's milliseconds: the start of 2026.
const FIRST_MS: u64 = 1_767_225_600_000 - 1_577_836_800_000;

const FIRST_USER: u64 = 1_000_000;

/// How many bans one transaction writes.
const STEP: u64 = 1000;

/// The items of an Experience ban: its record, and the user's item in the experience. The experience has
/// applied the ban, so it is in no pending index.
#[derive(Clone, Debug)]
pub struct Dataset {
    prefix: String,
    experience: u64,
    /// How far the users' ids are apart.
    spread: u64,
    record: Map<String, Value>,
    standing: Map<String, Value>,
    ban: Map<String, Value>,
    report: Map<String, Value>,
}

impl Dataset {
    /// Makes a ban through the route and reads the items that it wrote.
    pub async fn create(workspace: &Workspace<'_>, experience: u64) -> anyhow::Result<Self> {
        workspace
            .ban(applied(FIRST_USER - 1, FIRST_MS << 22, experience))
            .await;
        let stored = workspace.stored().await;
        let item = |kind: &str| {
            let is_it = |item: &&Value| item.pointer("/kind/S") == Some(&kind.into());
            let found = stored.iter().find(is_it).and_then(Value::as_object);
            found
                .cloned()
                .with_context(|| format!("no item of kind {kind}"))
        };
        let (record, standing) = (item("ban")?, item("experience")?);
        let map = |name: &str| {
            let map = standing.get(name).and_then(|value| value.get("M"));
            let map = map.and_then(Value::as_object).cloned();
            map.with_context(|| format!("the standing has no {name}"))
        };
        Ok(Self {
            prefix: workspace.prefix(),
            experience,
            spread: 1,
            ban: map("ban")?,
            report: map("report")?,
            record,
            standing,
        })
    }

    /// Sets how far the users' ids are apart; without it, they are consecutive.
    #[must_use]
    pub const fn spread(mut self, spread: u64) -> Self {
        self.spread = spread;
        self
    }

    /// The user of a copy with consecutive ids.
    pub const fn user(number: u64) -> u64 {
        FIRST_USER + number
    }

    /// The user of a copy.
    pub const fn user_of(&self, number: u64) -> u64 {
        FIRST_USER + number * self.spread
    }

    /// The key of a user's item in the experience, and the key of the Global ban that they do not have.
    pub fn keys(&self, number: u64) -> [Value; 2] {
        let (prefix, user) = (&self.prefix, self.user_of(number));
        let key = |pk: String, sk: String| json!({ "pk": { "S": pk }, "sk": { "S": sk } });
        [
            key(
                format!("{prefix}#U#{user}"),
                format!("E#{}", self.experience),
            ),
            key(format!("{prefix}#G#{}", user % 16), user.to_string()),
        ]
    }

    /// The call with which the experience reports a copy again.
    pub fn report(&self, number: u64) -> Call {
        applied(self.user_of(number), guid(number), self.experience).call()
    }

    /// The record of a copy.
    pub fn record(&self, number: u64) -> Value {
        let (prefix, experience) = (&self.prefix, self.experience);
        let guid = guid(number);
        let padded = format!("{guid:020}");
        let mut item = self.record.clone();
        let own = [
            ("pk", text(format!("{prefix}#U#{}", self.user_of(number)))),
            ("sk", text(format!("B#{padded}"))),
            ("guid_key", text(padded)),
            ("ledger", text(format!("{prefix}#{}", guid % 4))),
            (
                "experience_ledger",
                text(format!("{prefix}#{experience}#{}", guid % 4)),
            ),
            ("ban", self.ban(number)),
        ];
        item.extend(own.map(|(name, value)| (name.to_owned(), value)));
        Value::Object(item)
    }

    /// The user's item in the experience, with the copy as the ban.
    pub fn standing(&self, number: u64) -> Value {
        let guid = guid(number);
        let mut report = self.report.clone();
        report.insert("guid".to_owned(), digits(guid));
        let mut item = self.standing.clone();
        let own = [
            (
                "pk",
                text(format!("{}#U#{}", self.prefix, self.user_of(number))),
            ),
            ("report_guid", text(guid.to_string())),
            ("report", json!({ "M": report })),
            ("ban", self.ban(number)),
        ];
        item.extend(own.map(|(name, value)| (name.to_owned(), value)));
        Value::Object(item)
    }

    fn ban(&self, number: u64) -> Value {
        let guid = guid(number);
        let mut ban = self.ban.clone();
        let own = [
            ("guid", digits(guid)),
            ("uid", digits(number + 1)),
            ("user", digits(self.user_of(number))),
            ("private_reason", text(evidence(guid))),
        ];
        ban.extend(own.map(|(name, value)| (name.to_owned(), value)));
        json!({ "M": ban })
    }

    /// Writes copies into the table, past the engine's port.
    pub fn fill(&self, app: &TestApp, numbers: std::ops::Range<u64>) -> anyhow::Result<()> {
        let mut from = numbers.start;
        while from < numbers.end {
            let to = numbers.end.min(from + STEP);
            let items = (from..to).flat_map(|number| [self.record(number), self.standing(number)]);
            app.engine().import(&app.tables().bans, items.collect())?;
            from = to;
        }
        Ok(())
    }
}

/// The guid of a copy; copies are about 0.1 s apart.
pub const fn guid(number: u64) -> u64 {
    ((FIRST_MS + number * 97) << 22) | (number & 0x3F_FFFF)
}

/// A ban that its experience has applied, with typical reasons.
fn applied(user: u64, guid: u64, experience: u64) -> Ban {
    Ban::of(user, experience)
        .permanent()
        .reasons(&evidence(guid), "Cheating, with words, and a comma")
        .applied()
}

fn evidence(guid: u64) -> String {
    format!("https://evidence.example.com/clips/{guid}.mp4, reported by \"a player\"")
}

fn text(text: impl Into<Value>) -> Value {
    json!({ "S": text.into() })
}

fn digits(number: u64) -> Value {
    json!({ "N": number.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_events::LogEvent;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_copy_behaves_like_a_real_ban() {
        let app = TestApp::builder().without_stream().start().await;
        let workspace = app.workspace().await;
        let dataset = Dataset::create(&workspace, 7).await.unwrap();
        dataset.fill(&app, 0..50).unwrap();

        assert!(workspace.is_banned(Dataset::user(49), 7).await);
        assert!(!workspace.is_banned(Dataset::user(50), 7).await);
        assert_eq!(workspace.pending_bans(7).await, Vec::<Value>::new());
        let bans = workspace.listed_bans().await;
        assert_eq!(bans.len(), 51);
        let of_user = Call::get("/bans").query("userId", Dataset::user(7));
        let of_user = workspace.send(of_user).await.list();
        assert!(
            of_user.len() == 1 && bans.contains(&of_user[0]),
            "{of_user:?}"
        );

        // The experience repeats the report of the copy, which writes nothing.
        let answer = workspace.send(dataset.report(7)).await;
        let id = answer.request_id().to_owned();
        let events = LogEvent::of(&app, "ban-async", &[id]).await.unwrap();
        assert!(events[0].write_units == 0.0, "{events:?}");
    }
}
