//! The saved queries, dashboards and alarms use only existing fields and metrics.

use std::collections::BTreeSet;

use end_to_end::{observability, template};
use serde_json::Value;

use crate::log_fields::{documented_fields, documented_metrics, operations};

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

/// The dashboards, with the template's names filled in. The first has the alarms.
fn dashboards() -> [Value; 2] {
    ["Dashboard", "OutwardDashboard"].map(|id| {
        let dashboard = &observability().resource(id).unwrap()["Properties"];
        serde_json::from_str(dashboard["DashboardBody"].as_str().unwrap()).unwrap()
    })
}

/// The metrics of a widget with `.` and `...` expanded: namespace, name, then the dimensions.
fn widget_metrics(widget: &Value) -> Vec<Vec<String>> {
    let mut all: Vec<Vec<String>> = Vec::new();
    for row in widget["properties"]["metrics"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let row: Vec<_> = row
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let before = all.last().cloned().unwrap_or_default();
        let spelled = match row.split_first() {
            None => continue,
            Some((&"...", rest)) => {
                let kept = before.len() - rest.len();
                let rest = rest.iter().map(|part| (*part).to_owned());
                before[..kept].iter().cloned().chain(rest).collect()
            }
            Some(_) => {
                let spell = |(at, part): (usize, &&str)| match *part {
                    "." => before[at].clone(),
                    part => part.to_owned(),
                };
                row.iter().enumerate().map(spell).collect()
            }
        };
        all.push(spelled);
    }
    all
}

#[test]
fn dashboards_and_alarms_use_existing_metrics() {
    let mut shown = BTreeSet::new();
    for dashboard in dashboards() {
        let widgets = dashboard["widgets"].as_array().unwrap();
        let of_one: BTreeSet<_> = widgets.iter().flat_map(widget_metrics).collect();
        assert!(of_one.len() <= 50, "{} metrics are not free", of_one.len());
        shown.extend(of_one);
    }

    for alarm in [
        "ApiErrorsAlarm",
        "DeliverWebhooksErrorsAlarm",
        "MirrorErrorsAlarm",
        "EventErrorsAlarm",
        "EvidenceScansAlarm",
        "LinkLimitAlarm",
        "PendingAgeAlarm",
        "SpreadDecisionsErrorsAlarm",
    ] {
        let alarm = &observability().resource(alarm).unwrap()["Properties"];
        for metric in alarm["Metrics"].as_array().unwrap() {
            let metric = &metric["MetricStat"]["Metric"];
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let mut all = vec![text(&metric["Namespace"]), text(&metric["MetricName"])];
            for dimension in metric["Dimensions"].as_array().into_iter().flatten() {
                all.extend([text(&dimension["Name"]), text(&dimension["Value"])]);
            }
            shown.insert(all);
        }
    }
    shown.retain(|metric| metric[0] == "Portcullis");
    let functions = template().functions();
    for metric in &shown {
        let [_, name, stack, stack_name, route, function] = &metric[..] else {
            panic!("{metric:?} has not the dimensions of a line")
        };
        assert!(documented_metrics().contains(name), "{metric:?}");
        assert_eq!([stack, stack_name, route], ["stack", "local", "route"]);
        assert!(functions.iter().any(|f| f.name == *function), "{metric:?}");
    }
    // No metric is paid for that no widget or alarm shows.
    let names: BTreeSet<_> = shown.into_iter().map(|metric| metric[1].clone()).collect();
    assert_eq!(names, documented_metrics());
}

#[test]
fn dashboard_widgets_do_not_overlap_and_include_every_alarm() {
    let dashboards = dashboards();
    for dashboard in &dashboards {
        let mut covered = BTreeSet::new();
        for widget in dashboard["widgets"].as_array().unwrap() {
            let number = |name: &str| widget[name].as_u64().unwrap();
            let (x, y) = (number("x"), number("y"));
            assert!(x + number("width") <= 24, "{widget}");
            for column in x..x + number("width") {
                for row in y..y + number("height") {
                    assert!(covered.insert((column, row)), "{widget}");
                }
            }
        }
    }
    let alarms = of_type("AWS::CloudWatch::Alarm").len();
    let shown = &dashboards[0]["widgets"][0]["properties"]["alarms"];
    assert_eq!(shown.as_array().unwrap().len(), alarms);
}

#[test]
fn every_alarm_has_a_runbook() {
    let text = operations();
    let alarms = of_type("AWS::CloudWatch::Alarm");
    assert!(!alarms.is_empty());
    for alarm in alarms {
        let name = alarm["Properties"]["AlarmName"].as_str().unwrap();
        let name = name.strip_prefix("local-").unwrap();
        assert!(text.contains(&format!("`{name}`")), "{name}");
    }
}
