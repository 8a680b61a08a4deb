use super::{ALICE, ARENA, HOUR, MALLORY, START};
use crate::domain::clock::UnixSeconds;
use crate::domain::ids::{Guid, Uid};
use crate::domain::rules::{
    Ban, DecisionKind, Ending, EndingKind, Expiry, Here, Refusal, Scope, Standing, Terms, import,
    import_replaced, import_report, reinstate,
};

fn ban(guid: u64, scope: Scope) -> Ban {
    Ban {
        guid: Guid::from(guid),
        uid: Uid(guid),
        user: MALLORY,
        scope,
        made_in: ARENA,
        terms: Terms {
            moderator: ALICE,
            private_reason: "private".to_owned(),
            public_reason: "public".to_owned(),
            expires: Expiry::Never,
            universal: true,
        },
        revision: 1,
        decisions: 1,
        created: START,
        updated: START,
        ending: None,
    }
}

fn lifted(mut ban: Ban) -> Ban {
    ban.ending = Some(Ending {
        at: START,
        kind: EndingKind::Lifted,
    });
    ban
}

fn with(here: Option<Ban>, global: Option<Ban>) -> Standing {
    Standing {
        here: Here {
            ban: here,
            ..Here::default()
        },
        global,
        global_mark: None,
    }
}

const NOW: UnixSeconds = UnixSeconds(START.0 + HOUR);

#[test]
fn the_later_of_two_bans_of_a_scope_counts() {
    for scope in [Scope::Experience, Scope::Global] {
        let first = import(&Standing::default(), lifted(ban(5, scope)), false, NOW).unwrap();
        let later = import(&first.standing, ban(9, scope), false, NOW).unwrap();
        assert_eq!(later.standing.latest_in(scope), Some(&ban(9, scope)));
        let [decision] = &later.decisions[..] else {
            panic!("one decision is expected");
        };
        assert_eq!(decision.kind, DecisionKind::Imported);
        assert_eq!(decision.previous, Some(lifted(ban(5, scope))));

        let earlier = import(&later.standing, lifted(ban(7, scope)), false, NOW).unwrap();
        assert_eq!(earlier.standing, later.standing);
        assert_eq!(earlier.decisions[0].previous, None);
    }
}

#[test]
fn import_never_overrides_an_active_ban() {
    let scope = Scope::Experience;
    let table = [
        (ban(5, scope), ban(9, scope)),
        (ban(5, scope), lifted(ban(9, scope))),
        (lifted(ban(9, scope)), ban(5, scope)),
        (ban(9, scope), ban(5, scope)),
    ];
    for (stored, incoming) in table {
        let standing = with(Some(stored.clone()), None);
        let refusal = import(&standing, incoming, false, NOW).unwrap_err();
        assert_eq!(refusal, Refusal::AlreadyBanned(Box::new(stored)));
    }
    let both = with(Some(ban(5, scope)), None);
    assert!(import(&both, ban(9, Scope::Global), false, NOW).is_ok());
}

#[test]
fn applied_import_is_not_pending_but_its_end_is() {
    let outcome = import(&Standing::default(), ban(5, Scope::Experience), true, NOW).unwrap();
    assert_eq!(outcome.standing.pending().ban, None);
    let ended = lifted(ban(6, Scope::Experience));
    let outcome = import(&Standing::default(), ended, true, NOW).unwrap();
    assert!(outcome.standing.pending().unban_at(NOW).is_some());
}

#[test]
fn of_two_applied_bans_the_one_in_force_is_reported() {
    let (lasting, mut short) = (ban(5, Scope::Experience), ban(9, Scope::Global));
    short.terms.expires = Expiry::At(NOW.plus(HOUR));
    for order in [[&lasting, &short], [&short, &lasting]] {
        let mut standing = Standing::default();
        for ban in order {
            standing = import(&standing, ban.clone(), true, NOW).unwrap().standing;
        }
        assert_eq!(standing.here.report, Some(lasting.current()));
        assert_eq!(standing.pending().ban, None);
        // Elsewhere only the Global one exists.
        let elsewhere = import_report(with(None, Some(short.clone())), &short, NOW);
        assert_eq!(elsewhere.here.report, Some(short.current()));
    }
}

#[test]
fn replaced_ban_only_goes_to_the_records() {
    let scope = Scope::Experience;
    let holding = with(Some(ban(5, scope)), None);
    for guid in [4, 9] {
        let outcome = import_replaced(&holding, lifted(ban(guid, scope)));
        assert_eq!(outcome.standing, holding);
        assert_eq!(outcome.decisions[0].ban, lifted(ban(guid, scope)));
    }
}

#[test]
fn lifted_ban_is_restored_unless_another_is_current() {
    let scope = Scope::Experience;
    let ended = lifted(ban(5, scope));
    let (restored, outcome) = reinstate(&with(Some(ended.clone()), None), &ended, NOW).unwrap();
    assert!(restored.holds(NOW));
    assert_eq!((restored.revision, restored.decisions), (1, 2));
    assert_eq!(outcome.standing.in_force(scope, NOW), Some(&restored));
    assert_eq!(outcome.decisions[0].kind, DecisionKind::Restored);
    assert_eq!(outcome.decisions[0].previous, Some(ended.clone()));
    for other in [ban(4, scope), lifted(ban(9, scope))] {
        let standing = with(Some(other.clone()), None);
        assert_eq!(
            reinstate(&standing, &ended, NOW).unwrap_err(),
            Box::new(other)
        );
    }
}
