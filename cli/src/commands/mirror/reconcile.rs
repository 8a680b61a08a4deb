//! `portcullis mirror reconcile`: compares Roblox's ban list with the bans in force.
//!
//! A repair changes no restriction itself: it corrects the experience's reports, which makes changes
//! pending for the mirror. Restrictions from elsewhere are listed but never changed.

use std::collections::BTreeSet;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::ids::{ExperienceId, UniverseId, UserId};
use shared::domain::rules::mirror::{self, Level, MirroredChanges, MirroredPlace};
use shared::domain::rules::{Expiry, RevisionRef, Scope};
use shared::integrations::roblox::Restriction;
use shared::store::{Filter, Mirror};

use super::restrictions::{self, at_roblox, set_by_us};
use super::settings::universe;
use super::{FoundMirror, NamedMirror, OpenCloudContext};
use crate::arguments::SafetyArgs;
use crate::confirm::confirm;
use crate::names::{NamedUser, UserNames};
use crate::output::{Output, Printable};
use crate::times::{Time, or_dash};

/// How far ends may differ, in seconds: retries make a restriction end a little later.
const TOLERANCE: u64 = 15 * 60;

/// The actor of the corrected reports.
const BY: &str = "reconcile";

#[derive(Debug, Args)]
pub struct ReconcileArgs {
    #[command(flatten)]
    named: NamedMirror,

    /// The universe, if the experience was mirrored to several.
    #[arg(long, value_name = "ID", value_parser = universe)]
    universe: Option<UniverseId>,

    /// Mark differences as not applied, so that the mirror fixes them.
    #[arg(long)]
    repair: bool,

    #[command(flatten)]
    safety: SafetyArgs,
}

