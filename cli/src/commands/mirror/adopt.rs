//! Bans that the studio has set at Roblox itself become bans of the workspace, by the importer's rules
//! for Roblox's list.
//!
//! Each counts as applied by the experience, so that the mirror does not send it again.

use std::collections::{BTreeMap, HashSet};

use anyhow::{Result, bail};
use clap::Args;
use serde::Serialize;
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::ids::{ModeratorId, UserId};
use shared::domain::rules::mirror::Level;
use shared::domain::rules::{Scope, Terms};
use shared::integrations::roblox::Restriction;
use shared::store::{Candidate, Import, ImportFailure, ImportPlan, ImportVerdict, Mirror};

use super::restrictions::{self, Restrictions, at_roblox, set_by_us};
use super::{MirrorContext, NamedMirror};
use crate::arguments::{SafetyArgs, moderator, reason};
use crate::commands::workspace;
use crate::confirm::confirm;
use crate::import::{ImportDefaults, ImportedBan, RowError, of_restriction};
use crate::output::{Output, Printable};
use crate::progress::Progress;
use crate::times::{Time, or_dash};

/// The reason of a restriction that has none that can be kept.
const NO_REASON: &str = "Banned on Roblox before.";

/// How often a ban is tried that the database is too busy for, or that another writer decides on.
const ATTEMPTS: u32 = 8;

#[derive(Debug, Args)]
pub struct AdoptArgs {
    #[command(flatten)]
    named: NamedMirror,

    /// The Roblox user who counts as the moderator: Roblox's list does not say who banned.
    #[arg(long, env = "PORTCULLIS_MODERATOR", value_name = "USER", value_parser = moderator)]
    moderator: ModeratorId,

    /// The reason for moderators of bans that have none at Roblox.
    #[arg(long, value_name = "TEXT", value_parser = reason(Terms::LONGEST_PRIVATE_REASON))]
    private_reason: Option<String>,

    /// The reason for players of bans that have none at Roblox.
    #[arg(long, value_name = "TEXT", value_parser = reason(Terms::LONGEST_PUBLIC_REASON))]
    public_reason: Option<String>,

    #[command(flatten)]
    safety: SafetyArgs,
}

/// A restriction, and what becomes of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AdoptedRestriction {
    user_id: UserId,
    /// `universe` or `place`.
    level: &'static str,
    /// Null is never.
    ends: Option<Time>,
    private_reason: String,
    result: AdoptResult,
    /// Why it cannot be adopted.
    message: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum AdoptResult {
    AdoptedRestriction,
    /// It was adopted before.
    Unchanged,
    /// The workspace has a ban of this user.
    AlreadyBanned,
    /// The user is protected.
    Protected,
    /// It ended meanwhile.
    Over,
    /// It cannot be read.
    Failed,
}

impl Printable for AdoptedRestriction {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let result = match self.result {
            AdoptResult::AdoptedRestriction => "adopted",
            AdoptResult::Unchanged => "adopted before",
            AdoptResult::AlreadyBanned => "already banned here",
            AdoptResult::Protected => "protected user",
            AdoptResult::Over => "expired",
            AdoptResult::Failed => "failed",
        };
        let result = match &self.message {
            Some(message) => format!("{result}: {message}"),
            None => result.to_owned(),
        };
        vec![
            ("user", self.user_id.to_string()),
            ("level", self.level.to_owned()),
            ("ends", or_dash(self.ends)),
            ("reason", self.private_reason.clone()),
            ("result", result),
        ]
    }
}

impl From<&ImportVerdict> for AdoptResult {
    fn from(verdict: &ImportVerdict) -> Self {
        match verdict {
            ImportVerdict::Added | ImportVerdict::Replaced => Self::AdoptedRestriction,
            ImportVerdict::Unchanged => Self::Unchanged,
            ImportVerdict::AlreadyBanned(_)
            | ImportVerdict::InTheWay(_)
            | ImportVerdict::Differs(_)
            | ImportVerdict::Taken(_) => Self::AlreadyBanned,
            ImportVerdict::Protected => Self::Protected,
            ImportVerdict::Over => Self::Over,
        }
    }
}

