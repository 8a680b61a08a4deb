//! `portcullis history`.

mod remote;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use shared::domain::activity::{Activity, ActivityDetails, RoleSummary};
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::history::PastDecision;
use shared::domain::ids::{ModeratorId, UserId};
use shared::domain::rules::{Ban, DecisionKind};
use shared::store::Store;

use super::workspace;
use crate::arguments::{WorkspaceArg, user};
use crate::ban_summary::BanSummary;
use crate::output::{Output, Printable, word};
use crate::times::Time;
pub use remote::run_remote;

const EXAMPLES: &str = "\
Examples:
  portcullis history 156
  portcullis history 156 --output json | jq '.[] | {at, decision, keyId}'";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct HistoryArgs {
    /// The Roblox user id.
    #[arg(value_name = "USER", value_parser = user)]
    user: UserId,
    #[command(flatten)]
    place: WorkspaceArg,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct HistoryEntry {
    id: String,
    decision: DecisionKind,
    at: Time,
    at_seconds: UnixSeconds,
    key_id: String,
    moderator_id: Option<ModeratorId>,
    /// Who ran this command, if the decision came from it.
    principal: Option<String>,
    /// The reason for lifting the ban.
    reason: Option<String>,
    ban: BanSummary,
    previous: Option<BanSummary>,
}

impl HistoryEntry {
    fn why(&self) -> &str {
        let given = self.reason.as_deref().filter(|reason| !reason.is_empty());
        given.unwrap_or_else(|| self.ban.reason())
    }

    /// The ban just before the decision.
    fn replaced(&self) -> String {
        let Some(before) = &self.previous else {
            return "-".to_owned();
        };
        let end = match before.state() {
            ended @ ("lifted" | "appealed") => ended.to_owned(),
            _ => before.until(),
        };
        format!("{} {}, {end}", before.guid(), before.place())
    }
}

impl Printable for HistoryEntry {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let by = by(&self.key_id, self.principal.as_deref(), self.moderator_id);
        vec![
            ("when", self.at.shown()),
            ("action", word(self.decision)),
            ("guid", self.ban.guid().to_owned()),
            ("scope", self.ban.place().to_owned()),
            ("until", self.ban.until()),
            ("by", by),
            ("reason", self.why().to_owned()),
            ("previous", self.replaced()),
        ]
    }
}

/// An activity in the list of decisions.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ActivityEntry {
    id: String,
    #[serde(flatten)]
    what: ActivityDetails,
    at: Time,
    at_seconds: UnixSeconds,
    key_id: String,
    moderator_id: Option<ModeratorId>,
    principal: Option<String>,
    reason: Option<String>,
}

impl From<Activity> for ActivityEntry {
    fn from(activity: Activity) -> Self {
        let at = activity.moment.seconds();
        Self {
            id: activity.id.as_str().to_owned(),
            what: activity.details,
            at: Time(at),
            at_seconds: at,
            key_id: activity.key_id,
            moderator_id: activity.moderator,
            principal: activity.principal,
            reason: activity.reason,
        }
    }
}

impl ActivityEntry {
    fn named(roles: &[RoleSummary]) -> String {
        let names: Vec<_> = roles.iter().map(|role| role.name.as_str()).collect();
        if names.is_empty() {
            "-".to_owned()
        } else {
            names.join(", ")
        }
    }
}

impl Printable for ActivityEntry {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let (action, guid, scope, previous) = match &self.what {
            ActivityDetails::GroupRoleChanged(change) => (
                format!("group role: {}", Self::named(&change.roles)),
                "-".to_owned(),
                format!("group {}", change.group_id),
                Self::named(&change.previous),
            ),
            ActivityDetails::EvidenceAdded(evidence) => (
                "evidence added".to_owned(),
                evidence.case_id.clone(),
                "-".to_owned(),
                "-".to_owned(),
            ),
            ActivityDetails::EvidenceRemoved(evidence) => (
                "evidence removed".to_owned(),
                evidence.case_id.clone(),
                "-".to_owned(),
                "-".to_owned(),
            ),
        };
        vec![
            ("when", self.at.shown()),
            ("action", action),
            ("guid", guid),
            ("scope", scope),
            ("until", "-".to_owned()),
            (
                "by",
                by(&self.key_id, self.principal.as_deref(), self.moderator_id),
            ),
            (
                "reason",
                self.reason.clone().unwrap_or_else(|| "-".to_owned()),
            ),
            ("previous", previous),
        ]
    }
}

fn by(key_id: &str, principal: Option<&str>, moderator: Option<ModeratorId>) -> String {
    let moderator = moderator.map(|id| format!(", moderator {id}"));
    let principal = principal.map(|name| format!(" ({name})"));
    let (principal, moderator) = (principal.unwrap_or_default(), moderator.unwrap_or_default());
    format!("{key_id}{principal}{moderator}")
}

/// A row of the list.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum HistoryRow {
    Decision(Box<HistoryEntry>),
    Activity(Box<ActivityEntry>),
}

impl Printable for HistoryRow {
    fn fields(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Decision(entry) => entry.fields(),
            Self::Activity(entry) => entry.fields(),
        }
    }
}

pub async fn run(args: HistoryArgs, store: &Store, output: Output) -> Result<()> {
    let workspace = workspace::find(store, args.place).await?;
    let beginning = UnixMillis::from_millis(0);
    let decisions = store
        .history(workspace.guid.prefix(), args.user, beginning)
        .await?;
    let activities = store.activities(workspace.guid.prefix(), args.user).await?;
    let decided = decisions.into_iter().map(|decision| {
        let (id, moment) = (decision.id(), decision.moment);
        let PastDecision {
            kind,
            at,
            ban,
            previous,
            reason,
            key_id,
            moderator,
            principal,
            ..
        } = decision;
        // Show the ban as of the decision, not as of now.
        let show = |ban: &Ban| BanSummary::new(workspace.guid, ban, false, at);
        let entry = HistoryEntry {
            id,
            decision: kind,
            at: Time(at),
            at_seconds: at,
            key_id,
            moderator_id: moderator,
            principal,
            reason,
            ban: show(&ban),
            previous: previous.as_ref().map(show),
        };
        (moment, HistoryRow::Decision(Box::new(entry)))
    });
    let acted = activities.into_iter().map(|activity| {
        (
            activity.moment,
            HistoryRow::Activity(Box::new(activity.into())),
        )
    });
    let mut rows: Vec<_> = decided.chain(acted).collect();
    rows.sort_by_key(|(moment, _)| *moment);
    let shown: Vec<_> = rows.into_iter().map(|(_, row)| row).collect();
    let none = format!("no decisions about user {} on record", args.user);
    output.list(&shown, &none)
}
