//! What the form is based on: the player, what holds for them, and what the workspace offers.

use shared::domain::error::ApiError;
use shared::domain::ids::{Guid, UserId};
use shared::domain::members::MemberPermission;
use shared::domain::rules::Scope;
use shared::store::{BanRecord, UserStandings};

use super::super::message::PageLink;
use super::super::player::records;
use super::{NoteView, WorkspaceOffer, edit_address};
use crate::ban_view::{PlayerView, Reader};
use crate::names;
use crate::people::People;
use crate::times;
use crate::visit::Visit;

/// How many of the player's bans are looked up for who made them.
const RECORDS: usize = 20;

/// The ground of a form.
#[derive(Clone, Debug)]
pub struct FormGround {
    pub user: UserId,
    pub player: PlayerView,
    pub offer: WorkspaceOffer,
    pub reader: Reader,
    administers: bool,
    is_protected: bool,
    in_force: Vec<BanRecord>,
}

impl FormGround {
    pub async fn read(visit: &Visit, user: UserId) -> Result<Self, ApiError> {
        let (store, prefix) = (&visit.store, visit.prefix());
        let (offer, members, standings, records) = tokio::try_join!(
            WorkspaceOffer::read(visit),
            store.members(prefix),
            store.standings_of(prefix, user),
            records(visit, user, RECORDS),
        )?;
        let reader = Reader {
            now: visit.now(),
            moderates: visit.may(MemberPermission::ManageBans),
            moderates_globally: visit.may(MemberPermission::ManageGlobalBans),
            people: People::new(&members),
            names: names::shown(visit, [user]).await,
        };
        Ok(Self {
            user,
            player: PlayerView::new(user, &reader.names),
            offer,
            administers: visit.may(MemberPermission::Administrator),
            is_protected: standings.is_protected,
            in_force: in_force(&standings, &records, &reader),
            reader,
        })
    }

    /// A ban of the player that is in force.
    pub fn in_force(&self, guid: Guid) -> Option<&BanRecord> {
        self.in_force.iter().find(|record| record.ban.guid == guid)
    }

    /// What to know before a ban: protection, and the bans in force.
    pub fn notes(&self) -> Vec<NoteView> {
        let mut notes = Vec::new();
        if self.is_protected {
            let text = "This player is protected: nobody in this workspace can ban them. Ask an \
                administrator.";
            notes.push(NoteView::new("bad-note", "protected", text.to_owned()));
        }
        if self.offer.linked.is_empty() {
            notes.push(self.unlinked());
        }
        notes.extend(self.in_force.iter().map(|record| self.banned(record)));
        notes
    }

    fn unlinked(&self) -> NoteView {
        let text =
            "No experience is linked to this workspace yet, so there is nowhere to ban from.";
        if self.administers {
            let link = PageLink {
                href: "/console/experiences".to_owned(),
                title: "Link an experience",
            };
            return NoteView {
                link: Some(link),
                ..NoteView::new("warn-note", "unlinked", text.to_owned())
            };
        }
        let text = format!("{text} Ask an administrator to link one.");
        NoteView::new("warn-note", "unlinked", text)
    }

    fn banned(&self, record: &BanRecord) -> NoteView {
        let ban = &record.ban;
        let place = match ban.scope {
            Scope::Global => "everywhere".to_owned(),
            Scope::Experience => format!("in experience {}", ban.made_in),
        };
        let by = self.reader.full(record, None).moderator;
        let until = times::until(ban.terms.expires);
        let text = format!("Already banned {place} {until}, by {by}.");
        let link = self.reader.may_decide(ban.scope).then(|| PageLink {
            href: edit_address(self.user, ban.guid),
            title: "Edit that ban",
        });
        NoteView {
            link,
            ..NoteView::new("warn-note", "already-banned", text)
        }
    }
}

/// The bans in force, in their newest state, with who made them.
fn in_force(standings: &UserStandings, records: &[BanRecord], reader: &Reader) -> Vec<BanRecord> {
    let bans = standings.bans().filter(|ban| ban.holds(reader.now));
    bans.map(|ban| {
        let known = records.iter().find(|record| record.ban.guid == ban.guid);
        BanRecord {
            ban: ban.clone(),
            applied: false,
            made_by: known.and_then(|record| record.made_by.clone()),
            last_by: None,
            last_reason: None,
        }
    })
    .collect()
}

#[cfg(test)]
pub mod tests {
    use std::sync::Arc;

    use shared::domain::members::{ReasonPreset, ReasonPresets};

    use super::*;
    use crate::ban_view::tests::{HOSTILE, ban, experience, reader, record};

    /// A workspace with one experience and a hostile preset.
    pub fn ground() -> FormGround {
        let reader = reader(true);
        let preset = ReasonPreset {
            name: HOSTILE.to_owned(),
            public_reason: HOSTILE.to_owned(),
            private_reason: String::new(),
            length: Some("7d".to_owned()),
        };
        let user = ban("x").user;
        FormGround {
            user,
            player: PlayerView::new(user, &reader.names),
            offer: WorkspaceOffer {
                linked: vec![experience()],
                presets: Arc::new(ReasonPresets {
                    compulsory: false,
                    presets: vec![preset],
                }),
            },
            reader,
            administers: true,
            is_protected: false,
            in_force: vec![record(ban("Spam"))],
        }
    }

    #[test]
    fn ban_in_force_is_noted_with_a_way_to_edit_it() {
        let notes = ground().notes();
        assert_eq!(notes.len(), 1);
        assert!(
            notes[0]
                .text
                .starts_with("Already banned in experience 75521396999004 permanently")
        );
        let link = notes[0].link.as_ref().unwrap();
        assert_eq!(link.href, "/console/ban?edit=633197862920433664&user=156");
    }

    #[test]
    fn protection_and_missing_links_are_noted() {
        let mut ground = ground();
        ground.is_protected = true;
        ground.offer.linked.clear();
        let ids: Vec<_> = ground.notes().iter().map(|note| note.id).collect();
        assert_eq!(ids, ["protected", "unlinked", "already-banned"]);
        assert_eq!(
            ground.notes()[1].link.as_ref().unwrap().href,
            "/console/experiences"
        );
        ground.administers = false;
        assert!(
            ground.notes()[1]
                .text
                .ends_with("Ask an administrator to link one.")
        );
        assert_eq!(ground.offer.reach(), "0 experiences");
    }
}
