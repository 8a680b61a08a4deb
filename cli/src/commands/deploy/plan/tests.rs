use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// A template with these indexes, by table, and alarms.
fn template(indexes: &[(&str, &str)], alarms: &[&str]) -> Template {
    let mut resources = serde_json::Map::new();
    for table in ["BansTable", "WorkspacesTable"] {
        let own = indexes
            .iter()
            .filter(|(of, _)| *of == table)
            .map(|(_, name)| name);
        let definitions: Vec<Value> = own
            .clone()
            .map(|name| {
                json!({"IndexName": name, "KeySchema": [{"AttributeName": name, "KeyType": "HASH"}],
                       "Projection": {"ProjectionType": "ALL"}})
            })
            .collect();
        let names = ["pk"].into_iter().chain(own.copied());
        let attributes: Vec<Value> = names
            .map(|name| json!({"AttributeName": name, "AttributeType": "S"}))
            .collect();
        let mut properties = json!({"AttributeDefinitions": attributes});
        if !definitions.is_empty() {
            properties["GlobalSecondaryIndexes"] = Value::Array(definitions);
        }
        let table_of = json!({"Type": "AWS::DynamoDB::Table", "Properties": properties});
        resources.insert(table.to_owned(), table_of);
    }
    for alarm in alarms {
        resources.insert(
            (*alarm).to_owned(),
            json!({"Type": "AWS::CloudWatch::Alarm"}),
        );
    }
    Template::parse(&json!({"Resources": resources}).to_string()).unwrap()
}

fn deployed(indexes: &[(&str, &str)], alarms: &[&str]) -> Deployed {
    let template = template(indexes, alarms);
    Deployed {
        indexes: template
            .indexes()
            .into_keys()
            .map(|id| (id, IndexStatus::Ready))
            .collect(),
        template,
        foreign_secrets: BTreeSet::new(),
    }
}

fn id(table: &str, name: &str) -> IndexId {
    IndexId {
        table: table.to_owned(),
        name: name.to_owned(),
    }
}

const FIRST: [(&str, &str); 2] = [("BansTable", "pending"), ("WorkspacesTable", "keys")];
const NOW: [(&str, &str); 5] = [
    ("BansTable", "pending"),
    ("WorkspacesTable", "keys"),
    ("BansTable", "decisions"),
    ("BansTable", "due"),
    ("BansTable", "events"),
];

fn said(deployed: &Deployed, release: &Template) -> Vec<String> {
    plan(deployed, release)
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect()
}

/// What a step does, or its first half: the process stops while DynamoDB still builds the index.
fn apply(deployed: &mut Deployed, step: &Step, release: &Template, is_whole: bool) {
    match step {
        Step::AwaitIndex(id) => {
            if !is_whole {
                return;
            }
            if deployed.template.indexes().contains_key(id) {
                deployed.indexes.insert(id.clone(), IndexStatus::Ready);
            } else {
                deployed.indexes.remove(id);
            }
        }
        Step::AddIndex(id, index) => {
            deployed.template = deployed.template.clone().with_index(id, index);
            let status = if is_whole {
                IndexStatus::Ready
            } else {
                IndexStatus::Building
            };
            deployed.indexes.insert(id.clone(), status);
        }
        Step::RemoveMonitors(ids) if is_whole => {
            deployed.template = deployed.template.clone().without(ids);
        }
        Step::Release if is_whole => deployed.template = release.clone(),
        Step::UpgradeWorkspaces | Step::RemoveMonitors(_) | Step::Release => {}
    }
}

