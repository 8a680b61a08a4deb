//! Reads a workspace's items without the product's own code.

use std::collections::{BTreeMap, BTreeSet};

use crate::workspace::Workspace;
use serde_json::{Map, Value};
use shared::domain::clock::UnixSeconds;
use shared::domain::ids::{ExperienceId, Guid, ModeratorId, Uid, UserId};
use shared::domain::rules::{
    Ban, Ending, EndingKind, Expiry, FailedAttempts, Here, PendingChange, PendingUnban,
    RevisionRef, Scope, Terms,
};
use shared::store::StoredKind;

/// A workspace's items.
#[derive(Debug, Default)]
pub struct Stored {
    /// The latest Global ban of each user.
    pub globals: BTreeMap<UserId, Ban>,
    /// The item of each user in each experience.
    pub experiences: BTreeMap<(UserId, ExperienceId), StoredExperience>,
    /// The record of each ban.
    pub records: BTreeMap<Guid, StoredRecord>,
    /// All decisions, by user and time.
    pub decisions: Vec<StoredDecision>,
    /// The linked experiences.
    pub links: BTreeSet<ExperienceId>,
    /// Those that are part of another one, whose lists they share.
    pub parts: BTreeSet<ExperienceId>,
    /// How many events were logged.
    pub logged: u64,
    /// The recorded expiries.
    pub expiries: Vec<StoredExpiry>,
    pub activities: Vec<StoredActivity>,
    pub evidence: StoredEvidence,
}

/// The items of evidence.
#[derive(Debug, Default)]
pub struct StoredEvidence {
    /// The pieces, as stored.
    pub pieces: Vec<Value>,
    /// The user, the ban and the piece of each entry.
    pub entries: BTreeSet<(u64, Guid, Guid)>,
    /// The pieces whose text is stored.
    pub texts: BTreeSet<Guid>,
    /// The workspace's count.
    pub bytes: i64,
}

/// An activity.
#[derive(Debug)]
pub struct StoredActivity {
    pub id: String,
    /// Its log position.
    pub position: Option<u64>,
}

/// The record of an expiry.
#[derive(Debug)]
pub struct StoredExpiry {
    pub ban: Ban,
    /// Its log position.
    pub position: Option<u64>,
}

/// The item of a user in an experience.
#[derive(Debug)]
pub struct StoredExperience {
    /// Incremented by each write.
    pub version: u64,
    /// The latest ban there, and the report.
    pub standing: Here,
    /// The pending ban.
    pub ban_owed: Option<Guid>,
    /// The second from which the pending ban is void.
    pub ban_owed_until: Option<u64>,
    /// When the unban is due, and its ban.
    pub unban_owed: Option<(u64, Guid)>,
}

/// A ban on record.
#[derive(Debug)]
pub struct StoredRecord {
    /// Its latest state.
    pub ban: Ban,
    /// The revision that the experience which made it reports.
    pub applied: Option<u32>,
    /// When its expiry is due, in Unix seconds.
    pub due: Option<u64>,
}

/// A decision in the history.
#[derive(Debug)]
pub struct StoredDecision {
    pub decision: String,
    /// The decision's number on its ban.
    pub number: u32,
    /// The ban after it.
    pub ban: Ban,
    /// The ban before it.
    pub previous: Option<Ban>,
    /// For a decision that made a ban: the previous ban of its scope.
    pub replaced: Option<Guid>,
    /// Its log position.
    pub position: Option<u64>,
}

impl Stored {
    /// Reads all items of a workspace.
    pub async fn read(workspace: &Workspace<'_>) -> Self {
        let mut stored = Self::default();
        for item in workspace.stored().await {
            stored.add(&plain(&Value::from(Map::from_iter([(
                "M".to_owned(),
                item,
            )]))));
        }
        stored
    }

    /// The log position and event id of each decision, expiry and activity.
    pub fn places(&self) -> Vec<(Option<u64>, String)> {
        let decisions = self.decisions.iter();
        let decisions = decisions.map(|it| (it.position, &it.ban, ""));
        let expiries = self.expiries.iter();
        let expiries = expiries.map(|it| (it.position, &it.ban, "-expired"));
        let activities = self.activities.iter();
        let activities = activities.map(|it| (it.position, it.id.clone()));
        decisions
            .chain(expiries)
            .map(|(at, ban, end)| (at, format!("{}-{}{end}", ban.guid, ban.decisions)))
            .chain(activities)
            .collect()
    }

