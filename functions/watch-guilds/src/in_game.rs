//! Bans and unbans the player behind a Discord user in every experience.

use shared::domain::account_links::{LinkProof, LinkSide};
use shared::domain::actor::Channel;
use shared::domain::ban_info::{BanPresenter, FlagFormat};
use shared::domain::clock::UnixMillis;
use shared::domain::discord::{GuildBanChange, GuildCause, GuildRules, RuleFault};
use shared::domain::error::ApiError;
use shared::domain::history::LogEvent;
use shared::domain::idempotency::IdempotencyKey;
use shared::domain::ids::{ExperienceId, ModeratorId};
use shared::domain::rules::{BanRequest, Length, Meaning, Scope, UnbanRequest};
use shared::moderation::{self, Authority, Intent, SeenBan, SeenOutcome, lift_seen};
use shared::store::{
    Actor, CallerLimits, LinkRights, Named, Shows, Store, WatchedGuild, WriteContext,
};

use crate::rules::Followed;

const PUBLIC_REASON: &str = "Banned from the community's Discord server.";
const LIFTED_REASON: &str = "Unbanned in the community's Discord server.";

/// What the decisions of an event have in common.
struct Deciding<'a> {
    store: &'a Store,
    cause: GuildCause,
    context: WriteContext,
    authority: Authority,
    experience: ExperienceId,
    private_reason: String,
}

/// Decides what a change in the guild demands; twice for one event has no second effect.
pub async fn carry(
    store: &Store,
    watched: &WatchedGuild,
    cause: GuildCause,
    event: &LogEvent,
) -> Result<Followed, ApiError> {
    let side = LinkSide::Discord(cause.discord);
    let link = store.account_link(watched.workspace, side).await?;
    let is_proven = |proof| proof == LinkProof::Code;
    if !link.is_some_and(|link| link.pair.roblox == cause.player && is_proven(link.proof)) {
        return Ok(Followed::Nothing);
    }
    let Some(experience) = store.first_experience(watched.workspace).await? else {
        return Ok(Followed::Skipped(RuleFault::NoExperience));
    };
    let Some(deciding) = Deciding::begin(store, watched, cause, event, experience).await? else {
        return Ok(Followed::Nothing);
    };
    let decided = match cause.change {
        GuildBanChange::Banned => deciding.ban().await,
        GuildBanChange::Unbanned => deciding.unban().await,
    };
    match decided {
        Ok(true) => Ok(Followed::Done),
        Ok(false) | Err(ApiError::AlreadyBanned { .. }) => Ok(Followed::Nothing),
        Err(ApiError::ProtectedUser) => Ok(Followed::Skipped(RuleFault::Protected)),
        // What is refused now is refused again.
        Err(error) if error.status() < 500 => Ok(Followed::Skipped(RuleFault::Refused)),
        Err(error) => Err(error),
    }
}

impl<'a> Deciding<'a> {
    /// None if the workspace is gone.
    async fn begin(
        store: &'a Store,
        watched: &WatchedGuild,
        cause: GuildCause,
        event: &LogEvent,
        experience: ExperienceId,
    ) -> Result<Option<Self>, ApiError> {
        let prefix = watched.workspace;
        let Some(workspace) = store.known_workspace(prefix).await? else {
            return Ok(None);
        };
        let rights = LinkRights {
            prefix,
            may_write: false,
        };
        let actor = GuildRules::actor(watched.guild);
        let once = format!("{actor}-{}", event.id());
        let meaning = Meaning::of_parts(&[&once]);
        let context = WriteContext {
            user: cause.player,
            prefix,
            link: store.check_link(rights, experience.into()).await?,
            actor: Actor {
                key_id: actor,
                channel: Channel::Discord,
                moderator: None,
                principal: None,
                request_id: once.clone(),
            },
            limits: CallerLimits::Operator,
            idempotency: Some(Named {
                key: IdempotencyKey::of_form(&once, &meaning),
                shows: Shows::Latest(Scope::Global),
            }),
            digest: None,
            dry_run: None,
        };
        let now = UnixMillis::now().seconds();
        let authority = Authority {
            may_decide_globally: true,
            limits: CallerLimits::Operator,
            #[expect(clippy::disallowed_methods, reason = "no caller sees a ban")]
            presenter: BanPresenter::of_workspace(workspace.guid, FlagFormat::Boolean, now),
            needs_vary_header: false,
        };
        Ok(Some(Self {
            store,
            cause,
            context,
            authority,
            experience,
            private_reason: format!("Banned in the Discord server {}.", watched.guild),
        }))
    }

    /// Bans the player; `false` if that was done before.
    async fn ban(&self) -> Result<bool, ApiError> {
        let request = BanRequest {
            user: self.cause.player,
            place: self.experience.into(),
            scope: Scope::Global,
            overwrite: false,
            applied: false,
            moderator: ModeratorId::NOBODY,
            private_reason: self.private_reason.clone(),
            public_reason: PUBLIC_REASON.to_owned(),
            length: Length::Permanent,
            universal: None,
        };
        let (store, context) = (self.store, &self.context);
        let banning = moderation::ban(store, context, &request, Intent::Ban, &self.authority, None);
        Ok(!banning.await?.is_repeat())
    }

    /// Lifts the Global ban that the rule has made and that nobody has changed since; `false` without one.
    async fn unban(&self) -> Result<bool, ApiError> {
        let (store, context) = (self.store, &self.context);
        let found = store.global_ban_record(context.prefix, self.cause.player);
        let Some(record) = found.await? else {
            return Ok(false);
        };
        let is_of_rule = record
            .last_by
            .is_some_and(|by| by.id == context.actor.key_id);
        if !is_of_rule {
            return Ok(false);
        }
        let request = UnbanRequest {
            user: self.cause.player,
            place: self.experience.into(),
            reason: Some(LIFTED_REASON.to_owned()),
            moderator: None,
            applied: false,
            report_only: false,
            from_game: false,
        };
        let seen = SeenBan {
            guid: record.ban.guid,
            scope: Scope::Global,
            decisions: record.ban.decisions,
        };
        let lifting = lift_seen(store, context, &request, seen, &self.authority);
        Ok(matches!(lifting.await?, SeenOutcome::Decided(_)))
    }
}