pub async fn adopt(args: AdoptArgs, tools: &MirrorContext, output: Output) -> Result<()> {
    let enforcement = tools.enforcement(args.named).await?;
    let now = UnixMillis::now().seconds();
    let (mut shown, mut levels, mut candidates) = (Vec::new(), Vec::new(), Vec::new());
    for ((level, user), restriction) in foreign(&enforcement, tools).await? {
        match row(&args, level, &restriction) {
            Ok(row) => {
                levels.push(level);
                candidates.push(Candidate::from(row.incoming(now)));
            }
            Err(RowError::Invalid(what) | RowError::NotABan(what)) => {
                shown.push(AdoptedRestriction {
                    user_id: user,
                    level: restrictions::name(level),
                    ends: None,
                    private_reason: restriction.private_reason,
                    result: AdoptResult::Failed,
                    message: Some(what),
                })
            }
        }
    }
    let failed = shown.len();
    let verdicts = settle(&args, &enforcement, tools, &mut candidates).await?;
    let rows = levels.iter().zip(&candidates).zip(&verdicts);
    shown.extend(rows.map(|((level, candidate), verdict)| {
        let ban = candidate.incoming();
        AdoptedRestriction {
            user_id: ban.user,
            level: restrictions::name(*level),
            ends: Time::of(ban.terms.expires),
            private_reason: ban.terms.private_reason.clone(),
            result: verdict.into(),
            message: None,
        }
    }));
    shown.sort_by_key(|it| it.user_id);
    output.list(
        &shown,
        "Roblox's list has no bans that this workspace has not set",
    )?;
    if failed > 0 {
        bail!("{failed} restrictions could not be read and were not adopted");
    }
    Ok(())
}

/// Judges the bans and, unless it is a dry run, writes them.
async fn settle(
    args: &AdoptArgs,
    enforcement: &Mirror,
    tools: &MirrorContext,
    candidates: &mut [Candidate],
) -> Result<Vec<ImportVerdict>> {
    let workspace = workspace::find(&tools.store, args.named.place.workspace).await?;
    let plan = |dry_run| ImportPlan {
        workspace: workspace.guid,
        applied_in: std::collections::BTreeSet::new(),
        reporting: [enforcement.experience].into(),
        largest_own: 0,
        foreign: None,
        repeated: HashSet::new(),
        // What was adopted and lifted since is adopted again, since Roblox holds it still.
        again: true,
        dry_run,
    };
    let judging = tools.store.begin_import(&plan(true)).await?;
    let verdicts = judge(&judging, candidates).await?;
    let new = verdicts
        .iter()
        .filter(|it| **it == ImportVerdict::Added)
        .count();
    if new == 0 || args.safety.dry_run {
        return Ok(verdicts);
    }
    let question = format!(
        "Adopt {new} bans from universe {} as bans of experience {}?",
        enforcement.settings.universe, enforcement.experience
    );
    confirm(&question, args.safety.yes)?;
    let import = tools.store.begin_import(&plan(false)).await?;
    let verdicts = bring(&import, candidates).await?;
    note!(
        "`portcullis undo --key {}` lifts these bans again, at Roblox too",
        import.key_id()
    );
    Ok(verdicts)
}

/// The active restrictions that this workspace has not set, one of each user: the one that ends last.
async fn foreign(enforcement: &Mirror, tools: &MirrorContext) -> Result<Restrictions> {
    let (prefix, universe) = (enforcement.workspace, enforcement.settings.universe);
    let mut of_user: BTreeMap<UserId, (Level, Restriction)> = BTreeMap::new();
    for ((level, user), restriction) in at_roblox(enforcement, tools).await? {
        if !restriction.active {
            continue;
        }
        let sync = tools.store.restriction_sync(prefix, user, universe).await?;
        if set_by_us(sync.as_ref(), level).is_some() {
            continue;
        }
        let is_last = of_user
            .get(&user)
            .is_none_or(|(_, other)| other.ends() < restriction.ends());
        if is_last {
            of_user.insert(user, (level, restriction));
        }
    }
    let found = of_user.into_iter();
    Ok(found
        .map(|(user, (level, restriction))| ((level, user), restriction))
        .collect())
}

