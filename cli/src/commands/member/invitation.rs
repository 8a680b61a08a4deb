//! The link with which a member signs in.

use anyhow::{Context, Result, bail};
use serde::Serialize;
use shared::domain::clock::UnixMillis;
use shared::domain::members::{INVITATION_VALID, Member, MemberId, MemberPermission};
use shared::store::Workspace;

use crate::connection::Connection;
use crate::output::{Output, Printable};
use crate::times::Time;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct InvitationLink {
    member_id: MemberId,
    name: String,
    link: String,
    expires: Time,
}

impl Printable for InvitationLink {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("member", self.name.clone()),
            ("link", self.link.clone()),
            ("valid until", self.expires.shown()),
        ]
    }
}

pub async fn invite(
    connection: &Connection,
    workspace: &Workspace,
    member: &Member,
    output: Output,
) -> Result<()> {
    if member.removed.is_some() {
        bail!("{} was removed: add them again first", member.name);
    }
    let store = connection.store();
    let prefix = workspace.guid.prefix();
    let now = UnixMillis::now().seconds();
    let rules = store.permission_rules(prefix).await?;
    if !member
        .permissions(&rules, now)
        .allows(MemberPermission::View)
    {
        warning!(
            "{} may see nothing yet: grant a permission with `portcullis permission grant`",
            member.name
        );
    }
    let api = connection
        .api_url()
        .context("no URL of the API is known: pass --stack, or run this with `make dev`")?;
    let token = store.invite(prefix, member.id, now).await?;
    let root = api.trim_end_matches('/').trim_end_matches("/api/v1");
    output.one(&InvitationLink {
        member_id: member.id,
        name: member.name.to_string(),
        link: format!("{root}/console/sign-in/{}", token.reveal()),
        expires: Time(now.plus(INVITATION_VALID)),
    })?;
    note!("The first person to open the link is signed in as this member. Send it in private.");
    Ok(())
}
