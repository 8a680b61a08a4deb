//! What `portcullis costs` assumes about a stack is what the templates contain, and the documentation has
//! its output.

use std::collections::BTreeMap;

use cli::costs::prices;
use cli::costs::stack::{MetricsLevel, SCHEDULES};
use end_to_end::repository;
use local_stack::template::Template;
use serde_json::{Value, json};

use crate::harness::{answered, command, stderr, stdout};

const LEVELS: [(MetricsLevel, &str); 2] =
    [(MetricsLevel::Basic, "basic"), (MetricsLevel::Full, "full")];

/// Resources without a fixed price.
const FREE: [&str; 21] = [
    "AWS::ApiGatewayV2::ApiMapping",
    "AWS::ApiGatewayV2::DomainName",
    "AWS::Budgets::Budget",
    "AWS::CertificateManager::Certificate",
    "AWS::DynamoDB::Table",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Permission",
    "AWS::Logs::LogGroup",
    "AWS::Logs::MetricFilter",
    "AWS::Logs::QueryDefinition",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
    "AWS::Serverless::HttpApi",
];

fn load(level: &str) -> Template {
    let arguments = json!({ "MetricsLevel": level });
    let arguments = arguments.as_object().unwrap();
    Template::load_with(repository("template.yaml"), arguments).unwrap()
}

fn of_type<'a>(template: &'a Template, kind: &str) -> Vec<&'a Value> {
    let resources = template.resources().values();
    let found = resources.filter(|resource| resource["Type"] == kind);
    found.map(|resource| &resource["Properties"]).collect()
}

/// The metrics that an alarm names.
fn named(alarm: &Value) -> u32 {
    let metrics = alarm["Metrics"].as_array().into_iter().flatten();
    let stats = metrics.filter(|metric| metric.get("MetricStat").is_some());
    u32::from(alarm.get("MetricName").is_some()) + u32::try_from(stats.count()).unwrap()
}

/// The metrics that an alarm's query reads: those of a table and each of its indexes.
fn queried(main: &Template, alarm: &Value) -> usize {
    let metrics = alarm["Metrics"].as_array().into_iter().flatten();
    let queries = metrics.filter_map(|metric| metric["Expression"].as_str());
    let queries = queries.filter(|query| query.starts_with("SELECT"));
    let counts = queries.map(|query| {
        let table = main
            .tables()
            .iter()
            .find(|table| query.contains(&table.name));
        let indexes = table.unwrap().create["GlobalSecondaryIndexes"].as_array();
        1 + indexes.map_or(0, Vec::len)
    });
    counts.sum()
}

/// The metrics in the table of `docs/operations.md` that only some routes have, for each of these.
fn metrics_of_some_routes() -> usize {
    let text = std::fs::read_to_string(repository("docs/operations.md")).unwrap();
    let (_, table) = text
        .split_once("| metric | unit | routes | shows |")
        .unwrap();
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let quoted = |cell: &str| cell.matches('`').count() / 2;
    let counts = rows.map(|row| {
        let cells: Vec<_> = row.split('|').collect();
        quoted(cells[1]) * quoted(cells[3])
    });
    counts.sum()
}

#[test]
fn costs_of_alarms_and_metrics_are_those_of_the_templates() {
    for (level, name) in LEVELS {
        let main = load(name);
        let nested = main.nested("Observability").unwrap();
        let alarms = of_type(nested, "AWS::CloudWatch::Alarm");
        let assumed = level.observability();
        let watched: u32 = alarms.iter().map(|alarm| named(alarm)).sum();
        assert_eq!(watched, assumed.alarm_metrics, "{name}");
        let read: usize = alarms.iter().map(|alarm| queried(&main, alarm)).sum();
        assert_eq!(
            read,
            usize::try_from(assumed.queried_metrics).unwrap(),
            "{name}"
        );
        let dashboards = of_type(nested, "AWS::CloudWatch::Dashboard").len();
        assert_eq!(dashboards, usize::try_from(assumed.dashboards).unwrap());
        let variable = "METRICS_LEVEL".to_owned();
        for function in main.functions() {
            assert_eq!(function.environment[&variable], name, "{}", function.name);
        }
    }
    // Duration, own duration and start of each function.
    let full = MetricsLevel::Full.observability();
    let of_each = |functions: usize| 3 * u32::try_from(functions).unwrap();
    assert_eq!(full.idle_metrics, of_each(SCHEDULES.len()));
    let others = u32::try_from(metrics_of_some_routes()).unwrap();
    assert_eq!(full.metrics, of_each(SCHEDULES.len() + 6) + others);
}

