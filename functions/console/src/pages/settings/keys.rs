//! The keys of the workspace; a new one is shown once.

use askama::Template;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use shared::domain::clock::UnixSeconds;
use shared::domain::error::ApiError;
use shared::domain::keys::{KeyKind, KeyRecord, KeyScope, KeyStatus};

use super::done::DoneLine;
use super::key_form::TypedKey;
use super::tabs::{SettingsTab, TabView};
use super::{form_key, new_key, use_form};
use crate::frame::Frame;
use crate::look::Look;
use crate::times::{self, TimeTag};
use crate::visit::{self, Visit};

/// How many keys a page shows.
const SHOWN: usize = 200;

#[derive(Template)]
#[template(path = "settings/keys.html")]
struct KeysPage {
    look: Look,
    frame: Frame,
    tabs: Vec<TabView>,
    done: Option<DoneLine>,
    shows_all: bool,
    keys: Vec<KeyView>,
    hidden: usize,
    key: String,
    typed: TypedKey,
    note: Option<&'static str>,
    /// A new key, shown once.
    secret: Option<NewSecret>,
}

/// A secret and what it is for.
pub struct NewSecret {
    pub name: String,
    pub secret: String,
}

/// A key, without itself.
pub struct KeyView {
    pub id: String,
    pub name: String,
    pub kind: &'static str,
    pub class: &'static str,
    pub state: &'static str,
    pub is_live: bool,
    pub scopes: Vec<&'static str>,
    pub caps: Vec<String>,
    pub last_used: Option<String>,
    pub created: TimeTag,
    pub expires: Option<TimeTag>,
    pub revoked: Option<TimeTag>,
}

const USED_FORM: &str = "This form was sent before, and a key is shown once. If you did not see it, \
    revoke the newest key below and create another.";

pub async fn show(visit: &Visit) -> Result<Response<Body>, ApiError> {
    let typed = TypedKey::empty();
    let page = KeysPage::read(visit, typed, new_key()).await?;
    visit::show(StatusCode::OK, &page)
}

pub async fn create(visit: &Visit) -> Result<Response<Body>, ApiError> {
    let form = visit.form()?;
    let key = form_key(&form);
    let (typed, fields) = TypedKey::read(&form, visit.now());
    let Some(fields) = fields else {
        let page = KeysPage::read(visit, typed, key).await?;
        return visit::show(StatusCode::UNPROCESSABLE_ENTITY, &page);
    };
    if !use_form(visit, "key", &key).await? {
        let mut page = KeysPage::read(visit, TypedKey::empty(), new_key()).await?;
        page.note = Some(USED_FORM);
        return visit::show(StatusCode::CONFLICT, &page);
    }
    let new = fields.mint(visit.signed_in.workspace.guid, visit.now());
    visit.store.create_key(&new).await?;
    let mut page = KeysPage::read(visit, TypedKey::empty(), new_key()).await?;
    page.add(&new.record(), visit.now());
    page.secret = Some(NewSecret {
        name: new.name.clone(),
        secret: new.key.reveal().to_owned(),
    });
    visit::show(StatusCode::OK, &page)
}

/// The key with this public id.
pub async fn find(visit: &Visit, id: &str) -> Result<KeyRecord, ApiError> {
    let keys = visit.store.keys(visit.prefix()).await?;
    let found = keys.into_iter().find(|key| key.key_id == id);
    found.ok_or(ApiError::NotFound("this workspace has no key with this id"))
}

impl KeysPage {
    async fn read(visit: &Visit, typed: TypedKey, key: String) -> Result<Self, ApiError> {
        let now = visit.now();
        let mut keys = visit.store.keys(visit.prefix()).await?;
        let query = visit.query();
        let shows_all = query.text("state") == "all";
        let done = keys
            .iter()
            .find(|key| query.text("done") == "revoked" && key.key_id == query.text("of"))
            .map(|key| {
                let name = &key.name;
                DoneLine::new(format!(
                    "The key {name} is revoked. Within a minute it stops working everywhere."
                ))
            });
        keys.retain(|key| shows_all || key.is_live(now));
        keys.sort_by(|a, b| (b.created, &b.key_id).cmp(&(a.created, &a.key_id)));
        Ok(Self {
            look: visit.look,
            frame: visit.frame(),
            tabs: SettingsTab::Keys.tabs(),
            done,
            shows_all,
            hidden: keys.len().saturating_sub(SHOWN),
            keys: keys
                .iter()
                .take(SHOWN)
                .map(|it| KeyView::new(it, now))
                .collect(),
            key,
            typed,
            note: None,
            secret: None,
        })
    }