#[test]
fn steps_follow_from_what_is_deployed() {
    let release = template(&NOW, &[]);
    let (last, workspaces) = ("update the stack to the release", "upgrade the workspaces");
    assert_eq!(said(&deployed(&NOW, &[]), &release), [workspaces, last]);
    assert_eq!(
        said(&deployed(&FIRST, &["ApiErrors", "Latency"]), &release),
        [
            "add the index decisions of BansTable, and wait until it is built",
            "add the index due of BansTable, and wait until it is built",
            "add the index events of BansTable, and wait until it is built",
            workspaces,
            "remove 2 alarms, dashboards and queries, which the release creates again",
            last,
        ]
    );
    let mut building = deployed(&NOW, &[]);
    building
        .indexes
        .insert(id("BansTable", "due"), IndexStatus::Building);
    let first = "wait for the index due of BansTable";
    assert_eq!(said(&building, &release), [first, workspaces, last]);
    let mut rolled_back = deployed(&FIRST, &[]);
    rolled_back
        .indexes
        .insert(id("BansTable", "due"), IndexStatus::Leaving);
    assert_eq!(said(&rolled_back, &release)[0], first);
}

#[test]
fn stack_that_cannot_be_updated_is_refused() {
    let (release, current) = (template(&NOW, &[]), deployed(&NOW, &[]));
    let due = || id("BansTable", "due");
    let refused = |deployed: &Deployed, release: &Template| plan(deployed, release).unwrap_err();
    assert_eq!(
        refused(&current, &template(&FIRST, &[])),
        PlanRefusal::OlderRelease(id("BansTable", "decisions"))
    );
    let mut stray = deployed(&FIRST, &[]);
    stray.indexes.insert(due(), IndexStatus::Ready);
    assert_eq!(refused(&stray, &release), PlanRefusal::StrayIndex(due()));
    let mut lost = current.clone();
    lost.indexes.remove(&due());
    assert_eq!(refused(&lost, &release), PlanRefusal::LostIndex(due()));
    let changed = release.text().replace("\"ALL\"", "\"KEYS_ONLY\"");
    let changed = Template::parse(&changed).unwrap();
    assert_eq!(
        refused(&current, &changed),
        PlanRefusal::ChangedIndex(id("BansTable", "decisions"))
    );
    let mut foreign = current.clone();
    foreign.foreign_secrets.insert("roblox".to_owned());
    assert_eq!(
        refused(&foreign, &release),
        PlanRefusal::ForeignSecret("roblox".to_owned())
    );
    let other = Template::parse(r#"{"Resources":{"Queue":{"Type":"AWS::SQS::Queue"}}}"#).unwrap();
    let other = Deployed {
        template: other,
        ..current
    };
    assert_eq!(
        refused(&other, &release),
        PlanRefusal::NoTable("BansTable".to_owned())
    );
}

proptest! {
    #[test]
    fn stopping_anywhere_and_running_again_ends_at_the_release(
        has in proptest::collection::vec(any::<bool>(), NOW.len()),
        alarms in 0_usize..3,
        stops in proptest::collection::vec((0_usize..8, any::<bool>()), 0..6),
    ) {
        let indexes: Vec<_> = NOW.into_iter().zip(has).filter_map(|(it, has)| has.then_some(it)).collect();
        let release = template(&NOW, &[]);
        let mut state = deployed(&indexes, &["ApiErrors", "Latency"][..alarms.min(2)]);
        let run = |state: &mut Deployed, steps: usize, stops_halfway: bool| {
            for (position, step) in plan(state, &release).unwrap().iter().enumerate() {
                let before = state.template.indexes().len();
                if position >= steps {
                    if stops_halfway {
                        apply(state, step, &release, false);
                    }
                    return;
                }
                apply(state, step, &release, true);
                let new = state.template.indexes().len() - before;
                assert!(new <= 1, "{step} creates {new} indexes");
                assert!(*step != Step::Release || new == 0, "the release itself creates an index");
            }
        };
        for (steps, stops_halfway) in stops {
            run(&mut state, steps, stops_halfway);
        }
        run(&mut state, usize::MAX, false);
        prop_assert_eq!(&state.template, &release);
        prop_assert!(state.indexes.values().all(|it| *it == IndexStatus::Ready));
        let again = plan(&state, &release).unwrap();
        prop_assert_eq!(again, [Step::UpgradeWorkspaces, Step::Release]);
    }
}