    fn add(&mut self, item: &Value) {
        let (pk, sk) = (item["pk"].as_str().unwrap(), item["sk"].as_str().unwrap());
        let user = || pk.rsplit('#').next().unwrap().parse::<UserId>().unwrap();
        let small = |name: &str| item[name].as_u64().map(|n| u32::try_from(n).unwrap());
        let kind = item["kind"].as_str().unwrap();
        let kind = StoredKind::in_bans(kind);
        match kind.unwrap_or_else(|| panic!("an item of an unknown kind: {item}")) {
            StoredKind::Global => {
                self.globals
                    .insert(sk.parse().unwrap(), ban(&item["ban"]).unwrap());
            }
            StoredKind::Experience => {
                let experience =
                    ExperienceId::new(sk.strip_prefix("E#").unwrap().parse().unwrap()).unwrap();
                self.experiences
                    .insert((user(), experience), StoredExperience::of(item));
            }
            StoredKind::Ban => {
                let ban = ban(&item["ban"]).unwrap();
                assert_eq!(sk, format!("B#{:020}", ban.guid.get()));
                let applied = small("applied");
                let due = item["due_at"].as_u64();
                self.records
                    .insert(ban.guid, StoredRecord { ban, applied, due });
            }
            StoredKind::Decision => self.decisions.push(StoredDecision {
                decision: item["decision"].as_str().unwrap().to_owned(),
                number: small("number").unwrap(),
                ban: ban(&item["ban"]).unwrap(),
                previous: ban(&item["previous"]).filter(|_| small("number") != Some(1)),
                replaced: ban(&item["previous"])
                    .filter(|_| small("number") == Some(1))
                    .map(|ban| ban.guid),
                position: item["log_position"].as_u64(),
            }),
            StoredKind::Expiry => self.expiries.push(StoredExpiry {
                ban: ban(&item["ban"]).unwrap(),
                position: item["log_position"].as_u64(),
            }),
            StoredKind::Log => self.logged = item["log_position"].as_u64().unwrap_or_default(),
            StoredKind::Link => {
                let place = ExperienceId::new(sk.parse().unwrap()).unwrap();
                self.links.insert(place);
                if !item["root"].is_null() {
                    self.parts.insert(place);
                }
            }
            StoredKind::Activity => self.activities.push(StoredActivity {
                id: item["id"].as_str().unwrap().to_owned(),
                position: item["log_position"].as_u64(),
            }),
            StoredKind::Evidence => self.evidence.pieces.push(item.clone()),
            StoredKind::EvidenceEntry => {
                let (case, guid) = sk.split_once('#').unwrap();
                let (case, guid) = (case.parse().unwrap(), guid.parse().unwrap());
                self.evidence.entries.insert((user().get(), case, guid));
            }
            StoredKind::EvidenceText => {
                let guid = pk.rsplit('#').next().unwrap();
                self.evidence.texts.insert(guid.parse().unwrap());
            }
            StoredKind::EvidenceBytes => self.evidence.bytes = item["value"].as_i64().unwrap(),
            StoredKind::AccountLink
            | StoredKind::Application
            | StoredKind::Checks
            | StoredKind::Counter
            | StoredKind::Delivery
            | StoredKind::Erased
            | StoredKind::RemovedEvidence
            | StoredKind::Lease
            | StoredKind::LinkCode
            | StoredKind::LinkCodeUse
            | StoredKind::LinkConsent
            | StoredKind::Name
            | StoredKind::Notification
            | StoredKind::Pace
            | StoredKind::Protected
            | StoredKind::QueuedErasure
            | StoredKind::Receipt
            | StoredKind::Request
            | StoredKind::Sighting
            | StoredKind::Snapshot
            | StoredKind::WrongCodes => {}
            StoredKind::LoggedTick | StoredKind::Tick => panic!("an item of no workspace: {item}"),
            StoredKind::DiscordRules
            | StoredKind::EndedMirror
            | StoredKind::Endpoint
            | StoredKind::ErasureIntake
            | StoredKind::Group
            | StoredKind::Guild
            | StoredKind::GuildWatch
            | StoredKind::Invitation
            | StoredKind::Key
            | StoredKind::Member
            | StoredKind::MemberAccount
            | StoredKind::Mirror
            | StoredKind::Presets
            | StoredKind::Restore
            | StoredKind::RoleRules
            | StoredKind::RoleSync
            | StoredKind::Rules
            | StoredKind::Session
            | StoredKind::Workspace => panic!("an item of the other table: {item}"),
        }
    }
}

