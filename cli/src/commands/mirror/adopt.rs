//! `portcullis mirror adopt`: imports bans that the studio has set on Roblox itself, with the rules of the
//! import format `roblox`.
//!
//! Adopted bans count as applied, so the mirror does not send them again.

use std::collections::{BTreeMap, HashSet};

use anyhow::{Result, bail};
use clap::Args;
use serde::Serialize;
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::ids::{ModeratorId, UserId};
use shared::domain::rules::mirror::Level;
use shared::domain::rules::{Scope, Terms};
use shared::domain::user_reference::UserReference;
use shared::integrations::roblox::Restriction;
use shared::store::Mirror;
use shared::store::admin::{Candidate, Import, ImportFailure, ImportPlan, ImportVerdict};

use super::restrictions::{self, Restrictions, at_roblox, set_by_us};
use super::{NamedMirror, OpenCloudContext};
use crate::arguments::{SafetyArgs, reason, user};
use crate::commands::workspace;
use crate::confirm::confirm;
use crate::import::{ImportDefaults, ImportedBan, RowError, of_restriction};
use crate::names::{NamedUser, UserNames};
use crate::output::{Output, Printable};
use crate::progress::Progress;
use crate::times::{Time, or_dash};

/// The reason for restrictions without a valid reason.
const NO_REASON: &str = "Banned on Roblox before.";

/// The number of attempts after throttling or write conflicts.
const ATTEMPTS: u32 = 8;

#[derive(Debug, Args)]
pub struct AdoptArgs {
    #[command(flatten)]
    named: NamedMirror,

    /// The Roblox user to record as the moderator: Roblox's list does not say who banned.
    #[arg(long, env = "PORTCULLIS_MODERATOR", value_name = "USER", value_parser = user)]
    moderator: UserReference,

    /// The reason shown to moderators, for bans without one on Roblox.
    #[arg(long, value_name = "TEXT", value_parser = reason(Terms::LONGEST_PRIVATE_REASON))]
    private_reason: Option<String>,

    /// The reason shown to players, for bans without one on Roblox.
    #[arg(long, value_name = "TEXT", value_parser = reason(Terms::LONGEST_PUBLIC_REASON))]
    public_reason: Option<String>,

    #[command(flatten)]
    safety: SafetyArgs,
}

/// A restriction and the result of adopting it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AdoptedRestriction {
    #[serde(flatten)]
    user: NamedUser,
    /// `universe` or `place`.
    level: &'static str,
    /// `null` for a permanent ban.
    ends: Option<Time>,
    private_reason: String,
    result: AdoptResult,
    /// Why it could not be adopted.
    message: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum AdoptResult {
    Adopted,
    /// It was adopted before.
    Unchanged,
    /// The workspace already bans this user.
    AlreadyBanned,
    /// The user is protected.
    Protected,
    /// It has expired.
    Over,
    /// It is invalid.
    Failed,
}

