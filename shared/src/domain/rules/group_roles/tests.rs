use proptest::prelude::*;

use super::*;

fn id(id: u64) -> RoleId {
    RoleId::new(id).unwrap()
}

fn rank(rank: u64) -> Rank {
    Rank::new(rank).unwrap()
}

fn role(number: u64, of_rank: u64) -> GroupRole {
    GroupRole {
        id: id(number),
        name: format!("Role {number}"),
        rank: rank(of_rank),
    }
}

fn policy(mode: RoleMode) -> RolePolicy {
    RolePolicy {
        ceiling: RolePolicy::CEILING,
        mode,
        ranks: Vec::new(),
    }
}

/// Guest 900, two base roles 101 and 102, then 110, 120, 121, 199, 200, and the owner 955.
fn roles() -> Vec<GroupRole> {
    let of = [
        (900, 0),
        (101, 1),
        (102, 1),
        (110, 10),
        (120, 20),
        (121, 20),
        (199, 199),
        (200, 200),
        (955, 255),
    ];
    of.map(|(number, rank)| role(number, rank)).into()
}

/// The steps as numbers: a removed role is negative.
fn steps(plan: &RolePlan) -> Vec<i64> {
    let signed = |id: RoleId| i64::try_from(id.get()).unwrap();
    let steps = plan.steps().map(|step| match step {
        RoleStep::Assign(id) => signed(id),
        RoleStep::Unassign(id) => -signed(id),
    });
    steps.collect()
}

fn planned(mode: RoleMode, held: &[u64], wanted: WantedRole) -> Result<Vec<i64>, RoleRefusal> {
    let held: Vec<_> = held.iter().copied().map(id).collect();
    plan(&policy(mode), &roles(), &held, wanted).map(|plan| steps(&plan))
}

fn by_rank(number: u64) -> WantedRole {
    WantedRole::Rank(rank(number))
}

fn by_id(number: u64) -> WantedRole {
    WantedRole::Role(id(number))
}

#[test]
fn plan_assigns_the_role_and_then_removes_the_others_except_the_base() {
    use RoleMode::{Add, Replace};
    for (mode, held, wanted, expected) in [
        (Replace, &[101][..], by_rank(10), &[110][..]),
        (Replace, &[101, 120], by_rank(10), &[110, -120]),
        (Replace, &[101, 120, 121], by_id(110), &[110, -120, -121]),
        (Replace, &[101, 110], by_rank(10), &[]),
        (Replace, &[101, 110, 120], by_rank(10), &[-120]),
        (Replace, &[101, 102, 110], by_id(101), &[-110]),
        (Replace, &[101, 110], by_id(102), &[102, -110]),
        (Replace, &[120], by_id(121), &[121, -120]),
        (Add, &[101, 120], by_rank(10), &[110]),
        (Add, &[101, 110, 120], by_rank(10), &[]),
        (Add, &[101], by_rank(199), &[199]),
    ] {
        let steps = planned(mode, held, wanted).unwrap();
        assert_eq!(steps, expected, "{mode:?} {held:?} {wanted:?}");
    }
}

#[test]
fn calls_that_the_policy_or_the_group_excludes_are_refused() {
    for (held, wanted, expected) in [
        (&[101][..], by_rank(11), RoleRefusal::NoSuchRole),
        (&[101], by_id(7), RoleRefusal::NoSuchRole),
        (&[101], by_rank(200), RoleRefusal::AboveCeiling),
        (&[101], by_rank(201), RoleRefusal::AboveCeiling),
        (&[101], by_id(200), RoleRefusal::AboveCeiling),
        (&[101], by_id(900), RoleRefusal::NotAssignable),
        (&[101], by_id(955), RoleRefusal::NotAssignable),
        (
            &[101],
            by_rank(20),
            RoleRefusal::Ambiguous(vec![id(120), id(121)]),
        ),
        (&[], by_rank(10), RoleRefusal::NotAMember),
        (&[101, 200], by_rank(10), RoleRefusal::MemberAboveCeiling),
        (&[955], by_rank(10), RoleRefusal::MemberAboveCeiling),
        (&[101, 777], by_rank(10), RoleRefusal::UnknownRole),
    ] {
        let refusal = planned(RoleMode::Replace, held, wanted);
        assert_eq!(refusal, Err(expected), "{held:?} {wanted:?}");
    }
}

