//! Checks everything stored of a workspace for consistency, and against what the routes answer.
//!
//! Tests run it after races, faults and kills: every ban has a gapless history that ends in its
//! record, a join check reads the latest record, and both pending indexes follow from the decisions
//! and the reports.

mod evidence;

use std::collections::{BTreeMap, BTreeSet};

use crate::call::Call;
use crate::workspace::{Workspace, now};
use serde_json::Value;
use shared::domain::clock::UnixSeconds;
use shared::domain::ids::{ExperienceId, UserId};
use shared::domain::rules::{Ban, Expiry, Scope, Standing};

use crate::stored::{Stored, StoredExperience, StoredRecord};

/// The stored items, checked.
pub struct Sound {
    pub stored: Stored,
}

/// Panics with everything that is wrong once the stream is drained. There must be no callers.
pub async fn audit(workspace: &Workspace<'_>) -> Sound {
    if workspace.app().has_mappings() {
        workspace.app().settle().await;
    }
    let stored = Stored::read(workspace).await;
    let mut audit = Audit {
        stored: &stored,
        wrong: Vec::new(),
    };
    audit.items();
    audit.lists(workspace).await;
    audit.judge();
    Sound { stored }
}

/// Everything that is wrong with the stored items, without calling the routes.
pub async fn problems(workspace: &Workspace<'_>) -> Vec<String> {
    let stored = Stored::read(workspace).await;
    let mut audit = Audit {
        stored: &stored,
        wrong: Vec::new(),
    };
    audit.items();
    audit.wrong
}

/// Like [`audit`], without calling the routes: for a workspace with very many experiences.
pub async fn audit_items(workspace: &Workspace<'_>) -> Sound {
    let stored = Stored::read(workspace).await;
    let mut audit = Audit {
        stored: &stored,
        wrong: Vec::new(),
    };
    audit.items();
    audit.judge();
    Sound { stored }
}

impl Sound {
    /// How many decisions were made on a user.
    pub fn decisions(&self, user: u64) -> usize {
        let user = UserId::new(user).unwrap();
        self.stored
            .decisions
            .iter()
            .filter(|decision| decision.ban.user == user)
            .count()
    }

    /// A user's bans on record, oldest first.
    pub fn records(&self, user: u64) -> Vec<&Ban> {
        let user = UserId::new(user).unwrap();
        let records = self.stored.records.values().map(|record| &record.ban);
        records.filter(|ban| ban.user == user).collect()
    }

    /// The stored item of a user in an experience.
    pub fn here(&self, user: u64, experience: u64) -> &StoredExperience {
        let key = (
            UserId::new(user).unwrap(),
            ExperienceId::new(experience).unwrap(),
        );
        &self.stored.experiences[&key]
    }
}

struct Audit<'a> {
    stored: &'a Stored,
    wrong: Vec<String>,
}