#[test]
fn costs_of_schedules_are_those_of_the_template() {
    let mut runs = BTreeMap::new();
    for (function, schedule) in load("basic").schedules() {
        let an_hour = 3600.0 / schedule.every.as_secs_f64();
        *runs.entry(format!("idle-{}", function.name)).or_insert(0.0) += an_hour;
    }
    // The tick of expire-bans wakes it.
    let tick = runs.get("idle-expire-bans").copied();
    runs.extend(tick.map(|runs| ("idle-publish-events".to_owned(), runs)));
    let assumed = SCHEDULES.map(|(run, an_hour)| (run.case.to_owned(), an_hour));
    assert_eq!(runs, BTreeMap::from(assumed));
}

#[test]
fn every_resource_is_priced_or_free() {
    let priced = [
        "AWS::CloudWatch::Alarm",
        "AWS::CloudWatch::Dashboard",
        "AWS::Serverless::Application",
        "AWS::Serverless::Function",
    ];
    for (_, name) in LEVELS {
        let main = load(name);
        let nested = main.nested("Observability").unwrap();
        for (id, resource) in main.resources().iter().chain(nested.resources()) {
            let kind = resource["Type"].as_str().unwrap();
            let is_known = priced.contains(&kind) || FREE.contains(&kind);
            assert!(
                is_known,
                "{id}: add the price of {kind} to `portcullis costs`, or to FREE"
            );
        }
    }
}

/// Its JSON output.
fn bill(arguments: &[&str]) -> Value {
    let mut portcullis = command();
    portcullis.arg("costs").args(arguments).arg("--json");
    let done = answered(portcullis, "");
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    serde_json::from_slice(&done.stdout).unwrap()
}

#[test]
fn stack_that_nobody_calls_costs_under_three_dollars() {
    let quiet = ["--servers", "0", "--joins-per-day", "0"];
    let basic = bill(&quiet);
    let usd = basic["fixedUsd"].as_f64().unwrap();
    assert!(usd > 2.0 && usd < 3.0, "{usd}");
    let full = bill(&[&quiet[..], &["--metrics-level", "full"]].concat());
    let more = full["fixedUsd"].as_f64().unwrap() - usd;
    // 102 more metrics of alarms, and 18 of our own.
    assert!((more - (10.20 + 5.40)).abs() < 0.011, "{more}");
    println!("basic {} full {}", basic["fixedUsd"], full["fixedUsd"]);
}

fn page(path: &str) -> String {
    std::fs::read_to_string(repository(path)).unwrap()
}

#[test]
fn documented_costs_are_those_that_the_command_prints() {
    let text = page("docs/costs.md");
    let mut samples = 0;
    for part in text.split("```sh\nportcullis costs ").skip(1) {
        let (arguments, rest) = part.split_once("\n```").unwrap();
        let Some(rest) = rest.strip_prefix("\n\n```\n") else {
            continue;
        };
        let (documented, _) = rest.split_once("```").unwrap();
        let mut portcullis = command();
        portcullis.arg("costs").args(arguments.split_whitespace());
        let done = answered(portcullis, "");
        let printed = stdout(&done);
        let lines = printed.lines().map(|line| format!("{}\n", line.trim_end()));
        assert_eq!(documented, lines.collect::<String>(), "{arguments}");
        samples += 1;
    }
    assert_eq!(samples, 4);
}

/// The USD of a position of a bill.
fn usd(bill: &Value, part: &str, what: &str) -> f64 {
    let positions = bill[part].as_array().unwrap();
    let found = positions.iter().find(|one| one["what"] == what);
    found.unwrap()["usd"].as_f64().unwrap()
}

#[test]
fn documented_figures_follow_from_the_command() {
    let text = page("docs/costs.md");
    let says = |what: String| assert!(text.contains(&what), "docs/costs.md lacks {what:?}");
    let games = ["--servers", "10", "--joins-per-day", "1000000"];
    let basic = bill(&games);
    let full = bill(&[&games[..], &["--metrics-level", "full"]].concat());
    for level in [&basic, &full] {
        let alarms = &level["fixed"][0];
        let number = |field: &str| alarms[field].as_f64().unwrap();
        says(format!(
            "{:.0} metrics, ${:.2} |",
            number("quantity"),
            number("usd")
        ));
        says(format!("**${:.2}**", level["fixedUsd"].as_f64().unwrap()));
    }
    says(format!("| 18, ${:.2} |", usd(&full, "fixed", "metrics")));
    let more = usd(&full, "variable", "metrics");
    says(format!(
        "up to {:.0} more of them have values while games play, ${more:.2}",
        more / 0.30
    ));
    says(format!(
        "| ${0:.2} | ${0:.2} |",
        usd(&basic, "fixed", "schedules")
    ));
    says(format!(
        "each server: ${:.2}.",
        usd(&basic, "variable", "polls") / 10.0
    ));
    let checks = usd(&basic, "variable", "ban checks") / (730.0 / 24.0);
    says(format!("${checks:.2} for a million."));
    let scanning = json!({ "ScanEvidence": "true" });
    let scanning = scanning.as_object().unwrap();
    let scanning = Template::load_with(repository("template.yaml"), scanning).unwrap();
    let alarms = of_type(
        scanning.nested("Observability").unwrap(),
        "AWS::CloudWatch::Alarm",
    );
    let watched: u32 = alarms.iter().map(|alarm| named(alarm)).sum();
    let more = watched - MetricsLevel::Basic.observability().alarm_metrics;
    says(format!(
        "`ScanEvidence` ${:.2}",
        f64::from(more) * prices::ALARM_METRIC
    ));
}