impl StoredExperience {
    fn of(item: &Value) -> Self {
        let guid = |text: &str| text.parse::<Guid>().unwrap();
        Self {
            version: item["version"].as_u64().unwrap(),
            standing: Here {
                ban: item.get("ban").and_then(ban),
                report: item.get("report").map(revision),
                failures: item.get("failures").map(failures),
                mark: None,
            },
            ban_owed: item["ban_owed"].as_str().map(guid),
            ban_owed_until: item["ban_owed_until"].as_u64(),
            unban_owed: item["unban_owed"].as_str().map(|text| {
                let (due, ban) = text.split_once('#').unwrap();
                (due.parse().unwrap(), guid(ban))
            }),
        }
    }
}

fn revision(stored: &Value) -> RevisionRef {
    RevisionRef {
        guid: Guid::from(stored["guid"].as_u64().unwrap()),
        revision: u32::try_from(stored["revision"].as_u64().unwrap()).unwrap(),
        made_in: ExperienceId::new(stored["made_in"].as_u64().unwrap()).unwrap(),
    }
}

fn failures(stored: &Value) -> FailedAttempts {
    let of = revision(&stored["revision"]);
    FailedAttempts {
        of: match stored["due"].as_u64() {
            None => PendingChange::Ban(of),
            Some(due) => PendingChange::Unban(PendingUnban {
                due: UnixSeconds(due),
                reported: of,
            }),
        },
        count: u32::try_from(stored["count"].as_u64().unwrap()).unwrap(),
        not_before: UnixSeconds(stored["not_before"].as_u64().unwrap()),
        error: stored["error"].as_str().map(str::to_owned),
    }
}

fn ban(stored: &Value) -> Option<Ban> {
    if stored.is_null() {
        return None;
    }
    let number = |name: &str| {
        stored[name]
            .as_u64()
            .unwrap_or_else(|| panic!("{name}: {stored}"))
    };
    let small = |name: &str| u32::try_from(number(name)).unwrap();
    let text = |name: &str| stored[name].as_str().unwrap().to_owned();
    let flag = |name: &str| stored[name].as_bool().unwrap_or_default();
    let kind = if flag("appealed") {
        EndingKind::Appealed
    } else {
        EndingKind::Lifted
    };
    Some(Ban {
        guid: Guid::from(number("guid")),
        uid: Uid(number("uid")),
        user: UserId::new(number("user")).unwrap(),
        scope: if flag("global") {
            Scope::Global
        } else {
            Scope::Experience
        },
        made_in: ExperienceId::new(number("made_in")).unwrap(),
        terms: Terms {
            moderator: ModeratorId::new(number("moderator")).unwrap(),
            private_reason: text("private_reason"),
            public_reason: text("public_reason"),
            expires: Expiry::from_seconds(number("expires")),
            universal: flag("universal"),
        },
        revision: small("revision"),
        decisions: small("decisions"),
        created: UnixSeconds(number("created")),
        updated: UnixSeconds(number("updated")),
        ending: stored["ended"].as_u64().map(|at| Ending {
            at: UnixSeconds(at),
            kind,
        }),
    })
}

/// An attribute in DynamoDB JSON as plain JSON.
fn plain(attribute: &Value) -> Value {
    let (kind, value) = attribute.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "S" | "BOOL" | "SS" => value.clone(),
        "N" => serde_json::from_str(value.as_str().unwrap()).unwrap(),
        "NULL" => Value::Null,
        "L" => value.as_array().unwrap().iter().map(plain).collect(),
        "M" => {
            let fields = value.as_object().unwrap().iter();
            fields
                .map(|(name, field)| (name.clone(), plain(field)))
                .collect()
        }
        other => panic!("an attribute of an unknown kind: {other}"),
    }
}
