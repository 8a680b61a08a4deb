//! The alarms and dashboards of each `MetricsLevel` use exactly the metrics that the functions write then.

use std::collections::BTreeSet;

use end_to_end::{repository, template};
use local_stack::template::Template;
use serde_json::{Value, json};

use crate::log_fields::{documented_metrics, operations, watched_metrics};

/// `observability.yaml` at a level, with malware scans, the console and commands on Discord.
struct Level {
    name: &'static str,
    stack: Template,
}

impl Level {
    fn of(name: &'static str) -> Self {
        let arguments = json!({
            "MetricsLevel": name, "ScanEvidence": "true", "Console": "true",
            "DiscordApplicationId": "613425648685547001", "DiscordPublicKey": "0".repeat(64),
        });
        let arguments = arguments.as_object().unwrap();
        let main = Template::load_with(repository("template.yaml"), arguments).unwrap();
        let stack = main.nested("Observability").unwrap().clone();
        Self { name, stack }
    }

    fn both() -> [Self; 2] {
        ["basic", "full"].map(Self::of)
    }

    fn properties(&self, kind: &str) -> Vec<&Value> {
        let resources = self.stack.resources().values();
        let found = resources.filter(|resource| resource["Type"] == kind);
        found.map(|resource| &resource["Properties"]).collect()
    }

    fn alarms(&self) -> Vec<&Value> {
        self.properties("AWS::CloudWatch::Alarm")
    }

    /// The names of the alarms without that of the stack.
    fn alarm_names(&self) -> BTreeSet<String> {
        let names = self.alarms().into_iter().map(|alarm| {
            let name = alarm["AlarmName"].as_str().unwrap();
            name.strip_prefix("local-").unwrap().to_owned()
        });
        names.collect()
    }

    /// The dashboards, the one with the alarms first.
    fn dashboards(&self) -> Vec<Value> {
        let mut dashboards = self.properties("AWS::CloudWatch::Dashboard");
        dashboards.sort_by_key(|dashboard| dashboard["DashboardName"].to_string().len());
        let body = |dashboard: &Value| {
            serde_json::from_str(dashboard["DashboardBody"].as_str().unwrap()).unwrap()
        };
        dashboards.into_iter().map(body).collect()
    }
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

/// The metrics of an alarm: namespace, name, then the dimensions.
fn alarm_metrics(alarm: &Value) -> Vec<Vec<String>> {
    let spelled = |metric: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut all = vec![text(&metric["Namespace"]), text(&metric["MetricName"])];
        for dimension in metric["Dimensions"].as_array().into_iter().flatten() {
            all.extend([text(&dimension["Name"]), text(&dimension["Value"])]);
        }
        all
    };
    match alarm["Metrics"].as_array() {
        None => vec![spelled(alarm)],
        Some(metrics) => {
            let stats = metrics.iter().map(|metric| &metric["MetricStat"]["Metric"]);
            stats
                .filter(|metric| !metric.is_null())
                .map(spelled)
                .collect()
        }
    }
}

/// The metrics that a dashboard's queries add up over all routes.
fn queried(dashboard: &Value) -> BTreeSet<String> {
    let text = dashboard.to_string();
    let parts = text.split("SELECT SUM(").skip(1);
    let names = parts.filter(|part| part.contains("SCHEMA(Portcullis, stack, route)"));
    names
        .map(|part| part.split(')').next().unwrap().to_owned())
        .collect()
}

#[test]
fn alarms_and_dashboards_use_the_metrics_of_their_level() {
    for level in Level::both() {
        let (mut shown, mut names) = (BTreeSet::new(), BTreeSet::new());
        for dashboard in level.dashboards() {
            let widgets = dashboard["widgets"].as_array().unwrap();
            let of_one: BTreeSet<_> = widgets.iter().flat_map(widget_metrics).collect();
            assert!(of_one.len() <= 50, "{} metrics are not free", of_one.len());
            shown.extend(of_one);
            names.extend(queried(&dashboard));
        }
        shown.extend(level.alarms().into_iter().flat_map(alarm_metrics));
        shown.retain(|metric| metric[0] == "Portcullis");
        for metric in &shown {
            let expected: &[&str] = match level.name {
                "basic" => &["stack", "local"],
                _ => &["stack", "local", "route"],
            };
            let dimensions: Vec<_> = metric[2..].iter().take(3).collect();
            assert_eq!(dimensions, expected, "{metric:?}");
            let route = metric.get(5);
            let functions = template().functions();
            let is_route = |route: &String| functions.iter().any(|f| f.name == *route);
            assert!(route.is_none_or(is_route), "{metric:?}");
        }
        names.extend(shown.into_iter().map(|metric| metric[1].clone()));
        // No metric is paid for that no widget or alarm shows.
        let written = match level.name {
            "basic" => watched_metrics(),
            _ => documented_metrics(),
        };
        assert_eq!(names, written, "{}", level.name);
    }
}

#[test]
fn alarms_on_log_groups_have_a_filter_that_writes_their_metric() {
    for level in Level::both() {
        let filters = level.properties("AWS::Logs::MetricFilter");
        let filters = filters.into_iter().map(|filter| {
            let [metric] = filter["MetricTransformations"]
                .as_array()
                .unwrap()
                .as_slice()
            else {
                panic!("not one metric: {filter}")
            };
            // With a default value it would be billed while nothing matches.
            assert_eq!(metric.get("DefaultValue"), None);
            metric["MetricName"].as_str().unwrap().to_owned()
        });
        let watched = level.alarms().into_iter().flat_map(alarm_metrics);
        let watched = watched.filter(|metric| metric[0] == "Portcullis/local");
        let watched: BTreeSet<_> = watched.map(|metric| metric[1].clone()).collect();
        assert_eq!(filters.collect::<BTreeSet<_>>(), watched, "{}", level.name);
    }
}

#[test]
fn dashboard_widgets_do_not_overlap_and_include_every_alarm() {
    for level in Level::both() {
        let dashboards = level.dashboards();
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
        let shown = &dashboards[0]["widgets"][0]["properties"]["alarms"];
        let shown: BTreeSet<_> = shown
            .as_array()
            .unwrap()
            .iter()
            .map(Value::to_string)
            .collect();
        assert_eq!(shown.len(), level.alarms().len(), "{}", level.name);
    }
}

/// The alarms in the first column of the table with this level in its second.
fn documented_alarms(level: &str) -> BTreeSet<String> {
    let text = operations();
    let (_, table) = text.split_once("| alarm | level |").expect("the table");
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let mut alarms = BTreeSet::new();
    for row in rows {
        let cells: Vec<_> = row.split('|').collect();
        if ["both", level].contains(&cells[2].trim()) {
            alarms.extend(cells[1].split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    alarms
}

#[test]
fn documented_alarms_of_each_level_exist() {
    for level in Level::both() {
        assert_eq!(
            level.alarm_names(),
            documented_alarms(level.name),
            "{}",
            level.name
        );
    }
}

#[test]
fn alarms_for_what_must_never_stop_exist_at_both_levels() {
    let text = operations();
    let (_, section) = text.split_once("\n## What must never stop\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let (_, list) = section.split_once("These alarms exist at every").unwrap();
    let (list, _) = list.split_once("So does").unwrap();
    let named: BTreeSet<_> = list
        .split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    assert!(named.len() >= 8, "{named:?}");
    for level in Level::both() {
        assert!(named.is_subset(&level.alarm_names()), "{named:?}");
    }
}