#[test]
fn documented_prices_are_those_that_the_command_uses() {
    let text = page("docs/costs.md");
    assert!(text.contains(prices::AS_OF), "{}", prices::AS_OF);
    for (what, usd) in [
        ("a million calls of the HTTP API", prices::GATEWAY),
        ("a million calls beyond 300 million", prices::GATEWAY_BEYOND),
        ("a million requests of a function", prices::FUNCTION),
        ("a GB-second of a function, arm64", prices::GB_SECOND),
        ("a million read units", prices::READ_UNITS),
        ("a million write units", prices::WRITE_UNITS),
        ("a GB of table", prices::TABLE_GB),
        ("a GB of point-in-time recovery", prices::RECOVERY_GB),
        ("a GB of logs", prices::LOG_GB),
        ("a metric", prices::METRIC),
        ("a metric of an alarm", prices::ALARM_METRIC),
        (
            "a dashboard beyond the account's first three",
            prices::DASHBOARD,
        ),
        ("a secret", prices::SECRET),
        ("a million requests to a key", prices::KEY_REQUESTS),
        ("a GB that leaves AWS", prices::DATA_OUT_GB),
        ("a GB in S3", prices::OBJECT_GB),
        ("a million uploads to S3", prices::UPLOADS),
        ("a million downloads from S3", prices::DOWNLOADS),
    ] {
        let row = text
            .lines()
            .find(|line| line.starts_with(&format!("| {what} |")));
        let row = row.unwrap_or_else(|| panic!("no row for {what}"));
        let documented = row.split('$').nth(1).unwrap();
        let documented: f64 = documented.split(' ').next().unwrap().parse().unwrap();
        assert!((documented - usd).abs() < 1e-12, "{row}: {usd}");
    }
}

#[test]
fn readme_agrees_with_the_command() {
    let text = page("README.md");
    for (level, name) in LEVELS {
        let usd = bill(&[
            "--servers",
            "0",
            "--joins-per-day",
            "0",
            "--metrics-level",
            name,
        ]);
        let usd = usd["fixedUsd"].as_f64().unwrap();
        assert!(text.contains(&format!("${usd:.2}")), "{level:?}: ${usd:.2}");
    }
    let medium = bill(&["--servers", "50", "--joins-per-day", "20000"]);
    let usd = medium["totalUsd"].as_f64().unwrap();
    assert!(
        text.contains(&format!("${usd:.0} a month")),
        "${usd:.0} a month"
    );
}

#[test]
fn module_makes_the_bill_nearly_independent_of_servers() {
    let of = |servers: &str, module: bool| {
        let mut arguments = vec!["--servers", servers, "--joins-per-day", "100000"];
        arguments.extend(module.then_some("--module"));
        bill(&arguments)["variableUsd"].as_f64().unwrap()
    };
    let (small, large) = (of("50", true), of("1000", true));
    assert!(large - small < 0.20, "{small}, {large}");
    assert!(large * 10.0 < of("1000", false), "{large}");
}

#[test]
fn options_of_the_module_are_refused_without_it() {
    let needed = ["costs", "--servers", "1", "--joins-per-day", "1"];
    for wrong in [
        &["--starts-per-day", "5"][..],
        &["--listed-per-1000", "5"],
        &["--module", "--poll-seconds", "60"],
    ] {
        let mut portcullis = command();
        portcullis.args(needed).args(wrong);
        let done = answered(portcullis, "");
        assert_eq!(done.status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn options_out_of_range_are_refused() {
    for wrong in [
        ["--poll-seconds", "0"],
        ["--global-percent", "101"],
        ["--experiences", "0"],
    ] {
        let mut portcullis = command();
        let needed = ["costs", "--servers", "1", "--joins-per-day", "1"];
        portcullis.args(needed).args(wrong);
        let done = answered(portcullis, "");
        assert_eq!(done.status.code(), Some(2), "{wrong:?}");
        assert!(stderr(&done).contains(wrong[0]), "{}", stderr(&done));
    }
}
