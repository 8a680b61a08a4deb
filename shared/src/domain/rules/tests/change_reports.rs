//! `/reports`: exact reports of applied and failed changes.

use super::*;
use crate::domain::rules::{Change, ReportStatus, ReportedAttempt};

/// A report of what is listed to the experience.
fn of(ban: &BanState, change: Change) -> ChangeReport {
    ChangeReport {
        user: ban.user,
        guid: ban.guid,
        revision: ban.revision,
        change,
        attempt: ReportedAttempt::Applied,
    }
}

fn failed(report: &ChangeReport) -> ChangeReport {
    ChangeReport {
        attempt: ReportedAttempt::Failed {
            error: Some("HTTP 500".to_owned()),
        },
        ..report.clone()
    }
}

impl World {
    fn tell(&mut self, report: &ChangeReport) -> ReportStatus {
        match self.call(&Call::Report(ARENA, report.clone())).unwrap() {
            Answer::Reported(status) => status,
            answer => panic!("{answer:?}"),
        }
    }

    /// The failures at what is pending for Mallory in the arena, and the seconds until the next
    /// attempt.
    fn failing(&self) -> Option<(u32, u64)> {
        let standing = self.store.standing(MALLORY, ARENA);
        let failures = standing.failures_at(self.now)?;
        Some((failures.count, failures.not_before.0 - self.now.0))
    }
}

/// A world in which a ban is pending in the arena, and its report.
fn banned() -> (World, ChangeReport) {
    let mut world = World::linked();
    world.ban(&ban_in(ARENA));
    let report = of(&world.shown(ARENA), Change::Ban);
    (world, report)
}

#[test]
fn a_report_confirms_exactly_its_revision() {
    let (mut world, first) = banned();
    world.ban(&BanRequest {
        moderator: BOB,
        ..overwriting(ban_in(ARENA))
    });
    assert_eq!(world.tell(&first), ReportStatus::Superseded);
    assert_eq!(world.owes(ARENA), "ban");
    let second = of(&world.shown(ARENA), Change::Ban);
    assert_eq!(second.revision, 2);
    for _ in 0..2 {
        assert_eq!(world.tell(&second), ReportStatus::Applied);
        assert_eq!(world.owes(ARENA), "nothing");
    }
}

#[test]
fn a_report_of_a_lifted_ban_makes_the_unban_pending() {
    let (mut world, report) = banned();
    world.unban(&unban_in(ARENA));
    assert_eq!(world.tell(&report), ReportStatus::Superseded);
    assert_eq!(world.owes(ARENA), "unban");
    let lifted = of(&world.shown(ARENA), Change::Unban);
    for _ in 0..2 {
        assert_eq!(world.tell(&lifted), ReportStatus::Applied);
        assert_eq!(world.owes(ARENA), "nothing");
    }
}

#[test]
fn an_unban_reported_after_a_new_ban_leaves_that_pending() {
    let (mut world, report) = banned();
    world.tell(&report);
    world.unban(&unban_in(ARENA));
    let lifted = of(&world.shown(ARENA), Change::Unban);
    world.ban(&ban_in(ARENA));
    assert_eq!(world.tell(&lifted), ReportStatus::Superseded);
    assert_eq!(world.owes(ARENA), "ban");
}

#[test]
fn a_report_of_a_replaced_ban_is_recorded() {
    let (mut world, report) = banned();
    world.unban(&unban_in(ARENA));
    world.ban(&ban_in(ARENA));
    assert_eq!(world.tell(&report), ReportStatus::Superseded);
    assert_eq!(world.owes(ARENA), "ban");
    world.unban(&unban_in(ARENA));
    assert_eq!(world.owes(ARENA), "unban");
}