    /// Lists a new key, which the index may not have yet.
    fn add(&mut self, record: &KeyRecord, now: UnixSeconds) {
        if !self.keys.iter().any(|key| key.id == record.key_id) {
            self.keys.insert(0, KeyView::new(record, now));
        }
    }
}

impl KeyView {
    pub fn new(key: &KeyRecord, now: UnixSeconds) -> Self {
        let (class, state) = match key.status(now) {
            KeyStatus::Live => ("s-free", "Live"),
            KeyStatus::Expired => ("s-expired", "Expired"),
            KeyStatus::Revoked => ("s-permanent", "Revoked"),
        };
        let bans = key.bans_per_hour.map(|cap| format!("{cap} bans per hour"));
        let checks = key.check_cap();
        let checks = checks.map(|cap| format!("{cap} checks per minute"));
        let is_public = key.key_kind == KeyKind::Public;
        let scopes = key.scopes.iter().filter(|_| !is_public);
        Self {
            id: key.key_id.clone(),
            name: key.name.clone(),
            kind: if is_public { "Public" } else { "Secret" },
            class,
            state,
            is_live: key.is_live(now),
            scopes: scopes.copied().map(KeyScope::name).collect(),
            caps: bans.into_iter().chain(checks).collect(),
            last_used: key.last_used.map(|day| times::day(day.begin(), now)),
            created: TimeTag::new(key.created, now),
            expires: key.expires.map(|at| TimeTag::new(at, now)),
            revoked: key.revoked.map(|at| TimeTag::new(at, now)),
        }
    }
}

#[cfg(test)]
pub mod tests {
    use shared::domain::ids::WorkspaceId;
    use shared::domain::keys::PinnedFlagFormat;

    use super::*;
    use crate::ban_view::tests::{HOSTILE, NOW};
    use crate::form::TypedField;

    pub fn key(name: &str) -> KeyRecord {
        KeyRecord {
            key_id: "0123456789ab".to_owned(),
            workspace: WorkspaceId::random(),
            name: name.to_owned(),
            key_kind: KeyKind::Secret,
            scopes: KeyScope::DEFAULT.to_vec(),
            flags: PinnedFlagFormat::Auto,
            bans_per_hour: None,
            checks_per_minute: None,
            created: NOW,
            expires: None,
            revoked: None,
            last_used: None,
            replaced: None,
        }
    }

    #[test]
    fn hostile_names_are_escaped_and_the_secret_is_shown() {
        let page = KeysPage {
            look: Look::default(),
            frame: Frame::example(true),
            tabs: SettingsTab::Keys.tabs(),
            done: Some(DoneLine::new(HOSTILE)),
            shows_all: true,
            keys: vec![KeyView::new(&key(HOSTILE), NOW)],
            hidden: 3,
            key: "key".to_owned(),
            typed: TypedKey {
                name: TypedField::filled(HOSTILE),
                scopes_error: Some("Wrong".to_owned()),
                ..TypedKey::empty()
            },
            note: Some(USED_FORM),
            secret: Some(NewSecret {
                name: HOSTILE.to_owned(),
                secret: "sentinelAPI.x".to_owned(),
            }),
        };
        let html = page.render().unwrap();
        assert!(!html.contains("<img"), "{html}");
        assert_eq!(html.matches("sentinelAPI.x").count(), 1);
    }

    #[test]
    fn state_of_a_key_is_a_word() {
        let state = |change: fn(&mut KeyRecord)| {
            let mut key = key("x");
            change(&mut key);
            KeyView::new(&key, NOW).state
        };
        assert_eq!(state(|_| ()), "Live");
        assert_eq!(state(|key| key.expires = Some(NOW)), "Expired");
        assert_eq!(state(|key| key.revoked = Some(NOW)), "Revoked");
    }
}
