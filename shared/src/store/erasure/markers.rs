//! Markers of erased revisions, which identify a late report after its user was erased (see
//! [`crate::domain::rules::erased`]).
//!
//! A marker is a hash of the wording, keyed with the workspace's secret: it identifies no user. It
//! is valid until the second that it names, whenever DynamoDB deletes it.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use serde::{Deserialize, Serialize};

use crate::domain::clock::UnixSeconds;
use crate::domain::digest::hex;
use crate::domain::error::ApiError;
use crate::domain::ids::WorkspacePrefix;
use crate::domain::keys::{Purpose, WorkspaceSecret};
use crate::domain::rules::{self, Ban, BanRequest, Wording};
use crate::store::Store;
use crate::store::decisions::snapshot::Snapshot;
use crate::store::dynamo::database::{DatabaseError, refused};
use crate::store::dynamo::items::{self, StoredBan};
use crate::store::dynamo::schema::{Item, Key, StoredKind};

/// How many bytes of a hash are kept: 128 bits.
const BYTES: usize = 16;

/// How many seconds after its validity a marker is deleted: more than any two clocks differ.
const SLACK: u64 = 3600;

#[derive(Serialize, Deserialize)]
struct MarkerItem {
    /// The last second in which it is valid.
    until: UnixSeconds,
    ttl: u64,
}

/// The markers of what is erased together: by hash, until when they are valid.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct Markers(BTreeMap<String, UnixSeconds>);

/// Makes the markers of a workspace.
#[derive(Clone, Debug)]
pub(in crate::store) struct Marking {
    prefix: WorkspacePrefix,
    secret: WorkspaceSecret,
}

impl Store {
    /// The maker of markers. A workspace made by an older version leaves none until it is upgraded.
    pub(in crate::store) async fn marking(
        &self,
        prefix: WorkspacePrefix,
    ) -> Result<Option<Marking>, ApiError> {
        let secret = self.workspace_secret_if_any(prefix).await?;
        Ok(secret.map(|secret| Marking { prefix, secret }))
    }