#[test]
fn what_the_user_never_had_is_unknown_and_changes_nothing() {
    let (mut world, report) = banned();
    let wrong = [
        ChangeReport {
            guid: Guid::from(7),
            ..report.clone()
        },
        ChangeReport {
            revision: 0,
            ..report.clone()
        },
        ChangeReport {
            revision: 2,
            ..report.clone()
        },
        ChangeReport {
            user: OSCAR,
            ..report.clone()
        },
    ];
    let before = world.store.clone();
    for report in wrong {
        for report in [failed(&report), report] {
            assert_eq!(world.tell(&report), ReportStatus::Unknown);
        }
    }
    assert_eq!(world.store, before);
    // The ban of another experience.
    world.ban(&ban_in(BEACH));
    let elsewhere = of(&world.shown(BEACH), Change::Ban);
    assert_eq!(world.tell(&elsewhere), ReportStatus::Unknown);
}

#[test]
fn an_erased_user_is_unknown() {
    let (mut world, report) = banned();
    world.erase(MALLORY).unwrap();
    let before = world.store.clone();
    assert_eq!(world.tell(&report), ReportStatus::Unknown);
    assert_eq!(world.tell(&failed(&report)), ReportStatus::Unknown);
    assert_eq!(world.store, before);
}

#[test]
fn failures_delay_the_next_attempt_longer_each_time() {
    let (mut world, report) = banned();
    let failed = failed(&report);
    for (count, pause) in [(1, 60), (2, 300), (3, 1800), (4, 21_600), (5, 21_600)] {
        assert_eq!(world.tell(&failed), ReportStatus::Noted);
        assert_eq!(world.failing(), Some((count, pause)));
        assert_eq!(world.owes(ARENA), "ban");
        // Before the next attempt is due, the report is a repeat.
        world.now = world.now.plus(pause - 1);
        let before = world.store.clone();
        assert_eq!(world.tell(&failed), ReportStatus::Noted);
        assert_eq!(world.store, before);
        world.now = world.now.plus(1);
    }
}

#[test]
fn a_new_revision_and_a_success_clear_failures() {
    let (mut world, report) = banned();
    world.tell(&failed(&report));
    assert_eq!(world.failing(), Some((1, 60)));
    world.ban(&BanRequest {
        moderator: BOB,
        ..overwriting(ban_in(ARENA))
    });
    assert_eq!(world.failing(), None);
    // The old revision is not pending any more.
    assert_eq!(world.tell(&failed(&report)), ReportStatus::Superseded);
    let second = of(&world.shown(ARENA), Change::Ban);
    assert_eq!(world.tell(&failed(&second)), ReportStatus::Noted);
    assert_eq!(world.failing(), Some((1, 60)));
    world.tell(&second);
    assert_eq!(world.failing(), None);
    assert_eq!(world.store.standing(MALLORY, ARENA).here.failures, None);
    assert_eq!(world.tell(&failed(&second)), ReportStatus::Superseded);
}

#[test]
fn a_global_decision_elsewhere_ends_failures() {
    let mut world = World::linked();
    world.ban(&BanRequest {
        scope: Scope::Global,
        ..ban_in(BEACH)
    });
    let report = of(&world.shown(ARENA), Change::Ban);
    world.tell(&failed(&report));
    assert_eq!(world.failing(), Some((1, 60)));
    world.ban(&BanRequest {
        scope: Scope::Global,
        moderator: BOB,
        ..overwriting(ban_in(BEACH))
    });
    assert_eq!(world.failing(), None);
    let standing = world.store.standing(MALLORY, ARENA);
    assert_eq!(standing.without_stale_failures().here.failures, None);
}

#[test]
fn failed_unbans_are_counted_separately() {
    let (mut world, report) = banned();
    world.tell(&failed(&report));
    world.tell(&report);
    world.unban(&unban_in(ARENA));
    let lifted = of(&world.shown(ARENA), Change::Unban);
    // A failed ban is not what is pending.
    assert_eq!(world.tell(&failed(&report)), ReportStatus::Superseded);
    assert_eq!(world.tell(&failed(&lifted)), ReportStatus::Noted);
    assert_eq!(world.failing(), Some((1, 60)));
    world.tell(&lifted);
    assert_eq!(world.failing(), None);
}
