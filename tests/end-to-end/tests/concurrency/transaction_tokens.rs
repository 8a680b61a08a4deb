//! Environments that start in the same instant, and so with the same random seed.

use end_to_end::{TestApp, Workspace};
use shared::domain::actor::Channel;
use shared::domain::ban_info::{BanPresenter, FlagFormat};
use shared::domain::clock::UnixMillis;
use shared::domain::ids::{ExperienceId, ModeratorId, UserId};
use shared::domain::rules::{BanRequest, Length, Scope};
use shared::moderation::{self, Authority, Intent};
use shared::store::{Actor, CallerLimits, Store, WriteContext};

use crate::audit::audit;

const ARENA: ExperienceId = ExperienceId::new(7_001).unwrap();
const ALICE: ModeratorId = ModeratorId::new(9).unwrap();

async fn ban(workspace: &Workspace<'_>, store: &Store, user: u64) {
    let (user, prefix) = (
        UserId::new(user).unwrap(),
        workspace.prefix().parse().unwrap(),
    );
    let call = WriteContext {
        user,
        prefix,
        link: store.link_of(prefix, ARENA.into()).await.unwrap(),
        actor: Actor {
            key_id: "operator".to_owned(),
            channel: Channel::Api,
            moderator: Some(ALICE),
            principal: None,
            request_id: format!("request-{user}"),
        },
        limits: CallerLimits::Operator,
        idempotency: None,
        digest: None,
        dry_run: None,
    };
    let request = BanRequest {
        user,
        place: ARENA.into(),
        scope: Scope::Experience,
        overwrite: false,
        applied: false,
        moderator: ALICE,
        private_reason: "aimbot".to_owned(),
        public_reason: "Cheating".to_owned(),
        length: Length::Permanent,
        universal: None,
    };
    let authority = Authority {
        may_decide_globally: true,
        limits: CallerLimits::Operator,
        #[expect(clippy::disallowed_methods, reason = "the operator sees everything")]
        presenter: BanPresenter::of_workspace(
            workspace.guid().parse().unwrap(),
            FlagFormat::Boolean,
            UnixMillis::now().seconds(),
        ),
        needs_vary_header: false,
    };
    let banned = moderation::ban(store, &call, &request, Intent::Ban, &authority, None).await;
    banned.unwrap_or_else(|error| panic!("{user}: {error:?}"));
}

/// The SDK takes transaction tokens from a generator seeded with the time since the machine
/// started, and an environment's machine starts with it. For ten minutes DynamoDB refuses another
/// transaction with the same token.
#[tokio::test]
async fn identical_cold_starts_use_distinct_tokens() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for user in 1..=3 {
        fastrand::seed(7);
        ban(&workspace, &app.another_store(), user).await;
    }
    assert_eq!(audit(&workspace).await.stored.records.len(), 3);
}
