//! What a run may do, and what it has done.

use shared::api::invocation::{Ends, STEP};
use shared::domain::error::ApiError;
use shared::domain::role_rules::RoleVerb;
use shared::moderation::role_sync::{PERSON_TIME, RoleOutcome};
use shared::telemetry::Run;

/// The most people of a run. Each is a question to Discord for each guild with rules, and one to Roblox for
/// each group: 5 minutes pass until the next run.
const PEOPLE: usize = 250;

/// What is left of a run.
#[derive(Debug)]
pub struct Budget {
    ends: Ends,
    people: usize,
    pub run: Run,
    pub error: Option<ApiError>,
}

impl Budget {
    pub fn new(ends: Ends) -> Self {
        Self {
            ends,
            people: PEOPLE,
            run: Run::default(),
            error: None,
        }
    }

    /// An equal share of the people who are left, for one of some workspaces.
    pub fn share(&self, workspaces: usize) -> usize {
        self.people
            .checked_div(workspaces)
            .unwrap_or_default()
            .max(1)
    }

    /// Whether there is time for another person, and for saving how far the run came.
    pub fn allows_person(&self) -> bool {
        self.people > 0 && self.ends.allows(PERSON_TIME.saturating_add(STEP))
    }

    /// Counts a person.
    pub fn count(&mut self, outcomes: &[RoleOutcome]) {
        self.people = self.people.saturating_sub(1);
        let roles = &mut self.run.roles;
        roles.people_visited = roles.people_visited.saturating_add(1);
        for outcome in outcomes {
            for change in &outcome.changed {
                match change.verb {
                    RoleVerb::Give => roles.given = roles.given.saturating_add(1),
                    RoleVerb::Take => roles.taken = roles.taken.saturating_add(1),
                }
            }
            let refused = u32::try_from(outcome.refused.len()).unwrap_or(u32::MAX);
            roles.refused = roles.refused.saturating_add(refused);
            let failed = u32::from(outcome.failure.is_some());
            roles.guilds_failed = roles.guilds_failed.saturating_add(failed);
        }
    }
}