impl Printable for AdoptedRestriction {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let result = match self.result {
            AdoptResult::Adopted => "adopted",
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
            ("user", self.user.cell()),
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
            ImportVerdict::Added | ImportVerdict::Replaced => Self::Adopted,
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

pub async fn adopt(
    args: AdoptArgs,
    tools: &OpenCloudContext,
    names: &UserNames,
    output: Output,
) -> Result<()> {
    let mirror = tools.mirror(args.named).await?;
    let moderator = names.find(&tools.store, &args.moderator).await?.id.into();
    let now = UnixMillis::now().seconds();
    let (mut shown, mut levels, mut candidates) = (Vec::new(), Vec::new(), Vec::new());
    for ((level, user), restriction) in foreign(&mirror, tools).await? {
        match row(&args, moderator, level, &restriction) {
            Ok(row) => {
                levels.push(level);
                candidates.push(Candidate::from(row.incoming(now)));
            }
            Err(RowError::Invalid(what) | RowError::NotABan(what)) => {
                shown.push(AdoptedRestriction {
                    user: user.into(),
                    level: restrictions::name(level),
                    ends: None,
                    private_reason: restriction.private_reason,
                    result: AdoptResult::Failed,
                    message: Some(what),
                });
            }
        }
    }
    let failed = shown.len();
    let verdicts = adopt_all(&args, &mirror, tools, &mut candidates).await?;
    let rows = levels.iter().zip(&candidates).zip(&verdicts);
    shown.extend(rows.map(|((level, candidate), verdict)| {
        let ban = candidate.incoming();
        AdoptedRestriction {
            user: ban.user.into(),
            level: restrictions::name(*level),
            ends: Time::of(ban.terms.expires),
            private_reason: ban.terms.private_reason.clone(),
            result: verdict.into(),
            message: None,
        }
    }));
    shown.sort_by_key(|it| it.user.id);
    names
        .complete(
            &tools.store,
            mirror.workspace,
            shown.iter_mut().map(|row| &mut row.user),
        )
        .await;
    output.list(&shown, "Roblox's ban list has no bans from elsewhere")?;
    if failed > 0 {
        bail!("{failed} restrictions are invalid and were not adopted");
    }
    Ok(())
}

/// Checks the bans and, unless it is a dry run, writes them.
async fn adopt_all(
    args: &AdoptArgs,
    mirror: &Mirror,
    tools: &OpenCloudContext,
    candidates: &mut [Candidate],
) -> Result<Vec<ImportVerdict>> {
    let workspace = workspace::find(&tools.store, args.named.place).await?;
    let plan = |dry_run| ImportPlan {
        workspace: workspace.guid,
        applied_in: std::collections::BTreeSet::new(),
        reporting: [mirror.experience].into(),
        largest_own: 0,
        foreign: None,
        repeated: HashSet::new(),
        // A ban that was adopted and lifted since is adopted again, because it is still on Roblox.
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
        mirror.settings.universe, mirror.experience
    );
    confirm(&question, args.safety.yes)?;
    let import = tools.store.begin_import(&plan(false)).await?;
    let verdicts = write(&import, candidates).await?;
    note!(
        "`portcullis undo --key {}` lifts these bans again, also on Roblox",
        import.key_id()
    );
    Ok(verdicts)
}

/// The active restrictions from elsewhere: for each user the one that ends last.
async fn foreign(mirror: &Mirror, tools: &OpenCloudContext) -> Result<Restrictions> {
    let (prefix, universe) = (mirror.workspace, mirror.settings.universe);
    let mut of_user: BTreeMap<UserId, (Level, Restriction)> = BTreeMap::new();
    for ((level, user), restriction) in at_roblox(mirror, tools).await? {
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

/// The ban for a restriction, as the import of Roblox's list creates it, but with reasons shortened to the
/// limits of a ban: unlike a file, Roblox's list cannot be corrected.
fn row(
    args: &AdoptArgs,
    moderator: ModeratorId,
    level: Level,
    restriction: &Restriction,
) -> Result<ImportedBan, RowError> {
    let public_reason = args.public_reason.clone();
    let defaults = ImportDefaults {
        experience: Some(args.named.experience),
        roots: BTreeMap::new(),
        scope: Some(Scope::Experience),
        moderator: Some(moderator),
        private_reason: args.private_reason.clone(),
        public_reason: Some(public_reason.unwrap_or_else(|| NO_REASON.to_owned())),
    };
    let (private, public) = (&restriction.private_reason, &restriction.display_reason);
    let restriction = Restriction {
        place: match level {
            Level::Universe => None,
            Level::Place(place) => Some(place),
        },
        private_reason: sanitized(private, Terms::LONGEST_PRIVATE_REASON),
        display_reason: sanitized(public, Terms::LONGEST_PUBLIC_REASON),
        ..restriction.clone()
    };
    let row = of_restriction(&restriction, &defaults)?;
    Ok(ImportedBan {
        applied: true,
        ..row
    })
}

/// Shortens a reason to `most` bytes and removes disallowed characters.
fn sanitized(text: &str, most: usize) -> String {
    let text = text.trim();
    let cut = text
        .get(..text.floor_char_boundary(most))
        .unwrap_or_default();
    let plain: String = cut.chars().filter(|c| !is_stripped(*c)).collect();
    let judged = shared::domain::text::judge(cut, most)
        .or_else(|_| shared::domain::text::judge(&plain, most));
    judged.unwrap_or_default().to_owned()
}

/// Control and bidirectional formatting characters.
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

async fn write(import: &Import, candidates: &mut [Candidate]) -> Result<Vec<ImportVerdict>> {
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

/// Waits before the next attempt; fails after the last one.
async fn pause(failure: ImportFailure, attempt: &mut u32) -> Result<()> {
    *attempt += 1;
    match failure {
        ImportFailure::Refused(error) => return Err(error.into()),
        ImportFailure::Busy(detail) if *attempt >= ATTEMPTS => {
            return Err(ApiError::Unavailable(detail).into());
        }
        ImportFailure::Conflict if *attempt >= ATTEMPTS => {
            bail!("too many write conflicts on these users: run this again");
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
    fn reasons_are_cut_and_stripped_to_what_a_ban_accepts() {
        assert_eq!(sanitized(" spam \n", 10), "spam");
        assert_eq!(sanitized("ääää", 5), "ää");
        assert_eq!(sanitized("a\u{1b}[31m\u{202e}b", 10), "a[31mb");
        for nothing in ["", "  ", "\u{7}", "\u{200b}"] {
            assert_eq!(sanitized(nothing, 10), "");
        }
    }
}
