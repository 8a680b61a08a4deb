//! Bans that the studio has set at Roblox itself, taken over as bans of the workspace.
//!
//! Each counts as applied by the experience, so that the mirror does not send it again.

use std::collections::{BTreeMap, HashSet};

use anyhow::{Result, bail};
use clap::Args;
use serde::Serialize;
use shared::clock::Timestamp;
use shared::error::ApiError;
use shared::ids::{ExperienceId, ModeratorId, UserId};
use shared::roblox::Restriction;
use shared::rules::enforcing::Level;
use shared::rules::{Expiry, Scope, Terms};
use shared::store::{
    Candidate, Enforcement, Import, ImportFailure, ImportPlan, Incoming, Origin, Verdict,
};

use super::restrictions::{self, Restrictions, at_roblox, set_by_us};
use super::{Named, Tools};
use crate::arguments::{Caution, moderator, reason};
use crate::commands::workspace;
use crate::confirm::confirm;
use crate::output::{Output, Record};
use crate::progress::Progress;
use crate::times::{Time, or_dash};

/// The reason of a restriction that has none that can be kept.
const NO_REASON: &str = "Banned on Roblox before.";

/// How often a ban is tried that the database is too busy for, or that another writer decides on.
const ATTEMPTS: u32 = 8;

#[derive(Debug, Args)]
pub struct AdoptArgs {
    #[command(flatten)]
    named: Named,

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
    caution: Caution,
}

/// A restriction, and what becomes of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Adopted {
    user_id: UserId,
    /// `universe` or `place`.
    level: &'static str,
    /// Null is never.
    ends: Option<Time>,
    private_reason: String,
    result: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    Adopted,
    /// It was adopted before.
    Unchanged,
    /// The workspace has a ban of this user.
    AlreadyBanned,
    /// The user is protected.
    Protected,
    /// It ended meanwhile.
    Over,
}

impl Record for Adopted {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let result = match self.result {
            Outcome::Adopted => "adopted",
            Outcome::Unchanged => "adopted before",
            Outcome::AlreadyBanned => "already banned here",
            Outcome::Protected => "protected user",
            Outcome::Over => "over",
        };
        vec![
            ("user", self.user_id.to_string()),
            ("level", self.level.to_owned()),
            ("ends", or_dash(self.ends)),
            ("reason", self.private_reason.clone()),
            ("result", result.to_owned()),
        ]
    }
}

impl From<&Verdict> for Outcome {
    fn from(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Added | Verdict::Replaced => Self::Adopted,
            Verdict::Unchanged => Self::Unchanged,
            Verdict::AlreadyBanned(_)
            | Verdict::InTheWay(_)
            | Verdict::Differs(_)
            | Verdict::Taken(_) => Self::AlreadyBanned,
            Verdict::Protected => Self::Protected,
            Verdict::Over => Self::Over,
        }
    }
}

pub async fn adopt(args: AdoptArgs, tools: &Tools, output: Output) -> Result<()> {
    let enforcement = tools.enforcement(args.named).await?;
    let found = foreign(&enforcement, tools).await?;
    let (levels, bans): (Vec<_>, Vec<_>) = found
        .iter()
        .map(|((level, user), it)| (*level, incoming(&args, *user, *level, it)))
        .unzip();
    let mut candidates: Vec<Candidate> = bans.into_iter().map(Candidate::from).collect();
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
    let mut verdicts = judge(&judging, &mut candidates).await?;
    let new = verdicts.iter().filter(|it| **it == Verdict::Added).count();
    if new > 0 && !args.caution.dry_run {
        let question = format!(
            "Adopt {new} bans from universe {} as bans of experience {}?",
            enforcement.settings.universe, enforcement.experience
        );
        confirm(&question, args.caution.yes)?;
        let import = tools.store.begin_import(&plan(false)).await?;
        verdicts = bring(&import, &mut candidates).await?;
        eprintln!(
            "`portcullis undo --key {}` lifts these bans again, at Roblox too",
            import.key_id()
        );
    }
    let rows = levels.iter().zip(&candidates).zip(&verdicts);
    let shown: Vec<_> = rows
        .map(|((level, candidate), verdict)| {
            let ban = candidate.incoming();
            Adopted {
                user_id: ban.user,
                level: restrictions::name(*level),
                ends: Time::of(ban.terms.expires),
                private_reason: ban.terms.private_reason.clone(),
                result: verdict.into(),
            }
        })
        .collect();
    output.list(
        &shown,
        "Roblox holds no bans that this workspace has not set",
    )
}

/// The active restrictions that this workspace has not set, one of each user: the one that ends last.
async fn foreign(enforcement: &Enforcement, tools: &Tools) -> Result<Restrictions> {
    let (tag, universe) = (enforcement.workspace, enforcement.settings.universe);
    let mut of_user: BTreeMap<UserId, (Level, Restriction)> = BTreeMap::new();
    for ((level, user), restriction) in at_roblox(enforcement, tools).await? {
        if !restriction.active {
            continue;
        }
        let application = tools.store.application(tag, user, universe).await?;
        if set_by_us(application.as_ref(), level).is_some() {
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

/// The ban that a restriction becomes.
fn incoming(args: &AdoptArgs, user: UserId, level: Level, restriction: &Restriction) -> Incoming {
    let text = |given: &str, most: usize, instead: &Option<String>| {
        kept(given, most)
            .or_else(|| instead.clone())
            .unwrap_or_else(|| NO_REASON.to_owned())
    };
    let (private, public) = (&restriction.private_reason, &restriction.display_reason);
    let made_in: ExperienceId = args.named.experience;
    Incoming {
        user,
        scope: Scope::Experience,
        made_in,
        terms: Terms {
            moderator: args.moderator,
            private_reason: text(private, Terms::LONGEST_PRIVATE_REASON, &args.private_reason),
            public_reason: text(public, Terms::LONGEST_PUBLIC_REASON, &args.public_reason),
            expires: whole(restriction.ends()),
            universal: level == Level::Universe,
        },
        created: restriction.start,
        updated: None,
        ending: None,
        origin: Origin::New,
        applied: true,
        replaced_by: None,
    }
}

/// As much of a reason as a ban takes, in bytes, without characters that it does not take; none if there
/// is nothing to keep.
fn kept(text: &str, most: usize) -> Option<String> {
    let text = text.trim();
    let cut = text.get(..text.floor_char_boundary(most))?;
    let plain: String = cut.chars().filter(|c| !is_stripped(*c)).collect();
    let judged = shared::text::judge(cut, most).or_else(|_| shared::text::judge(&plain, most));
    let kept = judged.ok().filter(|text| !text.is_empty());
    kept.map(str::to_owned)
}

/// Control characters, embeddings, overrides and isolates.
fn is_stripped(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// An end in the first second is no end.
fn whole(expires: Expiry) -> Expiry {
    match expires {
        Expiry::At(Timestamp(0)) => Expiry::Never,
        expires => expires,
    }
}

async fn judge(import: &Import, candidates: &mut [Candidate]) -> Result<Vec<Verdict>> {
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

async fn bring(import: &Import, candidates: &mut [Candidate]) -> Result<Vec<Verdict>> {
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
        assert_eq!(kept(" spam \n", 10).as_deref(), Some("spam"));
        assert_eq!(kept("ääää", 5).as_deref(), Some("ää"));
        assert_eq!(kept("a\u{1b}[31m\u{202e}b", 10).as_deref(), Some("a[31mb"));
        for nothing in ["", "  ", "\u{7}"] {
            assert_eq!(kept(nothing, 10), None);
        }
    }
}
