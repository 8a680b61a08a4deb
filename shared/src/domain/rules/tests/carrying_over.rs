//! Carrying a user over from a place to its root: a table of cases, and properties of any two
//! standings.

use proptest::prelude::*;
use proptest::sample::select;

use super::{ALICE, ARENA, BEACH, CASTLE, HOUR, MALLORY, START};
use crate::domain::clock::UnixSeconds;
use crate::domain::ids::{ExperienceId, Guid, Uid};
use crate::domain::rules::{
    Ban, CarriedOver, Ending, EndingKind, Expiry, Here, Identity, Outcome, RevisionRef, Scope,
    Standing, Terms, UndoStep, carry_over, undo,
};

const ROOT: ExperienceId = ARENA;
const PART: ExperienceId = BEACH;

fn new() -> Identity {
    Identity {
        guid: Guid::from(99),
        uid: Uid(99),
    }
}

/// A ban by its expiry, in hours from now; 0 = never.
fn ban(guid: u64, made_in: ExperienceId, hours: i64, is_lifted: bool) -> Ban {
    let expires = match hours {
        0 => Expiry::Never,
        hours => Expiry::At(UnixSeconds(
            START.0.checked_add_signed(hours * 3600).unwrap(),
        )),
    };
    Ban {
        guid: Guid::from(guid),
        uid: Uid(guid),
        user: MALLORY,
        scope: if guid == 3 {
            Scope::Global
        } else {
            Scope::Experience
        },
        made_in,
        terms: Terms {
            moderator: ALICE,
            private_reason: guid.to_string(),
            public_reason: guid.to_string(),
            expires,
            universal: true,
        },
        revision: 2,
        decisions: 2,
        created: START.minus(HOUR),
        updated: START.minus(HOUR),
        ending: is_lifted.then_some(Ending {
            at: START.minus(60),
            kind: EndingKind::Lifted,
        }),
    }
}

fn standing(ban: Option<Ban>, report: Option<RevisionRef>, global: Option<Ban>) -> Standing {
    Standing {
        here: Here {
            ban,
            report,
            mark: None,
            failures: None,
        },
        global,
        global_mark: None,
    }
}

fn carried(part: &Standing, root: &Standing) -> Option<CarriedOver> {
    carry_over(part, root, ROOT, Some(new()), START)
}

/// What carrying over leaves at the root: the reason and end of its ban in force, whether nothing is
/// pending there, and the ban whose unban would be pending.
#[track_caller]
fn left(part: &Standing, root: &Standing) -> (Option<String>, bool, Option<u64>) {
    let CarriedOver { root, .. } = carried(part, root).unwrap();
    let standing = root.standing;
    let held = standing.in_force(Scope::Experience, START);
    let pending = standing.pending();
    (
        held.map(|ban| ban.terms.private_reason.clone()),
        pending.ban_at(START).is_none(),
        standing.here.report.map(|report| report.guid.get()),
    )
}

#[expect(clippy::unnecessary_wraps, reason = "compared with what is left")]
fn reason(of: u64) -> Option<String> {
    Some(of.to_string())
}

#[test]
fn of_two_bans_in_force_the_one_that_ends_last_holds() {
    for (part, root, holds, is_new) in [
        (2, None, 1, true),
        (2, Some(1), 1, false),
        (1, Some(2), 2, false),
        (2, Some(2), 2, false),
        (0, Some(2), 1, false),
        (2, Some(0), 2, false),
        (2, Some(-1), 1, true),
    ] {
        let part = standing(Some(ban(1, PART, part, false)), None, None);
        let root = standing(root.map(|hours| ban(2, ROOT, hours, false)), None, None);
        let (held, ..) = left(&part, &root);
        assert_eq!(held, reason(holds));
        let CarriedOver { part, root: after } = carried(&part, &root).unwrap();
        let guid = after.standing.here.ban.unwrap().guid;
        assert_eq!(guid == new().guid, is_new);
        assert_eq!(part.standing.in_force(Scope::Experience, START), None);
    }
}

#[test]
fn what_the_place_had_applied_counts_as_applied_by_the_root() {
    let here = ban(1, PART, 2, false);
    let older = RevisionRef {
        revision: 1,
        ..here.current()
    };
    let own = ban(2, ROOT, 0, false);
    for (part, root, expected) in [
        // It had applied the carried ban, nothing, or an earlier revision.
        (
            Some(here.current()),
            (None, None),
            (reason(1), true, Some(99)),
        ),
        (None, (None, None), (reason(1), false, None)),
        (Some(older), (None, None), (reason(1), false, Some(1))),
        // The root has a longer ban, applied or not.
        (
            Some(here.current()),
            (Some(own.clone()), Some(own.current())),
            (reason(2), true, Some(2)),
        ),
        (
            Some(here.current()),
            (Some(own.clone()), None),
            (reason(2), false, Some(1)),
        ),
    ] {
        let part = standing(Some(here.clone()), part, None);
        let root = standing(root.0, root.1, None);
        assert_eq!(left(&part, &root), expected);
    }
}