#[test]
fn only_listed_ranks_are_assigned() {
    let listed = RolePolicy {
        ranks: vec![rank(10), rank(200)],
        ..policy(RoleMode::Replace)
    };
    let asked = |wanted| plan(&listed, &roles(), &[id(101)], wanted).map(|plan| plan.target().id);
    assert_eq!(asked(by_rank(10)), Ok(id(110)));
    assert_eq!(asked(by_rank(199)), Err(RoleRefusal::NotListed));
    assert_eq!(asked(by_id(120)), Err(RoleRefusal::NotListed));
    assert_eq!(asked(by_rank(200)), Err(RoleRefusal::AboveCeiling));
}

#[test]
fn ranks_of_guests_and_owners_are_not_assignable() {
    for (number, is_assignable) in [
        (0, false),
        (1, true),
        (254, true),
        (255, false),
        (256, false),
    ] {
        assert_eq!(
            Rank::assignable(number).is_some(),
            is_assignable,
            "{number}"
        );
        let parsed = number.to_string().parse::<Rank>();
        assert_eq!(parsed.is_ok(), is_assignable, "{number}");
    }
}

/// The roles that a member holds after the first `made` steps.
fn after(held: &[RoleId], plan: &RolePlan, made: usize) -> Vec<RoleId> {
    let mut held = held.to_vec();
    for step in plan.steps().take(made) {
        match step {
            RoleStep::Assign(id) => held.push(id),
            RoleStep::Unassign(id) => held.retain(|other| *other != id),
        }
    }
    held
}

prop_compose! {
    fn group()(ranks in prop::collection::vec(0_u64..=255, 1..12)) -> Vec<GroupRole> {
        (1..).zip(ranks).map(|(number, rank)| role(number, rank)).collect()
    }
}

prop_compose! {
    fn case()(
        roles in group(),
        held in prop::collection::btree_set(1_u64..12, 0..6),
        ceiling in 2_u64..=255,
        adds in any::<bool>(),
        number in 1_u64..14,
        is_by_rank in any::<bool>(),
        listed in prop::collection::vec(1_u64..=254, 0..3),
    ) -> (RolePolicy, Vec<GroupRole>, Vec<RoleId>, WantedRole) {
        let of_number = roles.iter().find(|role| role.id == id(number)).map(|role| role.rank);
        let wanted = match of_number {
            Some(rank) if is_by_rank => WantedRole::Rank(rank),
            _ => by_id(number),
        };
        let policy = RolePolicy {
            ceiling: rank(ceiling),
            mode: if adds { RoleMode::Add } else { RoleMode::Replace },
            ranks: listed.into_iter().map(rank).collect(),
        };
        (policy, roles, held.into_iter().map(id).collect(), wanted)
    }
}

proptest! {
    #[test]
    fn nobody_is_stripped_wherever_a_plan_stops((policy, roles, held, wanted) in case()) {
        let Ok(plan) = plan(&policy, &roles, &held, wanted) else {
            return Ok(());
        };
        for made in 1..=plan.steps().count() {
            prop_assert!(after(&held, &plan, made).contains(&plan.target().id));
        }
    }

    #[test]
    fn repeat_of_a_plan_is_empty((policy, roles, held, wanted) in case()) {
        let Ok(first) = plan(&policy, &roles, &held, wanted) else {
            return Ok(());
        };
        let held = after(&held, &first, usize::MAX);
        let again = plan(&policy, &roles, &held, wanted);
        prop_assert!(again.is_ok_and(|plan| plan.is_empty()));
    }

    #[test]
    fn nothing_at_or_above_the_ceiling_changes((policy, roles, held, wanted) in case()) {
        let Ok(plan) = plan(&policy, &roles, &held, wanted) else {
            return Ok(());
        };
        for step in plan.steps() {
            let (RoleStep::Assign(id) | RoleStep::Unassign(id)) = step;
            let rank = roles.iter().find(|role| role.id == id).map(|role| role.rank);
            prop_assert!(rank.is_some_and(|rank| rank < policy.ceiling));
        }
    }

    #[test]
    fn add_mode_removes_nothing((policy, roles, held, wanted) in case()) {
        let policy = RolePolicy { mode: RoleMode::Add, ..policy };
        let Ok(plan) = plan(&policy, &roles, &held, wanted) else {
            return Ok(());
        };
        prop_assert!(plan.steps().all(|step| matches!(step, RoleStep::Assign(_))));
    }
}