impl ReconcileArgs {
    pub const fn repairs(&self) -> bool {
        self.repair
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Difference {
    #[serde(flatten)]
    user: NamedUser,
    /// `universe` or `place`.
    level: &'static str,
    kind: DifferenceKind,
    /// The end of the ban here; `null` for a permanent or missing ban.
    ends_here: Option<Time>,
    /// The end of the restriction on Roblox.
    ends_there: Option<Time>,
    /// The experience for which this workspace has set the restriction.
    set_for_experience: Option<ExperienceId>,
    /// Whether the mirror has yet to apply it: it is pending already, or was just repaired.
    pending: bool,
    #[serde(skip)]
    repair: Option<CorrectReport>,
}

/// The corrected report of the experience.
#[derive(Clone, Copy, Debug)]
enum CorrectReport {
    Banned(RevisionRef),
    NotBanned,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum DifferenceKind {
    /// Banned here, not on Roblox.
    MissingThere,
    /// Restricted on Roblox because of a ban here that has ended.
    EndedHere,
    /// Restricted on Roblox by this workspace, without a ban that needs it.
    SetByThisWorkspace,
    /// Restricted on Roblox from elsewhere.
    MadeElsewhere,
    /// End or reason differ.
    Differs,
}

impl Printable for Difference {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let kind = match self.kind {
            DifferenceKind::MissingThere => "banned here, not on Roblox",
            DifferenceKind::EndedHere => "ended here, still restricted on Roblox",
            DifferenceKind::SetByThisWorkspace => "set by this workspace, needed by no ban",
            DifferenceKind::MadeElsewhere => "restricted on Roblox, not by this workspace",
            DifferenceKind::Differs => "end or reason differs on Roblox",
        };
        vec![
            ("user", self.user.cell()),
            ("level", self.level.to_owned()),
            (
                "difference",
                match self.set_for_experience {
                    Some(experience) => format!("{kind}, set for experience {experience}"),
                    None => kind.to_owned(),
                },
            ),
            ("ends here", or_dash(self.ends_here)),
            ("ends on Roblox", or_dash(self.ends_there)),
            (
                "mirror",
                if self.pending { "queued" } else { "-" }.to_owned(),
            ),
        ]
    }
}

impl Difference {
    /// The same, with what is known of who has set the restriction.
    fn recognised(self, ours: Option<RevisionRef>) -> Self {
        let kind = match (self.kind, ours) {
            (DifferenceKind::MadeElsewhere, Some(_)) => DifferenceKind::SetByThisWorkspace,
            (kind, _) => kind,
        };
        Self {
            kind,
            set_for_experience: ours.map(|revision| revision.made_in),
            ..self
        }
    }
}

pub async fn reconcile(
    args: ReconcileArgs,
    tools: &OpenCloudContext,
    names: &UserNames,
    output: Output,
) -> Result<()> {
    let mirrored = tools.mirror_or_ended(args.named, args.universe).await?;
    let mut differences = differences(&mirrored, tools).await?;
    let mirror = &mirrored.mirror;
    if mirrored.is_ended {
        note!(
            "Experience {} is no longer mirrored. `portcullis mirror off {0} --lift` lifts what this \
             workspace has set.",
            mirror.experience
        );
    }
    let repairs = differences.iter().filter(|it| it.repair.is_some()).count();
    if args.repair && repairs > 0 && !args.safety.dry_run {
        let question = format!(
            "Mark {repairs} differences as not applied, so that the mirror fixes them on Roblox?"
        );
        confirm(&question, args.safety.yes)?;
        let (prefix, experience) = (mirror.workspace, mirror.experience);
        for difference in &mut differences {
            let state = match difference.repair {
                None => continue,
                Some(CorrectReport::Banned(revision)) => Some(revision),
                Some(CorrectReport::NotBanned) => None,
            };
            let user = difference.user.id;
            let reporting = tools
                .store
                .report_applied(prefix, user, experience, state, BY);
            reporting.await?;
            difference.pending = true;
        }
    } else if repairs > 0 && !args.repair {
        note!("{repairs} of these differences can be repaired: add --repair.");
    }
    names
        .complete(
            &tools.store,
            mirror.workspace,
            differences.iter_mut().map(|row| &mut row.user),
        )
        .await;
    output.list(&differences, "Roblox's list matches the bans in force here")
}

async fn differences(mirrored: &FoundMirror, tools: &OpenCloudContext) -> Result<Vec<Difference>> {
    let mirror = &mirrored.mirror;
    let (store, prefix) = (&tools.store, mirror.workspace);
    let (universe, experience) = (mirror.settings.universe, mirror.experience);
    let levels = [Level::Universe, Level::Place(experience)];
    let held = at_roblox(mirror, tools).await?;
    let mut users: BTreeSet<UserId> = held.keys().map(|(_, user)| *user).collect();
    if !mirrored.is_ended {
        users.extend(banned(mirror, tools).await?);
    }
    let all = store.mirrors_of(prefix).await?;
    let siblings = all.iter().filter(|it| it.settings.universe == universe);
    let siblings: Vec<ExperienceId> = siblings.map(|it| it.experience).collect();
    let now = UnixMillis::now().seconds();
    let mut differences = Vec::new();
    for user in users {
        let state = store.sync_state(prefix, user, universe, &siblings).await?;
        let all = |_| MirroredChanges {
            bans: true,
            unbans: true,
        };
        let sync = state.sync;
        let places = store
            .mirrored_places(prefix, user, state.standings, all)
            .await?;
        for level in levels {
            let there = held.get(&(level, user)).filter(|it| it.active);
            let found = compare(&places, experience, level, user, there, now);
            differences.extend(found.map(|found| {
                let ours = set_by_us(sync.as_ref(), level).filter(|_| there.is_some());
                found.recognised(ours)
            }));
        }
    }
    Ok(differences)
}

/// The difference for one user at one level.
fn compare(
    places: &[MirroredPlace],
    experience: ExperienceId,
    level: Level,
    user: UserId,
    there: Option<&Restriction>,
    now: UnixSeconds,
) -> Option<Difference> {
    let here = mirror::wanted(places, level, now);
    let Some(own) = places.iter().find(|place| place.experience == experience) else {
        // The experience is no longer mirrored, so there is nothing to repair.
        let there = there.filter(|_| here.is_none())?;
        return Some(Difference {
            user: user.into(),
            level: restrictions::name(level),
            kind: DifferenceKind::MadeElsewhere,
            set_for_experience: None,
            ends_here: None,
            ends_there: Time::of(there.ends()),
            pending: false,
            repair: None,
        });
    };
    let changes = own.standing.pending();
    let pending = changes.ban_at(now).is_some() || changes.unban_at(now).is_some();
    // The reports of another experience are corrected when that one is reconciled.
    let is_own = own
        .standing
        .counting(now)
        .is_some_and(|ban| Some(ban) == here);
    let (kind, repair) = match (here, there) {
        (None, None) => return None,
        (Some(_), None) => (
            DifferenceKind::MissingThere,
            is_own.then_some(CorrectReport::NotBanned),
        ),
        (Some(ban), Some(there)) => {
            // A restriction without a reason matches any: adopted ones may have none.
            let agrees = there.private_reason.is_empty() || there.says(&ban.terms);
            if is_near(ban.terms.expires, there.ends()) && agrees {
                return None;
            }
            (
                DifferenceKind::Differs,
                is_own.then_some(CorrectReport::NotBanned),
            )
        }
        (None, Some(there)) => {
            let bans = [Scope::Experience, Scope::Global].map(|it| own.standing.latest_in(it));
            let known = bans
                .into_iter()
                .flatten()
                .find(|ban| there.says(&ban.terms));
            let is_free = own.standing.counting(now).is_none();
            match known {
                Some(ban) => {
                    let is_level = Level::of(ban, experience) == level;
                    let repair =
                        (is_free && is_level).then(|| CorrectReport::Banned(ban.current()));
                    (DifferenceKind::EndedHere, repair)
                }
                None => (DifferenceKind::MadeElsewhere, None),
            }
        }
    };
    Some(Difference {
        user: user.into(),
        level: restrictions::name(level),
        kind,
        set_for_experience: None,
        ends_here: here.and_then(|ban| Time::of(ban.terms.expires)),
        ends_there: there.and_then(|it| Time::of(it.ends())),
        pending,
        repair: repair.filter(|_| !pending),
    })
}

fn is_near(here: Expiry, there: Expiry) -> bool {
    match (here, there) {
        (Expiry::At(here), Expiry::At(there)) => here.0.abs_diff(there.0) <= TOLERANCE,
        (here, there) => here == there,
    }
}

/// The users with a ban in force in the experience.
async fn banned(mirror: &Mirror, tools: &OpenCloudContext) -> Result<BTreeSet<UserId>> {
    let filter = Filter::default();
    let mut bans = tools.store.ban_list(mirror.workspace, &filter, None, None);
    let now = UnixMillis::now().seconds();
    let mut users = BTreeSet::new();
    while let Some(recorded) = bans.next().await? {
        let ban = recorded.ban;
        let is_here = ban.scope == Scope::Global || ban.made_in == mirror.experience;
        if is_here && ban.holds(now) {
            users.insert(ban.user);
        }
    }
    Ok(users)
}
