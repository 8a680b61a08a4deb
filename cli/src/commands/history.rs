//! `portcullis history`.

mod remote;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use shared::domain::activity::{Activity, ActivityDetails, RoleSummary};
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::history::PastDecision;
use shared::domain::ids::ModeratorId;
use shared::domain::rules::{Ban, DecisionKind};
use shared::domain::user_reference::UserReference;
use shared::store::Store;

use super::workspace;
use crate::actors::{MemberNames, ShownActor};
use crate::arguments::{WorkspaceArg, user};
use crate::ban_summary::BanSummary;
use crate::names::UserNames;
use crate::output::{Output, Printable, word};
use crate::times::Time;
pub use remote::run_remote;

const EXAMPLES: &str = "\
Examples:
  portcullis history 156
  portcullis history https://www.roblox.com/users/156/profile
  portcullis history 156 --output json | jq '.[] | {at, decision, keyId}'";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct HistoryArgs {
    /// The Roblox user: an id, a name (@builderman) or a link to a profile.
    #[arg(value_name = "USER", value_parser = user)]
    user: UserReference,
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
    #[serde(flatten)]
    by: HistoryActor,
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
        let by = &self.by.shown;
        let by = by.sentence(self.principal.as_deref(), self.moderator_id);
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

/// Who decided, and how.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct HistoryActor {
    key_id: String,
    channel: Option<String>,
    /// The name of the member who decided.
    member: Option<String>,
    #[serde(skip)]
    shown: ShownActor,
}

impl From<ShownActor> for HistoryActor {
    fn from(actor: ShownActor) -> Self {
        Self {
            key_id: actor.id().to_owned(),
            channel: actor.channel().map(str::to_owned),
            member: actor.name().map(str::to_owned),
            shown: actor,
        }
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
    #[serde(flatten)]
    by: HistoryActor,
    moderator_id: Option<ModeratorId>,
    principal: Option<String>,
    reason: Option<String>,
}

impl ActivityEntry {
    fn new(activity: Activity, members: &MemberNames) -> Self {
        let by = ShownActor::of_decision(&activity.key_id, activity.channel, members);
        let at = activity.moment.seconds();
        Self {
            id: activity.id.as_str().to_owned(),
            what: activity.details,
            at: Time(at),
            at_seconds: at,
            by: by.into(),
            moderator_id: activity.moderator,
            principal: activity.principal,
            reason: activity.reason,
        }
    }

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
        let by = &self.by.shown;
        let by = by.sentence(self.principal.as_deref(), self.moderator_id);
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
            ActivityDetails::LinkAdded(link) => (
                "linked".to_owned(),
                "-".to_owned(),
                format!("discord {}", link.discord_id),
                "-".to_owned(),
            ),
            ActivityDetails::LinkRemoved(link) => (
                "unlinked".to_owned(),
                "-".to_owned(),
                "-".to_owned(),
                format!("discord {}", link.discord_id),
            ),
            // Of no user, so no user's history has it.
            ActivityDetails::KeyBound(binding) => (
                "key bound".to_owned(),
                "-".to_owned(),
                binding.secret.clone(),
                "-".to_owned(),
            ),
            ActivityDetails::DiscordBanned(ban) => (
                "banned on Discord".to_owned(),
                "-".to_owned(),
                format!("guild {}", ban.guild_id),
                "-".to_owned(),
            ),
            ActivityDetails::DiscordUnbanned(ban) => (
                "unbanned on Discord".to_owned(),
                "-".to_owned(),
                format!("guild {}", ban.guild_id),
                "-".to_owned(),
            ),
        };
        vec![
            ("when", self.at.shown()),
            ("action", action),
            ("guid", guid),
            ("scope", scope),
            ("until", "-".to_owned()),
            ("by", by),
            (
                "reason",
                self.reason.clone().unwrap_or_else(|| "-".to_owned()),
            ),
            ("previous", previous),
        ]
    }
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

pub async fn run(
    args: HistoryArgs,
    store: &Store,
    names: &UserNames,
    output: Output,
) -> Result<()> {
    let workspace = workspace::find(store, args.place).await?;
    let (beginning, prefix) = (UnixMillis::from_millis(0), workspace.guid.prefix());
    let mut user = names.find(store, &args.user).await?;
    let decisions = store.history(prefix, user.id, beginning).await?;
    let activities = store.activities(prefix, user.id).await?;
    let deciders = decisions.iter().map(|decision| decision.key_id.as_str());
    let deciders = deciders.chain(activities.iter().map(|activity| activity.key_id.as_str()));
    let members = MemberNames::read(store, prefix, deciders).await?;
    names.complete(store, prefix, [&mut user]).await;
    let decided = decisions.into_iter().map(|decision| {
        let (id, moment) = (decision.id(), decision.moment);
        let PastDecision {
            kind,
            at,
            ban,
            previous,
            reason,
            key_id,
            channel,
            moderator,
            principal,
            ..
        } = decision;
        // Show the ban as of the decision, not as of now.
        let show = |ban: &Ban| BanSummary::new(workspace.guid, ban, false, at).of(&user);
        let entry = HistoryEntry {
            id,
            decision: kind,
            at: Time(at),
            at_seconds: at,
            by: ShownActor::of_decision(&key_id, channel, &members).into(),
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
            HistoryRow::Activity(Box::new(ActivityEntry::new(activity, &members))),
        )
    });
    let mut rows: Vec<_> = decided.chain(acted).collect();
    rows.sort_by_key(|(moment, _)| *moment);
    let shown: Vec<_> = rows.into_iter().map(|(_, row)| row).collect();
    let none = format!("no decisions about user {user} on record");
    output.list(&shown, &none)
}