impl Audit<'_> {
    fn judge(&self) {
        let wrong = self.wrong.join("\n  ");
        assert!(
            wrong.is_empty(),
            "what is stored does not fit together:\n  {wrong}"
        );
    }

    fn items(&mut self) {
        self.histories();
        self.log();
        self.names();
        self.latest();
        self.standings();
        self.reach();
        self.evidence();
    }

    fn check(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.wrong.push(otherwise());
        }
    }

    /// If there is an event log, every decision is in it at its own position, in order for each
    /// ban. An active temporary ban is due at its expiry.
    fn log(&mut self) {
        let stored = self.stored;
        let logged = || stored.decisions.iter().map(|decision| decision.position);
        if stored.logged > 0 {
            let expired = stored.expiries.iter().map(|expiry| expiry.position);
            let all: Vec<_> = logged().chain(expired).collect();
            let places: BTreeSet<_> = all.iter().flatten().copied().collect();
            let is_sound = places.len() == all.len()
                && places
                    .iter()
                    .all(|place| (1..=stored.logged).contains(place));
            self.check(is_sound, || {
                format!("the log of {} events is {all:?}", stored.logged)
            });
        }
        let mut last = BTreeMap::new();
        let mut decisions: Vec<_> = stored.decisions.iter().collect();
        decisions.sort_by_key(|decision| decision.number);
        for decision in decisions {
            let before = last.insert(decision.ban.guid, decision.position);
            let follows = before.is_none_or(|before| {
                decision.position.is_none() || before.is_some() && before < decision.position
            });
            self.check(follows, || format!("logged out of order: {decision:?}"));
        }
        for StoredRecord { ban, due, .. } in stored.records.values() {
            let runs_out = match ban.terms.expires {
                Expiry::At(at) if ban.ending.is_none() => Some(at.0),
                _ => None,
            };
            let is_over = runs_out.is_some_and(|at| at <= now());
            let fits = *due == runs_out || (due.is_none() && is_over);
            self.check(fits, || format!("{ban:?} is due at {due:?}"));
        }
    }

    /// The decisions on each ban are numbered without a gap, each starts where the previous one
    /// ended, and the last equals the record.
    fn histories(&mut self) {
        let stored = self.stored;
        let mut histories: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for decision in &stored.decisions {
            histories
                .entry(decision.ban.guid)
                .or_default()
                .push(decision);
        }
        let records: BTreeSet<_> = stored.records.keys().collect();
        let decided: BTreeSet<_> = histories.keys().collect();
        self.check(records == decided, || {
            "some bans have no record or no history".to_owned()
        });
        for (guid, mut decisions) in histories {
            decisions.sort_by_key(|decision| decision.number);
            let numbers: Vec<_> = decisions.iter().map(|decision| decision.number).collect();
            let gapless = numbers
                .iter()
                .copied()
                .eq(1..=u32::try_from(numbers.len()).unwrap());
            self.check(gapless, || {
                format!("the decisions on {guid} are numbered {numbers:?}")
            });
            for pair in decisions.windows(2) {
                let [before, after] = pair else { continue };
                // A restored ban replaces the last one of its scope, whichever it was.
                let follows =
                    after.decision == "restored" || after.previous.as_ref() == Some(&before.ban);
                self.check(follows, || {
                    format!("{guid}: {after:?} does not follow {before:?}")
                });
            }
            for decision in &decisions {
                let kind = match (decision.number, decision.ban.ending) {
                    (1, _) if decision.decision == "imported" => "imported",
                    (1, None) => "made",
                    (_, None) if decision.decision == "restored" => "restored",
                    (_, None) => "changed",
                    (_, Some(_)) if decision.ban.is_appealed() => "appealed",
                    (_, Some(_)) => "lifted",
                };
                self.check(decision.decision == kind, || {
                    format!("{decision:?} should be called {kind}")
                });
            }
            let last = decisions.last().map(|decision| &decision.ban);
            let record = stored.records.get(&guid).map(|record| &record.ban);
            self.check(last == record, || {
                format!("{guid} ends in {last:?}, not in {record:?}")
            });
        }
    }

    /// No two bans share a number.
    fn names(&mut self) {
        let mut uids: Vec<_> = self
            .stored
            .records
            .values()
            .map(|record| record.ban.uid)
            .collect();
        uids.sort();
        let doubled = uids.windows(2).any(|pair| pair[0] == pair[1]);
        self.check(!doubled, || format!("a uid was given twice: {uids:?}"));
    }

    /// A join check reads the latest record of its scope: the one that no other record replaced.
    fn latest(&mut self) {
        let stored = self.stored;
        let replaced: BTreeSet<_> = stored.decisions.iter().filter_map(|d| d.replaced).collect();
        let mut latest: BTreeMap<_, &Ban> = BTreeMap::new();
        for record in stored.records.values() {
            let ban = &record.ban;
            if replaced.contains(&ban.guid) {
                continue;
            }
            let place = (ban.scope == Scope::Experience).then_some(ban.made_in);
            latest.insert((ban.user, place), ban);
        }
        let globals = stored
            .globals
            .iter()
            .map(|(user, ban)| ((*user, None), ban));
        let heres = stored
            .experiences
            .iter()
            .filter_map(|((user, experience), item)| {
                item.standing
                    .ban
                    .as_ref()
                    .map(|ban| ((*user, Some(*experience)), ban))
            });
        let read: BTreeMap<_, &Ban> = globals.chain(heres).collect();
        let (latest, read) = (format!("{latest:#?}"), format!("{read:#?}"));
        self.check(latest == read, || {
            format!("records say {latest}, joins read {read}")
        });
    }

    /// Each item's pending entries follow from the item and the Global ban, and the record shows
    /// the report of the experience that made the ban.
    fn standings(&mut self) {
        let stored = self.stored;
        let now = UnixSeconds(now());
        for ((user, experience), item) in &stored.experiences {
            let standing = Standing {
                here: item.standing.clone(),
                global: stored.globals.get(user).cloned(),
                global_mark: None,
            };
            let pending = standing.pending();
            let unban = pending
                .unban
                .map(|unban| (unban.due.0, unban.reported.guid));
            let ban = pending.ban_at(now).map(|ban| ban.revision.guid);
            let stored_ban = item
                .ban_owed
                .filter(|_| item.ban_owed_until.is_none_or(|until| until > now.0));
            let agrees = unban == item.unban_owed && ban == stored_ban;
            self.check(agrees, || {
                format!(
                    "{user} in {experience} should have {pending:?} pending, but the item is {item:?}"
                )
            });
            // Nothing reaches an experience without a link.
            let failures = standing.here.failures.as_ref();
            let is_stale = failures.is_some_and(|failures| !pending.contains(&failures.of));
            self.check(!is_stale || !stored.links.contains(experience), || {
                format!("{user} in {experience} has failures of what is not pending: {item:?}")
            });
        }
        for (guid, record) in &stored.records {
            let here = stored
                .experiences
                .get(&(record.ban.user, record.ban.made_in));
            let report = here.and_then(|item| item.standing.report);
            let applied = report.filter(|report| report.guid == *guid);
            let applied = applied.map(|report| report.revision);
            self.check(applied == record.applied, || {
                format!(
                    "{guid} is recorded as applied {:?}, not {applied:?}",
                    record.applied
                )
            });
        }
    }

    /// An active Global ban has reached every linked experience.
    fn reach(&mut self) {
        let stored = self.stored;
        for (user, ban) in &stored.globals {
            for experience in &stored.links {
                let arrived = stored.experiences.contains_key(&(*user, *experience));
                let holds = ban.holds(UnixSeconds(now()));
                self.check(arrived || !holds, || {
                    format!("the Global ban of {user} has not come to {experience}")
                });
            }
        }
    }

    /// The lists show exactly the stored bans.
    async fn lists(&mut self, workspace: &Workspace<'_>) {
        let stored = self.stored;
        for experience in stored.links.difference(&stored.parts) {
            let items: Vec<_> = stored
                .experiences
                .iter()
                .filter(|((_, at), _)| at == experience)
                .collect();
            let now = now();
            let bans = items.iter().filter(|(_, item)| {
                item.ban_owed.is_some() && item.ban_owed_until.is_none_or(|until| until > now)
            });
            let bans: BTreeSet<_> = bans.map(|((user, _), _)| user.get()).collect();
            let unbans = items
                .iter()
                .filter(|(_, item)| item.unban_owed.is_some_and(|(due, _)| due <= now));
            let unbans: BTreeSet<_> = unbans.map(|((user, _), _)| user.get()).collect();
            let listed = users(&workspace.pending_bans(experience.get()).await);
            self.check(listed == bans, || {
                format!("{experience} has {bans:?} pending, its list says {listed:?}")
            });
            let listed = users(&workspace.pending_unbans(experience.get()).await);
            self.check(listed == unbans, || {
                format!("{experience} has unbans of {unbans:?} pending, not {listed:?}")
            });
            let call = Call::get("/bans").query("experienceId", experience);
            let listed = guids(&workspace.all_pages(call).await);
            let made = stored
                .records
                .values()
                .filter(|record| record.ban.made_in == *experience);
            let made: Vec<_> = made
                .rev()
                .map(|record| record.ban.guid.to_string())
                .collect();
            self.check(listed == made, || {
                format!("{experience} made {made:?}, not {listed:?}")
            });
        }
        let listed = guids(&workspace.bans().await);
        let recorded: Vec<_> = stored
            .records
            .keys()
            .rev()
            .map(ToString::to_string)
            .collect();
        self.check(listed == recorded, || {
            format!("{recorded:?} are recorded, not {listed:?}")
        });
    }
}

fn users(list: &[Value]) -> BTreeSet<u64> {
    list.iter()
        .map(|ban| ban["robloxId"].as_u64().unwrap())
        .collect()
}

fn guids(list: &[Value]) -> Vec<String> {
    list.iter()
        .map(|ban| ban["guid"].as_str().unwrap().to_owned())
        .collect()
}
