//! A moderator who bans at the console. Each decision is made by a member of its own, because a decision is
//! recognised in the history by its moderator.

use shared::domain::clock::UnixSeconds;
use shared::domain::ids::UserId;
use shared::domain::members::{DiscordId, Member, MemberId, MemberPermission, MemberPermissions};
use shared::domain::rules::{BanRequest, Length, Scope};

use super::{Client, moderator};
use crate::history::Operation;

/// Bans until the run is over, with moderator numbers from `first`.
pub(super) async fn ban(mut client: Client<'_>, first: u64) {
    let mut count = 0;
    while client.pause(400, 2_500).await {
        count += 1;
        let Some(request) = decision(&mut client, first, count) else {
            continue;
        };
        let Some(form) = Form::of(&client, &request).await else {
            continue;
        };
        client
            .recorder
            .submit(client.workspace, &client.name, form, request)
            .await;
    }
}

/// A form that a signed-in member sends.
#[derive(Debug)]
pub struct Form {
    pub cookie: String,
    pub fields: Vec<(&'static str, String)>,
}

impl Form {
    /// The form of a ban by a new member; none if the database fails.
    async fn of(client: &Client<'_>, request: &BanRequest) -> Option<Self> {
        let workspace = client.recorder.workspaces.get(client.workspace)?;
        let (store, prefix) = (client.recorder.app.store(), workspace.id().prefix());
        let now = UnixSeconds(client.recorder.now() / 1_000);
        let number = request.moderator.get();
        let member = new_member(client, request, None).await?;
        let session = store.begin_session(prefix, member.id, now).await.ok()?;
        let name = store.workspace(prefix).await.ok()??.name;
        let length = match request.length {
            Length::For(seconds) => format!("{seconds}s"),
            _ => String::new(),
        };
        let is_global = request.scope == Scope::Global;
        let fields = vec![
            ("csrf", session.csrf_token()),
            ("key", format!("{number}")),
            ("user", request.user.to_string()),
            (
                "scope",
                if is_global { "global" } else { "experience" }.to_owned(),
            ),
            ("experience", request.place.to_string()),
            (
                "length",
                if length.is_empty() { "forever" } else { "own" }.to_owned(),
            ),
            ("own", length),
            ("public_reason", request.public_reason.clone()),
            ("private_reason", request.private_reason.clone()),
            ("workspace", name),
        ];
        Some(Self {
            cookie: format!("__Host-portcullis={}", session.reveal()),
            fields,
        })
    }
}

/// A member of their own for a decision, who may ban; none if the database fails.
pub(super) async fn new_member(
    client: &Client<'_>,
    request: &BanRequest,
    discord: Option<DiscordId>,
) -> Option<Member> {
    let workspace = client.recorder.workspaces.get(client.workspace)?;
    let number = request.moderator.get();
    let member = Member {
        id: MemberId::random(),
        name: format!("Moderator {number}").parse().ok()?,
        discord,
        roblox: UserId::new(number),
        granted: MemberPermissions::default().with(MemberPermission::ManageGlobalBans),
        added: UnixSeconds(client.recorder.now() / 1_000),
        removed: None,
        checked: Vec::new(),
    };
    let store = client.recorder.app.store();
    let added = store.add_member(workspace.id().prefix(), &member).await;
    added.ok()?.ok()?;
    Some(member)
}

/// A new ban: permanent, or one that expires during the run.
pub(super) fn decision(client: &mut Client<'_>, first: u64, count: u64) -> Option<BanRequest> {
    let longest = client.recorder.left().as_secs() + 4;
    let (user, experience) = (client.user()?, client.experience()?);
    let request = BanRequest {
        user,
        place: experience.into(),
        scope: if client.chance(40) {
            Scope::Global
        } else {
            Scope::Experience
        },
        overwrite: false,
        applied: false,
        moderator: moderator(first, count)?,
        private_reason: format!("console {count}"),
        public_reason: "Cheating".to_owned(),
        length: if client.chance(50) {
            Length::Permanent
        } else {
            Length::For(client.rng.u64(2..12).min(longest))
        },
        universal: None,
    };
    Some(request)
}

/// What a form asks for, as a call of the API would.
pub fn operation(request: BanRequest) -> Operation {
    Operation::Ban {
        request,
        appeal: false,
    }
}
