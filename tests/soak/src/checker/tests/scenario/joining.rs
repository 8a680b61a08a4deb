//! The beach joins the arena.

use serde_json::json;
use shared::domain::clock::UnixSeconds;
use shared::domain::ids::{Guid, Uid};
use shared::domain::rules::Identity;

use super::{Scenario, arena, beach, user};
use crate::history::{JoinRecord, Millis};
use crate::plan::ANNOUNCED;

/// More than clocks and caches may differ by.
const LONG: Millis = 20_000;

impl Scenario {
    pub fn announce(&mut self) {
        self.model.announce(beach(), arena(), self.now());
        self.joins.push(JoinRecord {
            workspace: 0,
            part: beach(),
            root: arena(),
            announced: self.clock,
            written: (self.clock, self.clock + 10),
            completed: None,
            left: None,
        });
        self.wait(LONG / 2);
    }

    /// Waits until calls act in the root.
    pub fn settle(&mut self) {
        self.wait(ANNOUNCED + LONG);
        self.model.announce(beach(), arena(), UnixSeconds(0));
    }

    /// Carries the user over.
    pub fn carry_over(&mut self) {
        self.bans += 1;
        self.guid += 1;
        let identity = Identity {
            guid: Guid::from(self.guid),
            uid: Uid(self.bans),
        };
        let known = self.log.len();
        self.model.carry_over(user(), beach(), identity, self.now());
        self.remember(None);
        let name = json!(self.joins.last().unwrap().name());
        let past = self.past.values_mut().flatten();
        let new = self.log[known..].iter_mut();
        let ids: Vec<_> = new
            .map(|event| {
                event["actor"]["key"] = name.clone();
                event["id"].clone()
            })
            .collect();
        for event in past.filter(|event| ids.contains(&event["id"])) {
            event["actor"]["key"] = name.clone();
        }
        self.wait(10);
    }

    pub fn complete(&mut self) {
        self.model.complete(beach());
        let now = self.clock;
        self.joins.last_mut().unwrap().completed = Some((now, now + 10));
        self.wait(LONG);
    }

    pub fn leave(&mut self) {
        self.model.leave(beach(), self.now());
        let now = self.clock;
        self.joins.last_mut().unwrap().left = Some((now, now + 10));
        self.wait(LONG);
    }
}