    /// Whether the call reports a ban of a user who was erased within the last hour.
    pub async fn reports_erased(
        &self,
        snapshot: &Snapshot,
        request: &BanRequest,
        now: UnixSeconds,
    ) -> Result<bool, ApiError> {
        let (prefix, experiences) = (snapshot.prefix, snapshot.experiences());
        let wordings = rules::may_mean_erased(request, &experiences, now);
        if wordings.is_empty() {
            return Ok(false);
        }
        let Some(marking) = self.marking(prefix).await? else {
            return Ok(false);
        };
        let keys = wordings.iter().map(|wording| marking.key(wording));
        for item in self.database.batch_get(keys, true).await? {
            let marker: MarkerItem = items::read(item)?;
            if now <= marker.until {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Marking {
    /// The markers that a user's item leaves when it is erased: a decision those of what it
    /// replaced, a standing those of its ban.
    pub fn of(&self, item: &Item, now: UnixSeconds) -> Result<Markers, DatabaseError> {
        #[derive(Deserialize)]
        struct Facts {
            #[serde(default)]
            kind: String,
            #[serde(default)]
            at: Option<UnixSeconds>,
            #[serde(default)]
            ban: Option<StoredBan>,
            #[serde(default)]
            previous: Option<StoredBan>,
        }
        let facts: Facts = items::read(item.clone())?;
        let (ban, over) = match facts.kind.as_str() {
            "decision" => (facts.previous, facts.at.unwrap_or(now).min(now)),
            "experience" | "global" => (facts.ban, now),
            _ => (None, now),
        };
        let ban = ban.map(Ban::from);
        let erased = ban.map(|ban| rules::erased(&ban, over, now));
        let erased = erased.into_iter().flatten();
        Ok(Markers(
            erased
                .map(|(wording, until)| (self.hash(&wording), until))
                .collect(),
        ))
    }

    pub fn writes(
        &self,
        table: &str,
        markers: &Markers,
    ) -> Result<Vec<TransactWriteItem>, DatabaseError> {
        let write = |(hash, until): (&String, &UnixSeconds)| {
            let item = MarkerItem {
                until: *until,
                ttl: until.plus(SLACK).0,
            };
            let item = items::write(Key::erased(self.prefix, hash), StoredKind::Erased, item)?;
            let put = Put::builder()
                .table_name(table)
                .set_item(Some(item))
                .build()
                .map_err(refused)?;
            Ok(TransactWriteItem::builder().put(put).build())
        };
        markers.0.iter().map(write).collect()
    }

    fn key(&self, wording: &Wording) -> Key {
        Key::erased(self.prefix, &self.hash(wording))
    }

    fn hash(&self, wording: &Wording) -> String {
        let parts: Vec<_> = wording.parts().map(str::as_bytes).collect();
        let mac = self.secret.mac(Purpose::ErasedRevision, &parts);
        hex(mac.get(..BYTES).unwrap_or_default())
    }
}

impl Markers {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// How many of the others are new.
    pub fn new_among(&self, others: &Self) -> usize {
        let new = others.0.keys().filter(|hash| !self.0.contains_key(*hash));
        new.count()
    }

    /// Adds others. Of two for one revision, the longer valid one stays.
    pub fn extend(&mut self, others: Self) {
        for (hash, until) in others.0 {
            let known = self.0.entry(hash).or_insert(until);
            *known = until.max(*known);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{ExperienceId, Guid, ModeratorId, PlaceId, Uid, UserId};
    use crate::domain::rules::{Expiry, Length, Scope, Terms};

    const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

    #[derive(Serialize)]
    struct Standing {
        ban: StoredBan,
    }

    fn marking() -> Marking {
        Marking {
            prefix: "0123abcd".parse().unwrap(),
            secret: WorkspaceSecret::random(),
        }
    }

    fn request() -> BanRequest {
        BanRequest {
            user: UserId::new(987_654_321_123).unwrap(),
            place: PlaceId::new(7).unwrap(),
            scope: Scope::Experience,
            overwrite: true,
            applied: true,
            moderator: ModeratorId::new(9).unwrap(),
            private_reason: "aimbot".to_owned(),
            public_reason: "Cheating".to_owned(),
            length: Length::Permanent,
            universal: Some(true),
        }
    }

    fn hashes(marking: &Marking, request: &BanRequest) -> Vec<String> {
        let wordings =
            rules::may_mean_erased(request, &[ExperienceId::of_root(request.place)], NOW);
        wordings.iter().map(|it| marking.hash(it)).collect()
    }

    #[test]
    fn another_user_scope_term_or_workspace_has_another_marker() {
        let marking = marking();
        let of = |request: &BanRequest| hashes(&marking, request);
        let same = of(&request());
        assert_eq!(same, of(&request()));
        let change = |change: fn(&mut BanRequest)| {
            let mut request = request();
            change(&mut request);
            request
        };
        let others = [
            change(|it| it.user = UserId::new(5).unwrap()),
            change(|it| it.place = PlaceId::new(8).unwrap()),
            change(|it| it.scope = Scope::Global),
            change(|it| it.moderator = ModeratorId::new(8).unwrap()),
            change(|it| {
                it.private_reason = "aimbo".to_owned();
                it.public_reason = "tCheating".to_owned();
            }),
            change(|it| it.length = Length::Until(NOW.plus(60))),
            change(|it| it.universal = Some(false)),
        ];
        for other in others {
            assert_ne!(of(&other), same, "{other:?}");
        }
        let open = of(&change(|it| it.universal = None));
        assert!(open.len() == 2 && open.contains(&same[0]));
        let global = |experience| BanRequest {
            scope: Scope::Global,
            place: PlaceId::new(experience).unwrap(),
            ..request()
        };
        assert_eq!(of(&global(1)), of(&global(2)), "from any experience");
        assert_ne!(hashes(&self::marking(), &request()), same);
    }

    #[test]
    fn standing_leaves_the_marker_of_its_report_and_no_name() {
        let BanRequest { user, place, .. } = request();
        let ban = Ban {
            guid: Guid::from(1),
            uid: Uid(1),
            user,
            scope: Scope::Experience,
            made_in: ExperienceId::of_root(place),
            terms: Terms {
                moderator: request().moderator,
                private_reason: request().private_reason,
                public_reason: request().public_reason,
                expires: Expiry::Never,
                universal: true,
            },
            revision: 1,
            decisions: 1,
            created: NOW,
            updated: NOW,
            ending: None,
        };
        let marking = marking();
        let key = Key::experience(marking.prefix, user, ExperienceId::of_root(place));
        let ban = StoredBan::from(&ban);
        let item = items::write(key, StoredKind::Experience, Standing { ban }).unwrap();
        let markers = marking.of(&item, NOW).unwrap();
        let left: Vec<_> = markers.0.keys().cloned().collect();
        assert_eq!(left, hashes(&marking, &request()));
        let writes = format!("{:?}", marking.writes("bans", &markers).unwrap());
        for secret in [&user.to_string(), "aimbot", "Cheating"] {
            assert!(!writes.contains(secret), "{writes}");
        }
        let record = items::write(
            Key::ban(marking.prefix, user, Guid::from(1)),
            StoredKind::Ban,
            (),
        )
        .ok();
        let record = record.unwrap_or_default();
        assert_eq!(marking.of(&record, NOW).unwrap().len(), 0);
    }
}
