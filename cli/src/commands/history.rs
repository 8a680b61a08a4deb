//! `portcullis history`.

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::history::PastDecision;
use shared::domain::ids::{ModeratorId, UserId};
use shared::domain::rules::{Ban, DecisionKind, EndingKind};
use shared::store::Store;

use super::workspace;
use crate::arguments::{WorkspaceArg, user};
use crate::ban_summary::{BanSummary, place, until};
use crate::output::{Output, Printable, word};
use crate::times::Time;

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
    #[serde(skip)]
    after: Ban,
    #[serde(skip)]
    before: Option<Ban>,
}

impl HistoryEntry {
    fn why(&self) -> String {
        let terms = &self.after.terms;
        let reasons = [
            self.reason.as_deref().unwrap_or_default(),
            &terms.private_reason,
            &terms.public_reason,
        ];
        let said = reasons.into_iter().find(|reason| !reason.is_empty());
        said.unwrap_or("-").to_owned()
    }

    /// The ban just before the decision.
    fn replaced(&self) -> String {
        let Some(before) = &self.before else {
            return "-".to_owned();
        };
        let end = match before.ending.map(|ending| ending.kind) {
            Some(EndingKind::Lifted) => "lifted".to_owned(),
            Some(EndingKind::Appealed) => "appealed".to_owned(),
            None => until(before),
        };
        format!("{} {}, {end}", before.guid, place(before))
    }
}

impl Printable for HistoryEntry {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let moderator = self.moderator_id.map(|id| format!(", moderator {id}"));
        let principal = self.principal.as_ref().map(|name| format!(" ({name})"));
        let by = format!(
            "{}{}{}",
            self.key_id,
            principal.unwrap_or_default(),
            moderator.unwrap_or_default()
        );
        vec![
            ("when", self.at.shown()),
            ("action", word(self.decision)),
            ("guid", self.after.guid.to_string()),
            ("scope", place(&self.after)),
            ("until", until(&self.after)),
            ("by", by),
            ("reason", self.why()),
            ("previous", self.replaced()),
        ]
    }
}

pub async fn run(args: HistoryArgs, store: &Store, output: Output) -> Result<()> {
    let workspace = workspace::find(store, args.place.workspace).await?;
    let beginning = UnixMillis::from_millis(0);
    let decisions = store
        .history(workspace.guid.prefix(), args.user, beginning)
        .await?;
    let shown: Vec<_> = decisions
        .into_iter()
        .map(|decision| {
            let id = decision.id();
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
            HistoryEntry {
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
                after: ban,
                before: previous,
            }
        })
        .collect();
    let none = format!("no decisions about user {} on record", args.user);
    output.list(&shown, &none)
}
