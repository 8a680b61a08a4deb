//! What a ban would do: the output of a dry run, and the reason to ask for confirmation.

use anyhow::Result;
use serde::Serialize;
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::error::ApiError;
use shared::domain::ids::{ExperienceId, UserId};
use shared::domain::places::Resolved;
use shared::domain::rules::{self, Ban, BanRequest, Expiry, Judgement, Scope};
use shared::moderation::Intent;
use shared::store::{Store, Workspace};

use crate::ban_summary::{BanSummary, in_place, lasting};
use crate::names::NamedUser;
use crate::output::Printable;
use crate::times::Time;

/// A ban shorter than this, in seconds, is probably a mistake in the unit.
pub const SHORT: u64 = 3600;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BanPreview {
    dry_run: bool,
    would: BanAction,
    #[serde(flatten)]
    pub user: NamedUser,
    experience_id: ExperienceId,
    is_global: bool,
    expires_at: Option<Time>,
    in_force: Option<BanSummary>,
    #[serde(skip)]
    expires: Expiry,
    #[serde(skip)]
    now: UnixSeconds,
    #[serde(skip)]
    before: Option<Ban>,
    #[serde(skip)]
    workspace: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum BanAction {
    Ban,
    Change,
    Appeal,
    Confirm,
    Nothing,
    /// The user is banned, and `--overwrite` is missing.
    RefuseAsBanned,
    RefuseAsProtected,
    /// There is no ban for an appeal to end.
    RefuseAsNotBanned,
}

impl BanPreview {
    /// Applies the rules to what is stored, without writing.
    pub async fn of(
        store: &Store,
        workspace: &Workspace,
        request: &BanRequest,
        place: Resolved,
        intent: Intent,
    ) -> Result<Self> {
        let prefix = workspace.guid.prefix();
        let standing = store.steady_standing(prefix, request.user, place).await?;
        let standing = &standing;
        let now = UnixMillis::now().seconds();
        let before = standing.in_force(request.scope, now).cloned();
        let would = match (intent, &before) {
            (Intent::Appeal, Some(_)) => BanAction::Appeal,
            (Intent::Appeal, None) => BanAction::RefuseAsNotBanned,
            (Intent::Ban, _) => match rules::judge_ban(standing, request, None, &[], now) {
                Ok(Judgement::Nothing) => BanAction::Nothing,
                Ok(Judgement::Report(_)) => BanAction::Confirm,
                Ok(Judgement::Make | Judgement::Overwrite)
                    if is_protected(store, workspace, request.user).await? =>
                {
                    BanAction::RefuseAsProtected
                }
                Ok(Judgement::Make) => BanAction::Ban,
                Ok(Judgement::Overwrite) => BanAction::Change,
                Err(_) => BanAction::RefuseAsBanned,
            },
        };
        let applied = |ban: &Ban| standing.here.report == Some(ban.current());
        let expires = request.length.from(now);
        Ok(Self {
            dry_run: true,
            would,
            user: request.user.into(),
            experience_id: place.experience,
            is_global: request.scope == Scope::Global,
            expires_at: Time::of(expires),
            in_force: before
                .as_ref()
                .map(|ban| BanSummary::new(workspace.guid, ban, applied(ban), now)),
            expires,
            now,
            before,
            workspace: workspace.name.clone(),
        })
    }

    /// Fails with the error that the call would return.
    pub fn refuse(&self) -> Result<()> {
        Err(match self.would {
            BanAction::RefuseAsBanned => anyhow::anyhow!(crate::connection::ALREADY_BANNED),
            BanAction::RefuseAsProtected => ApiError::ProtectedUser.into(),
            BanAction::RefuseAsNotBanned => {
                ApiError::NotFound("the user has no ban in force in this scope").into()
            }
            _ => return Ok(()),
        })
    }

    /// The confirmation prompt, if one is needed.
    pub fn question(&self) -> Option<String> {
        let is_permanent = self.expires == Expiry::Never;
        let is_short = match self.expires {
            Expiry::At(at) => at.0.saturating_sub(self.now.0) < SHORT,
            Expiry::Never => false,
        };
        match self.would {
            BanAction::Change => Some(format!("{}?", self.sentence())),
            BanAction::Ban if is_short || (self.is_global && is_permanent) => {
                Some(format!("{}?", self.sentence()))
            }
            _ => None,
        }
    }

    /// What would happen: `Ban 156 in experience 7 for 7 days (until …)`.
    fn sentence(&self) -> String {
        let user = &self.user;
        let place = if self.is_global {
            format!("in every experience of {:?}", self.workspace)
        } else {
            format!("in experience {}", self.experience_id)
        };
        let lasting = lasting(self.expires, self.now);
        match (self.would, &self.before) {
            (BanAction::Change, Some(before)) => {
                let old = self::lasting(before.terms.expires, self.now);
                let why = &before.terms.private_reason;
                format!(
                    "Change the ban of {user} {} ({why:?}), which still lasts {old}, to last \
                     {lasting}",
                    in_place(before)
                )
            }
            (BanAction::Appeal, _) => {
                format!("End the ban of {user} {place} for an accepted appeal")
            }
            (BanAction::Confirm, _) => "Record that the experience has applied the ban".to_owned(),
            (BanAction::Nothing, _) => {
                "Change nothing: the ban in force already has these terms".to_owned()
            }
            _ => format!("Ban {user} {place} {lasting}"),
        }
    }
}

impl Printable for BanPreview {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![("would", self.sentence())];
        fields.extend(self.in_force.iter().flat_map(Printable::fields));
        fields
    }
}

async fn is_protected(store: &Store, workspace: &Workspace, user: UserId) -> Result<bool> {
    let protected = store.protected_users(workspace.guid.prefix()).await?;
    Ok(protected.iter().any(|(id, _)| *id == user))
}