#[test]
fn pending_unban_and_report_of_a_global_ban_move_to_the_root() {
    let lifted = ban(1, PART, 0, true);
    let part = standing(Some(lifted.clone()), Some(lifted.current()), None);
    let root = standing(None, None, None);
    assert_eq!(left(&part, &root), (None, true, Some(1)));
    let CarriedOver { part, root } = carried(&part, &root).unwrap();
    assert!(part.standing.pending().unban.is_none());
    let pending = root.standing.pending().unban_at(START);
    assert_eq!(pending.map(|unban| unban.reported), Some(lifted.current()));

    let global = ban(3, CASTLE, 0, false);
    let part = standing(None, Some(global.current()), Some(global.clone()));
    let root = standing(None, None, Some(global));
    assert_eq!(left(&part, &root), (None, true, Some(3)));
}

#[test]
fn nothing_to_carry_over_changes_nothing() {
    let root = standing(Some(ban(2, ROOT, 2, false)), None, None);
    for part in [
        None,
        Some(ban(1, PART, -1, false)),
        Some(ban(1, PART, 0, true)),
    ] {
        assert_eq!(carried(&standing(part, None, None), &root), None);
    }
    let part = standing(Some(ban(1, PART, 0, false)), None, None);
    let without = carry_over(&part, &standing(None, None, None), ROOT, None, START);
    assert_eq!(without, None, "a new ban needs an identity");
}

fn any_ban(guid: u64, made_in: ExperienceId) -> impl Strategy<Value = Option<Ban>> {
    let hours = select(vec![-1, 0, 1, 2]);
    let ban = (hours, prop::bool::weighted(0.3));
    prop::option::weighted(0.8, ban)
        .prop_map(move |ban| ban.map(|(hours, lifted)| self::ban(guid, made_in, hours, lifted)))
}

/// The standings of a user in a place and its root.
fn any_standings() -> impl Strategy<Value = (Standing, Standing)> {
    let bans = (any_ban(1, PART), any_ban(2, ROOT), any_ban(3, CASTLE));
    (bans, 0..4_u8, 0..4_u8).prop_map(|((part, root, global), by_part, by_root)| {
        let report = |here: &Option<Ban>, which| {
            let older = |ban: &Ban| RevisionRef {
                revision: 1,
                ..ban.current()
            };
            match which {
                0 => None,
                1 => here.as_ref().map(Ban::current),
                2 => here.as_ref().map(older),
                _ => global.as_ref().map(Ban::current),
            }
        };
        let (by_part, by_root) = (report(&part, by_part), report(&root, by_root));
        (
            standing(part, by_part, global.clone()),
            standing(root, by_root, global.clone()),
        )
    })
}

fn end(standing: &Standing, at: UnixSeconds) -> Option<Expiry> {
    standing.counting(at).map(|ban| ban.terms.expires)
}

/// A scope after its last decision is undone.
fn undone(outcome: &Outcome) -> Standing {
    let steps: Vec<_> = outcome
        .decisions
        .iter()
        .map(|decision| UndoStep {
            after: &decision.ban,
            before: decision.previous.as_ref(),
            is_undone: true,
        })
        .collect();
    undo(&outcome.standing, Scope::Experience, &steps, "", START).standing
}

proptest! {
    /// A user whom a check of both places kept out is kept out by the root, for as long.
    #[test]
    fn no_ban_is_lost_or_made_longer((part, root) in any_standings()) {
        let before = end(&root.clone().with_other(part.here.clone(), START), START);
        match carried(&part, &root) {
            None => prop_assert_eq!(before, end(&root, START)),
            Some(after) => {
                prop_assert_eq!(before, end(&after.root.standing, START));
                prop_assert_eq!(after.part.standing.in_force(Scope::Experience, START), None);
                prop_assert!(carried(&after.part.standing, &after.root.standing).is_none());
            }
        }
    }

    /// What either place has applied at Roblox and has to lift later stays known to the root.
    #[test]
    fn no_report_is_lost((part, root) in any_standings()) {
        let Some(after) = carried(&part, &root) else { return Ok(()) };
        let reported = part.here.report.is_some() || root.here.report.is_some();
        prop_assert_eq!(after.root.standing.here.report.is_some(), reported);
        prop_assert_eq!(after.part.standing.here.report, None);
        if reported && after.root.standing.counting(START).is_none() {
            prop_assert!(after.root.standing.pending().unban_at(START).is_some());
        }
    }

    /// After the place has left, an undo brings the bans of both back.
    #[test]
    fn carrying_over_can_be_undone((part, root) in any_standings()) {
        let Some(after) = carried(&part, &root) else { return Ok(()) };
        for (outcome, before) in [(&after.part, &part), (&after.root, &root)] {
            let terms = |standing: &Standing| {
                standing.in_force(Scope::Experience, START).map(|ban| ban.terms.clone())
            };
            prop_assert_eq!(terms(&undone(outcome)), terms(before));
        }
    }
}
