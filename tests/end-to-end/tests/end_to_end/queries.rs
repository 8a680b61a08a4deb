//! The saved queries use only existing fields.

use std::collections::BTreeSet;
use std::path::Path;

use end_to_end::{observability, template};
use serde_json::Value;

use crate::log_fields::{documented_fields, operations};

/// A query as documented in `docs/operations.md`.
struct Documented {
    name: String,
    text: String,
}

impl Documented {
    /// Turns `Latency, cold and warm` into `LatencyColdAndWarmQuery`.
    fn logical_id(&self) -> String {
        let words = self.name.split(|c: char| !c.is_ascii_alphabetic());
        let capital = |word: &str| {
            let (first, rest) = word.split_at(1.min(word.len()));
            first.to_uppercase() + rest
        };
        words.map(capital).collect::<String>() + "Query"
    }
}

/// All documented queries by heading.
fn documented() -> Vec<Documented> {
    let text = operations();
    let (_, section) = text.split_once("\n### Queries\n").expect("the section");
    let (section, _) = section.split_once("\n## ").expect("its end");
    let parts = section.split("\n#### ").skip(1);
    let read = |part: &str| {
        let fences: Vec<_> = part.split("```").collect();
        let [_, text, _] = fences[..] else {
            panic!("not one query: {part}")
        };
        Documented {
            name: part.lines().next().unwrap().to_owned(),
            text: text.trim().to_owned(),
        }
    };
    parts.map(read).collect()
}

/// The resources of a type in `observability.yaml`.
fn of_type(kind: &str) -> Vec<&'static Value> {
    let resources = observability().resources().values();
    resources
        .filter(|resource| resource["Type"] == kind)
        .collect()
}

#[test]
fn documented_and_saved_queries_match() {
    let documented = documented();
    assert!(documented.len() >= 8);
    assert_eq!(
        of_type("AWS::Logs::QueryDefinition").len(),
        documented.len()
    );
    for query in &documented {
        let id = query.logical_id();
        let saved = observability().resource(&id);
        let saved = &saved.unwrap_or_else(|| panic!("no {id} in observability.yaml"))["Properties"];
        assert_eq!(saved["QueryString"], query.text);
        let properties = saved.as_object().unwrap();
        assert!(properties.contains_key("LogGroupNames"), "{id}");
    }
}

#[test]
fn queries_over_all_functions_cover_every_log_group() {
    let count = template().functions().len();
    for query in documented() {
        let saved = &observability().resource(&query.logical_id()).unwrap()["Properties"];
        let groups = saved["LogGroupNames"].as_array().unwrap();
        let unique: BTreeSet<_> = groups.iter().map(Value::to_string).collect();
        assert_eq!(unique.len(), groups.len(), "{}", query.name);
        assert!(groups.len() <= 2 || groups.len() == count, "{}", query.name);
    }
}

/// The fields a query uses: its words except commands, functions, texts and names it defines.
fn names(query: &str) -> BTreeSet<String> {
    const WORDS: &str = "filter stats fields sort limit by as and or in like asc desc ispresent count \
        sum pct max avg bin m h platform type record metrics WARN ERROR";
    let quoted = query.split('"').step_by(2).collect::<Vec<_>>().join(" ");
    let words: Vec<_> = quoted
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '@' || c == '_'))
        .filter(|word| !word.is_empty())
        .collect();
    let given: BTreeSet<_> = words
        .windows(2)
        .filter(|pair| pair[0] == "as")
        .map(|pair| pair[1])
        .collect();
    let is_name = |word: &&&str| {
        !word.starts_with(['@', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
            && !given.contains(**word)
            && !WORDS.split_whitespace().any(|known| known == **word)
    };
    words
        .iter()
        .filter(is_name)
        .map(|word| (*word).to_owned())
        .collect()
}

#[test]
fn queries_use_only_fields_that_log_lines_have() {
    // Fields of the lines that Lambda and the gateway write.
    let others = [
        "initDurationMs",
        "durationMs",
        "maxMemoryUsedMB",
        "integrationError",
        "gatewayError",
    ];
    let mut known = documented_fields();
    known.extend(others.map(str::to_owned));
    for query in documented() {
        let names = names(&query.text);
        let unknown: Vec<_> = names.difference(&known).collect();
        assert_eq!(unknown, Vec::<&String>::new(), "in {}", query.name);
    }
    assert_eq!(
        names("filter durationsMs > 5 | stats count() as n"),
        ["durationsMs".to_owned()].into()
    );
}

#[test]
fn stacks_share_no_names() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut named = 0;
    for file in ["template.yaml", "observability.yaml"] {
        let text = std::fs::read_to_string(root.join(file)).unwrap();
        for line in text.lines() {
            let line = line.trim().trim_start_matches("- ");
            let Some((key, name)) = line.split_once(": ") else {
                continue;
            };
            // Names of parts of a resource, and of others that this one refers to.
            let is_own = key.ends_with("Name")
                && key.chars().all(char::is_alphanumeric)
                && !name.starts_with("!Ref")
                && !["PolicyName", "IndexName", "MetricName", "AttributeName"].contains(&key);
            if !is_own {
                continue;
            }
            named += 1;
            assert!(name.contains("StackName}"), "{file}: {line}");
            // These are global in an account.
            if ["DashboardName", "BudgetName"].contains(&key) {
                assert!(name.contains("${AWS::Region}"), "{file}: {line}");
            }
        }
    }
    assert!(named > 30, "{named}");
}
