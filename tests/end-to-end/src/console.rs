//! A member at the console, as a browser without scripts.

mod discord;

use bytes::Bytes;
use http::Request;
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use local_stack::http::Client;
use shared::domain::clock::UnixSeconds;
use shared::domain::members::{DiscordId, Member, MemberId, MemberPermission, ReasonPresets};

use crate::response::ApiResponse;
use crate::workspace::{Workspace, now};

/// A browser with one cookie jar.
#[derive(Clone, Debug)]
pub struct Browser {
    client: Client,
    address: String,
    /// The session's cookie, in the form that is sent.
    pub cookie: Option<String>,
    /// The cookie of a sign-in with Discord in progress.
    pub discord_cookie: Option<String>,
    /// What it says about where a form comes from.
    pub site: &'static str,
}

impl Workspace<'_> {
    /// A new member with permissions that were granted manually.
    pub async fn add_member(&self, name: &str, granted: &[MemberPermission]) -> MemberId {
        self.new_member(name, None, granted).await
    }

    /// The same, perhaps with a Discord account.
    pub(crate) async fn new_member(
        &self,
        name: &str,
        discord: Option<DiscordId>,
        granted: &[MemberPermission],
    ) -> MemberId {
        let member = Member {
            id: MemberId::random(),
            name: name.parse().expect("a name"),
            discord,
            roblox: None,
            granted: granted.iter().copied().collect(),
            added: UnixSeconds(now()),
            removed: None,
            checked: Vec::new(),
        };
        let prefix = self.id().prefix();
        let added = self.app().store().add_member(prefix, &member).await;
        added.expect("a member").expect("no conflict");
        member.id
    }

    /// The path of a link by which a member signs in.
    pub async fn invite(&self, member: MemberId) -> String {
        self.invite_at(member, now()).await
    }

    /// The same of a link that is made at this time.
    pub async fn invite_at(&self, member: MemberId, now: u64) -> String {
        let prefix = self.id().prefix();
        let inviting = self.app().store();
        let token = inviting.invite(prefix, member, UnixSeconds(now)).await;
        format!(
            "/console/sign-in/{}",
            token.expect("an invitation").reveal()
        )
    }

    /// A browser in which nobody is signed in.
    pub fn browser(&self) -> Browser {
        Browser {
            client: Client::new(),
            address: self.app().address().to_owned(),
            cookie: None,
            discord_cookie: None,
            site: "same-origin",
        }
    }

    /// A browser in which a new member is signed in.
    pub async fn signed_in(&self, name: &str, granted: &[MemberPermission]) -> Browser {
        let member = self.add_member(name, granted).await;
        self.signed_in_as(member).await
    }

    /// A browser in which a member is signed in.
    pub async fn signed_in_as(&self, member: MemberId) -> Browser {
        let mut browser = self.browser();
        let answer = browser.post(&self.invite(member).await, &[]).await;
        assert_eq!(answer.status, 303, "{answer}");
        browser
    }

    pub async fn offer_reasons(&self, presets: &ReasonPresets) {
        let prefix = self.id().prefix();
        let offer = |all: &mut ReasonPresets| all.clone_from(presets);
        let store = self.app().store();
        let set = store.change_reason_presets(prefix, offer).await;
        set.expect("presets");
    }
}

impl Browser {
    /// Opens a page.
    pub async fn get(&mut self, path: &str) -> ApiResponse {
        let request = Request::get(format!("{}{path}", self.address));
        self.send(request, Bytes::new()).await
    }

    /// Sends a form with these fields alone.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> ApiResponse {
        self.try_post(path, fields).await.expect("an answer")
    }

    /// The same, if there may be no answer.
    pub async fn try_post(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<ApiResponse, String> {
        let request = Request::post(format!("{}{path}", self.address))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", self.site);
        let pairs = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", encoded(value)));
        let body = pairs.collect::<Vec<_>>().join("&");
        self.try_send(request, Bytes::from(body)).await
    }

    /// Sends a form with the session's own token, whatever the pages offer.
    pub async fn post_own(&mut self, path: &str, fields: &[(&str, &str)]) -> ApiResponse {
        let page = self.get("/console/bans").await;
        let (_, token) = page
            .text
            .split_once("name=\"csrf\" value=\"")
            .unwrap_or_default();
        let token = token.split('"').next().unwrap_or_default();
        let token = [("csrf", token)];
        let all: Vec<_> = token.into_iter().chain(fields.iter().copied()).collect();
        self.post(path, &all).await
    }

    /// Opens a page and sends its form to this path: the hidden fields of the page, then those given.
    pub async fn submit(&mut self, page: &str, path: &str, fields: &[(&str, &str)]) -> ApiResponse {
        let shown = self.get(page).await;
        self.submit_shown(&shown, path, fields).await
    }

    /// The same for a page that was opened before.
    pub async fn submit_shown(
        &mut self,
        page: &ApiResponse,
        path: &str,
        fields: &[(&str, &str)],
    ) -> ApiResponse {
        let form = format!("action=\"{path}\"");
        let (_, form) = page
            .text
            .split_once(&form)
            .unwrap_or_else(|| panic!("no {form} in {page}"));
        let form = form.split("</form>").next().unwrap_or_default();
        let hidden = form.split("<input type=\"hidden\" name=\"").skip(1);
        let hidden = hidden.filter_map(|input| {
            let (name, rest) = input.split_once("\" value=\"")?;
            Some((name, rest.split_once('"')?.0))
        });
        let given = |name: &str| fields.iter().any(|(field, _)| *field == name);
        let all: Vec<_> = hidden
            .filter(|(name, _)| !given(name))
            .chain(fields.iter().copied())
            .collect();
        self.post(path, &all).await
    }

    /// Opens the page to which an answer leads.
    pub async fn follow(&mut self, answer: &ApiResponse) -> ApiResponse {
        assert_eq!(answer.status, 303, "{answer}");
        let target = answer
            .header(LOCATION.as_str())
            .expect("a location")
            .to_owned();
        let path = target.split('#').next().unwrap_or_default();
        self.get(path).await
    }

    async fn send(&mut self, request: http::request::Builder, body: Bytes) -> ApiResponse {
        self.try_send(request, body).await.expect("an answer")
    }

    async fn try_send(
        &mut self,
        request: http::request::Builder,
        body: Bytes,
    ) -> Result<ApiResponse, String> {
        let cookies = self.cookie.iter().chain(&self.discord_cookie);
        let request = cookies.fold(request, |request, cookie| request.header(COOKIE, cookie));
        let request = request.body(body).expect("a request");
        let answer = self.client.send(request).await;
        let answer = answer.map_err(|error| error.to_string())?;
        let answer = ApiResponse::new(answer);
        for cookie in answer.headers.get_all(SET_COOKIE) {
            let cookie = cookie.to_str().expect("a cookie");
            let pair = cookie.split(';').next().unwrap_or_default();
            let kept = (!pair.ends_with('=')).then(|| pair.to_owned());
            if pair.starts_with("__Host-portcullis=") {
                self.cookie = kept;
            } else if pair.starts_with("__Host-portcullis-discord=") {
                self.discord_cookie = kept;
            }
        }
        Ok(answer)
    }
}

fn encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}
