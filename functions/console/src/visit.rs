//! A signed-in member's request, and the pages that answer it.

use std::sync::Arc;

use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use shared::api::PageRequest;
use shared::api::auth::{Administer, ModerateBans, Moderator, ViewBans};
use shared::domain::actor::Channel;
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::error::ApiError;
use shared::domain::ids::WorkspacePrefix;
use shared::domain::members::MemberPermission;
use shared::moderation::names::Names;
use shared::store::{SignedIn, Store};

use crate::csrf;
use crate::form::Submitted;
use crate::frame::{Frame, MenuItem, highest, initials};
use crate::headers;
use crate::look::Look;

/// A request by a member.
#[derive(Debug)]
pub struct Visit {
    pub request: PageRequest,
    pub store: Store,
    pub names: Arc<Names>,
    pub look: Look,
    pub signed_in: SignedIn,
    pub moment: UnixMillis,
}

impl Visit {
    pub fn now(&self) -> UnixSeconds {
        self.moment.seconds()
    }

    pub fn prefix(&self) -> WorkspacePrefix {
        self.signed_in.workspace.guid.prefix()
    }

    pub fn may(&self, permission: MemberPermission) -> bool {
        self.signed_in.permissions.allows(permission)
    }

    /// The member as one who may see bans.
    pub fn viewer(&self) -> Result<Moderator<ViewBans>, ApiError> {
        Moderator::of(&self.signed_in, Channel::Console)
    }

    /// The member as one who may ban.
    pub fn moderator(&self) -> Result<Moderator<ModerateBans>, ApiError> {
        Moderator::of(&self.signed_in, Channel::Console)
    }

    /// The member as one who may change the workspace's settings.
    pub fn administrator(&self) -> Result<Moderator<Administer>, ApiError> {
        Moderator::of(&self.signed_in, Channel::Console)
    }

    pub fn query(&self) -> Submitted {
        Submitted::new(self.request.query())
    }

    /// The submitted form, if it is one of this session's.
    pub fn form(&self) -> Result<Submitted, ApiError> {
        self.checked(self.request.form()?)
    }

    /// The same for a form that may be larger.
    pub fn form_up_to(&self, largest: usize) -> Result<Submitted, ApiError> {
        self.checked(self.request.form_up_to(largest)?)
    }

    fn checked(&self, fields: Vec<(String, String)>) -> Result<Submitted, ApiError> {
        let form = Submitted::new(fields);
        csrf::demand_token(&form, &self.signed_in.token.csrf_token())?;
        Ok(form)
    }

    pub fn frame(&self) -> Frame {
        let member = self.signed_in.member.name.to_string();
        let permissions = &self.signed_in.permissions;
        Frame {
            workspace: self.signed_in.workspace.name.clone(),
            initials: initials(&member),
            member,
            permission: highest(permissions),
            may_ban: permissions.allows(MemberPermission::ManageBans),
            csrf: self.signed_in.token.csrf_token(),
            here: self.request.address(),
            menu: MenuItem::all(permissions),
        }
    }
}

/// A rendered page.
pub fn show(
    status: StatusCode,
    page: &dyn askama::DynTemplate,
) -> Result<Response<Body>, ApiError> {
    Ok(headers::page(status, rendered(page)?))
}

/// A rendered page that may use the files of this origin.
pub fn show_with_files(
    status: StatusCode,
    page: &dyn askama::DynTemplate,
    origin: &str,
) -> Result<Response<Body>, ApiError> {
    let page = headers::page(status, rendered(page)?);
    Ok(headers::with_files_of(page, origin))
}

fn rendered(page: &dyn askama::DynTemplate) -> Result<String, ApiError> {
    page.dyn_render()
        .map_err(|error| ApiError::Internal(format!("could not render a page: {error}")))
}