/// The ban that a restriction becomes: what the import of Roblox's list makes of it, with its reasons cut
/// to what a ban takes, since Roblox's list cannot be corrected.
fn row(args: &AdoptArgs, level: Level, restriction: &Restriction) -> Result<ImportedBan, RowError> {
    let public_reason = args.public_reason.clone();
    let defaults = ImportDefaults {
        experience: Some(args.named.experience),
        scope: Some(Scope::Experience),
        moderator: Some(args.moderator),
        private_reason: args.private_reason.clone(),
        public_reason: Some(public_reason.unwrap_or_else(|| NO_REASON.to_owned())),
    };
    let (private, public) = (&restriction.private_reason, &restriction.display_reason);
    let restriction = Restriction {
        place: match level {
            Level::Universe => None,
            Level::Place(place) => Some(place),
        },
        private_reason: kept(private, Terms::LONGEST_PRIVATE_REASON),
        display_reason: kept(public, Terms::LONGEST_PUBLIC_REASON),
        ..restriction.clone()
    };
    let row = of_restriction(&restriction, &defaults)?;
    Ok(ImportedBan {
        completed: true,
        ..row
    })
}

/// As much of a reason as a ban takes, in bytes, without characters that it does not take.
fn kept(text: &str, most: usize) -> String {
    let text = text.trim();
    let cut = text
        .get(..text.floor_char_boundary(most))
        .unwrap_or_default();
    let plain: String = cut.chars().filter(|c| !is_stripped(*c)).collect();
    let judged = shared::domain::text::judge(cut, most)
        .or_else(|_| shared::domain::text::judge(&plain, most));
    judged.unwrap_or_default().to_owned()
}

/// Control characters, embeddings, overrides and isolates.
fn is_stripped(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

async fn judge(import: &Import, candidates: &[Candidate]) -> Result<Vec<ImportVerdict>> {
    let mut verdicts = Vec::new();
    for batch in candidates.chunks(Import::BATCH) {
        let mut attempt = 0;
        verdicts.extend(loop {
            match import.judge(batch).await {
                Ok(verdicts) => break verdicts,
                Err(failure) => pause(failure, &mut attempt).await?,
            }
        });
    }
    Ok(verdicts)
}

async fn bring(import: &Import, candidates: &mut [Candidate]) -> Result<Vec<ImportVerdict>> {
    let total = u64::try_from(candidates.len()).ok();
    let mut progress = Progress::begin("bans adopted", total);
    let mut verdicts = Vec::new();
    for batch in candidates.chunks_mut(Import::BATCH) {
        let mut attempt = 0;
        let done = loop {
            match import.bring(batch).await {
                Ok(verdicts) => break verdicts,
                Err(failure) => pause(failure, &mut attempt).await?,
            }
        };
        progress.advance(u64::try_from(done.len()).unwrap_or_default());
        verdicts.extend(done);
    }
    progress.finish();
    Ok(verdicts)
}

/// Waits before another attempt, if there is to be one.
async fn pause(failure: ImportFailure, attempt: &mut u32) -> Result<()> {
    *attempt += 1;
    match failure {
        ImportFailure::Refused(error) => return Err(error.into()),
        ImportFailure::Busy(detail) if *attempt >= ATTEMPTS => {
            return Err(ApiError::Unavailable(detail).into());
        }
        ImportFailure::Conflict if *attempt >= ATTEMPTS => {
            bail!("other writers decide on these users just now: run this again");
        }
        ImportFailure::Busy(_) | ImportFailure::Conflict => {}
    }
    let pause = std::time::Duration::from_millis(100 << (*attempt).min(5));
    tokio::time::sleep(pause).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_kept_as_far_as_a_ban_takes_it() {
        assert_eq!(kept(" spam \n", 10), "spam");
        assert_eq!(kept("ääää", 5), "ää");
        assert_eq!(kept("a\u{1b}[31m\u{202e}b", 10), "a[31mb");
        for nothing in ["", "  ", "\u{7}", "\u{200b}"] {
            assert_eq!(kept(nothing, 10), "");
        }
    }
}
