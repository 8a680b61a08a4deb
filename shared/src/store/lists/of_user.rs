//! All that holds for one user, and the newest of what was decided about them, for people to read.

use super::ban_list::BanRecord;
use super::history::{DecisionItem, HistoryPosition};
use crate::domain::error::ApiError;
use crate::domain::history::PastDecision;
use crate::domain::ids::{ExperienceId, Guid, UserId, WorkspacePrefix};
use crate::domain::rules::{Ban, Here, RevisionRef, Standing};
use crate::store::Store;
use crate::store::dynamo::database::{DatabaseError, text};
use crate::store::dynamo::items::{self, BanItem, ExperienceItem, GlobalItem};
use crate::store::dynamo::schema::{self, Key};

/// How many items one list reads to count where its Global bans are applied.
const MOST_COUNTED: usize = 300;

/// A user's standing in every experience that knows them.
#[derive(Clone, Debug, Default)]
pub struct UserStandings {
    /// The latest Global ban, in force or not.
    pub global: Option<Ban>,
    /// By experience. One without an item of the user is missing: a Global ban may not have reached it.
    pub here: Vec<(ExperienceId, Here)>,
    /// Whether nobody in the workspace can ban the user.
    pub is_protected: bool,
}

impl UserStandings {
    /// The standing in one experience, also in one that does not know the user yet.
    #[must_use]
    pub fn standing(&self, experience: ExperienceId) -> Standing {
        let known = self.here.iter().find(|(id, _)| *id == experience);
        Standing {
            here: known.map(|(_, here)| here.clone()).unwrap_or_default(),
            global: self.global.clone(),
            global_mark: None,
        }
    }

    /// The latest ban of each scope, Global first.
    pub fn bans(&self) -> impl Iterator<Item = &Ban> {
        let here = self.here.iter().filter_map(|(_, here)| here.ban.as_ref());
        self.global.iter().chain(here)
    }
}

/// The newest decisions about a user.
#[derive(Clone, Debug, Default)]
pub struct NewestDecisions {
    /// Newest first.
    pub decisions: Vec<PastDecision>,
    /// The position before which older ones follow.
    pub older: Option<HistoryPosition>,
}

/// How many of the linked experiences have applied a Global ban.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppliedIn {
    pub guid: Guid,
    pub experiences: usize,
}

impl Store {
    /// A user's standing in every experience; strongly consistent.
    pub async fn standings_of(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
    ) -> Result<UserStandings, ApiError> {
        let query = self
            .database
            .querying()
            .consistent_read(true)
            .key_condition_expression("pk = :user AND begins_with(sk, :experiences)")
            .expression_attribute_values(":user", text(schema::user_partition(prefix, user)))
            .expression_attribute_values(":experiences", text("E#"));
        let global = Key::global(prefix, user);
        let others = [global.clone(), Key::protected(prefix, user)];
        let (items, others) = futures::try_join!(
            self.database.query_all(query),
            self.database.batch_get(others, true)
        )?;
        let mut standings = UserStandings::default();
        for item in items {
            let experience = Key::of(&item).and_then(|key| key.in_experience());
            let here = items::read::<ExperienceItem>(item)?.here();
            standings.here.extend(experience.map(|it| (it, here)));
        }
        for item in others {
            if Key::of(&item).as_ref() == Some(&global) {
                standings.global = Some(items::read::<GlobalItem>(item)?.ban.into());
            } else {
                standings.is_protected = true;
            }
        }
        Ok(standings)
    }

    /// The latest Global ban of a user, in force or not, with who decided about it last; strongly consistent.
    pub async fn global_ban_record(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
    ) -> Result<Option<BanRecord>, ApiError> {
        let global = self.database.get(Key::global(prefix, user)).await?;
        let Some(global) = global.map(items::read::<GlobalItem>).transpose()? else {
            return Ok(None);
        };
        let ban = Ban::from(global.ban);
        let record = self.database.get(Key::ban(prefix, user, ban.guid)).await?;
        let record = record.map(items::read::<BanItem>).transpose()?;
        Ok(record.map(BanRecord::from))
    }

    /// The newest decisions about a user, before a position; strongly consistent.
    pub async fn newest_decisions(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
        before: Option<HistoryPosition>,
        limit: usize,
    ) -> Result<NewestDecisions, ApiError> {
        let query = self
            .database
            .querying()
            .consistent_read(true)
            .scan_index_forward(false)
            .key_condition_expression("pk = :user AND sk BETWEEN :first AND :end")
            .expression_attribute_values(":user", text(schema::user_partition(prefix, user)))
            .expression_attribute_values(":first", text(schema::DECISION_PREFIX))
            .expression_attribute_values(":end", text(schema::DECISIONS_END))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(before.map(|before| before.key(prefix, user).item()));
        let (items, next) = self.database.query(query).await?;
        let older = next.as_ref().and_then(Key::of);
        let read = |item| items::read::<DecisionItem>(item).map(PastDecision::from);
        let decisions: Result<_, DatabaseError> = items.into_iter().map(read).collect();
        Ok(NewestDecisions {
            decisions: decisions?,
            older: older.as_ref().and_then(HistoryPosition::of),
        })
    }

    /// In how many of these experiences each Global ban is applied, as far as one list may read:
    /// bans beyond that are missing. Eventually consistent.
    pub async fn applied_in(
        &self,
        prefix: WorkspacePrefix,
        experiences: &[ExperienceId],
        bans: &[&Ban],
    ) -> Result<Vec<AppliedIn>, ApiError> {
        let counted = MOST_COUNTED.checked_div(experiences.len()).unwrap_or(0);
        let counted = bans.get(..counted.min(bans.len())).unwrap_or_default();
        let keys = counted.iter().flat_map(|ban| {
            let of_ban = |experience| Key::experience(prefix, ban.user, experience);
            experiences.iter().copied().map(of_ban)
        });
        let mut reports: Vec<RevisionRef> = Vec::new();
        for item in self.database.batch_get(keys, false).await? {
            reports.extend(items::read::<ExperienceItem>(item)?.here().report);
        }
        let applied = |ban: &&Ban| AppliedIn {
            guid: ban.guid,
            experiences: reports.iter().filter(|it| **it == ban.current()).count(),
        };
        Ok(counted.iter().map(applied).collect())
    }
}
