//! The template, the local router, `openapi.yaml` and the events have the same routes.

mod routes;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use end_to_end::{ApiResponse, TestApp, contract, now, openapi, repository, sign, template};
use http::{HeaderMap, HeaderName};
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use local_stack::discord::caller;
use serde_json::Value;
use shared::domain::clock::UnixSeconds;
use shared::domain::keys::NotificationSecret;
use shared::store::{ErasureIntake, ErasureMode};

use self::routes::{EXPECTED, Routes, api_routes, template_routes};

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
        .to_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The output of `cargo metadata`.
fn workspace() -> Value {
    let output = Command::new(std::env::var("CARGO").unwrap_or("cargo".to_owned()))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(repository(""))
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_template_has_these_routes_and_a_default() {
    let expected = EXPECTED.iter().map(|(method, path, function)| {
        let route = ((*method).to_owned(), (*path).to_owned());
        (route, (*function).to_owned())
    });
    assert_eq!(template_routes(), expected.collect());
    assert_eq!(template().default_function(), Some("not-found"));
}

#[test]
fn method_errors_list_the_methods_of_the_template() {
    let named = shared::api::ROUTES.iter().flat_map(|(path, methods)| {
        let methods = methods.split(", ");
        methods.map(|method| (method.to_owned(), (*path).to_owned()))
    });
    let named: BTreeSet<_> = named.collect();
    assert_eq!(named, api_routes());
}

#[test]
fn openapi_and_template_have_the_same_routes() {
    let mut described = BTreeSet::new();
    for (path, operations) in openapi()["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            described.insert((method.to_uppercase(), path.clone()));
        }
    }
    assert_eq!(described, api_routes());
}

#[test]
fn the_local_router_matches_the_template() {
    let workspace = workspace();
    let router = list(&workspace["metadata"]["lambda"]["watch"]["router"]);
    let (mut routes, mut open) = (Routes::new(), BTreeSet::new());
    for entry in router {
        let function = text(&entry["function"]);
        let mut path = text(&entry["path"]);
        if function.starts_with("console") {
            // Both tools have a spelling of their own.
            path = path.replace("{*proxy}", "{proxy+}");
        }
        for method in list(&entry["methods"]) {
            let route = (text(method), path.clone());
            let previous = routes.insert(route.clone(), function.clone());
            assert_eq!(previous, None, "{route:?} twice");
        }
        if entry["methods"].is_null() {
            assert_eq!(function, "not-found", "{path}");
            open.insert(path);
        }
    }
    assert_eq!(routes, template_routes());
    assert_eq!(open, ["/", "/{*rest}"].map(str::to_owned).into());
}

#[test]
fn every_function_is_a_package_and_binary_named_after_its_folder() {
    let workspace = workspace();
    let (mut packages, mut binaries) = (BTreeSet::new(), Vec::new());
    for package in list(&workspace["packages"]) {
        let targets = list(&package["targets"]).iter();
        let bins = targets.filter(|target| list(&target["kind"]).contains(&Value::from("bin")));
        let bins: Vec<_> = bins.map(|target| text(&target["name"])).collect();
        let manifest = text(&package["manifest_path"]);
        if let Some((_, folder)) = manifest.rsplit_once("/functions/") {
            let folder = folder.strip_suffix("/Cargo.toml").unwrap().to_owned();
            assert_eq!(text(&package["name"]), folder);
            assert_eq!(bins, std::slice::from_ref(&folder));
            packages.insert(folder);
        }
        binaries.extend(bins);
    }
    let functions: BTreeSet<_> = template()
        .functions()
        .iter()
        .map(|f| f.name.clone())
        .collect();
    assert_eq!(packages, functions);
    let unique: BTreeSet<_> = binaries.iter().collect();
    assert_eq!(unique.len(), binaries.len(), "{binaries:?}");
    for function in template().functions() {
        let code = template().resource(&function.logical_id).unwrap();
        assert_eq!(
            code["Properties"]["CodeUri"],
            format!("functions/{}", function.name)
        );
    }
}

/// Whether a file of Rust code below a folder has a test.
fn has_tests(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return has_tests(&path);
        }
        let code = std::fs::read_to_string(&path).unwrap();
        let mut lines = code.lines().map(str::trim);
        lines.any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
    })
}

#[test]
fn every_function_with_unit_tests_runs_them() {
    for package in list(&workspace()["packages"]) {
        let manifest = text(&package["manifest_path"]);
        if !manifest.contains("/functions/") {
            continue;
        }
        let targets = list(&package["targets"]);
        let runs_them = targets.iter().any(|target| target["test"] == true);
        let has_tests = has_tests(&Path::new(&manifest).with_file_name("src"));
        assert_eq!(runs_them, has_tests, "`test` of the targets in {manifest}");
    }
}

/// The functions that only a stream, a schedule or another function calls.
fn without_a_route() -> impl Iterator<Item = &'static local_stack::template::Function> {
    let functions = template().functions().iter();
    functions.filter(|function| function.routes.is_empty() && !function.is_default_route)
}

/// The events under `events/` by file name without extension.
fn events() -> BTreeMap<String, String> {
    let files = std::fs::read_dir(repository("events"))
        .unwrap()
        .map(|file| file.unwrap().path());
    let read = |path: std::path::PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read_to_string(path).unwrap())
    };
    files.map(read).collect()
}

#[test]
fn every_function_has_an_event_for_its_route() {
    let routes = template_routes();
    let events = events();
    for function in template().functions() {
        assert!(
            events.contains_key(&function.name),
            "events/{}.json",
            function.name
        );
    }
    for (name, event) in &events {
        let json: Value = serde_json::from_str(event).unwrap();
        if let Some(function) = without_a_route().find(|f| f.name == *name) {
            let is_fed = !function.streams.is_empty() && !list(&json["Records"]).is_empty();
            let is_scheduled = function.schedules.iter().any(|s| s.input == json);
            // One function's call to another is not what the gateway or a stream would send.
            let is_asked = function.streams.is_empty()
                && json.is_object()
                && json["requestContext"].is_null()
                && json["Records"].is_null();
            assert!(is_fed || is_scheduled || is_asked, "{name}");
            continue;
        }
        let event: ApiGatewayV2httpRequest = serde_json::from_str(event).unwrap();
        assert_eq!(event.version.as_deref(), Some("2.0"), "{name}");
        let method = event.request_context.http.method.to_string();
        let path = event.raw_path.unwrap();
        let described = contract().described_path(&path).unwrap_or(&path).to_owned();
        let function = routes.get(&(method.clone(), described.clone()));
        let function = function.map_or("not-found", String::as_str);
        assert!(
            name.starts_with(function),
            "{name} is an event for {function}"
        );
        let key = if function == "not-found" {
            "$default".to_owned()
        } else {
            format!("{method} {described}")
        };
        let parameters = described.split('/').zip(path.split('/'));
        let parameters = parameters.filter_map(|(described, sent)| {
            let name = described.strip_prefix('{')?.strip_suffix('}')?;
            Some((name.to_owned(), sent.to_owned()))
        });
        assert_eq!(event.path_parameters, parameters.collect(), "{name}");
        assert_eq!(event.route_key.as_deref(), Some(key.as_str()), "{name}");
        assert_eq!(
            event.request_context.route_key.as_deref(),
            Some(key.as_str()),
            "{name}"
        );
    }
}

/// A function's answer in payload format 2.0, parsed without the gateway.
fn answer_of(payload: &Bytes) -> ApiResponse {
    let payload: Value = serde_json::from_slice(payload).unwrap();
    let mut headers = HeaderMap::new();
    for (name, value) in payload["headers"].as_object().unwrap() {
        assert_eq!(*name, name.to_lowercase());
        headers.append(
            name.parse::<HeaderName>().unwrap(),
            text(value).parse().unwrap(),
        );
    }
    let several = &payload["multiValueHeaders"];
    assert!(
        several.as_object().is_none_or(serde_json::Map::is_empty),
        "{several}"
    );
    assert_ne!(payload["isBase64Encoded"], true);
    let status = payload["statusCode"].as_u64().unwrap();
    ApiResponse {
        status: u16::try_from(status).unwrap(),
        headers,
        text: text(&payload["body"]),
    }
}

/// The secret that signs the webhook event.
const SECRET: &str = "demo secret";

/// The guids in the events: of a ban, and of a piece of evidence.
const GUIDS: [&str; 2] = ["633197862920433664", "633197862920433665"];

/// An event with what no file can contain: guids and the time of a signature.
fn with_current_values(event: &str, guids: &[String; 2]) -> String {
    let is_in_body = ["/evidence", "/reports"]
        .iter()
        .any(|path| event.contains(path));
    let event = GUIDS
        .iter()
        .zip(guids)
        .filter(|(documented, _)| is_in_body || event.contains(&format!("/{documented}")))
        .fold(event.to_owned(), |event, (documented, guid)| {
            event.replace(documented, guid)
        });
    let mut event: Value = serde_json::from_str(&event).unwrap();
    if let Some(sent) = event["headers"]["roblox-signature"]
        .as_str()
        .map(str::to_owned)
    {
        let body = text(&event["body"]);
        let time = sent.split(['=', ',']).nth(1).unwrap();
        assert_eq!(
            sent,
            sign(SECRET, time, body.as_bytes()),
            "the file's own signature"
        );
        let signature = sign(SECRET, &now().to_string(), body.as_bytes());
        event["headers"]["roblox-signature"] = Value::from(signature);
    }
    if event["headers"]["x-signature-ed25519"].is_string() {
        let body = text(&event["body"]);
        let headers = &mut event["headers"];
        let time = text(&headers["x-signature-timestamp"]);
        let signature = |time: &str| caller::signature(time, body.as_bytes()).unwrap();
        assert_eq!(text(&headers["x-signature-ed25519"]), signature(&time));
        let time = now().to_string();
        headers["x-signature-ed25519"] = Value::from(signature(&time));
        headers["x-signature-timestamp"] = Value::from(time);
    }
    event.to_string()
}

#[tokio::test]
async fn every_event_is_handled_by_its_function() {
    // The proxy also enforces the functions' roles.
    let app = TestApp::builder().with_faults().start().await;
    // In an order in which one event finds what an earlier one left.
    let intake = ErasureIntake {
        guid: local_stack::seed::demos()[0].guid.parse().unwrap(),
        secret: NotificationSecret::new(SECRET).unwrap(),
        mode: ErasureMode::Queue,
        created: UnixSeconds(now()),
    };
    app.store().set_erasure_intake(&intake).await.unwrap();
    let mut events = events();
    let mut guids = [String::new(), String::new()];
    for &(name, function, status) in routes::IN_ORDER {
        let event = events
            .remove(name)
            .unwrap_or_else(|| panic!("events/{name}.json"));
        let event = with_current_values(&event, &guids);
        let request: Value = serde_json::from_str(&event).unwrap();
        let payload = app.runtime().invoke(function, event.into()).await.unwrap();
        let answer = answer_of(&payload);
        assert_eq!(answer.status, status, "{name}: {answer}");
        match name {
            "bans" => guids[0] = text(&answer.list()[0]["guid"]),
            "evidence-create" => guids[1] = text(&answer.json()["evidenceGuid"]),
            _ => {}
        }
        let context = &request["requestContext"];
        assert_eq!(answer.request_id(), context["requestId"]);
        let (method, path) = (text(&context["http"]["method"]), text(&request["rawPath"]));
        if !path.starts_with("/api/") {
            continue;
        }
        assert_eq!(
            contract().problems(&method, &path, &answer),
            Vec::<String>::new(),
            "{name}"
        );
    }
    for function in without_a_route() {
        let name = &function.name;
        let event = events.remove(name).unwrap();
        let answer = app.runtime().invoke(name, event.into()).await;
        let answer = answer.unwrap_or_else(|e| panic!("{name}: {e:?}"));
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        if !function.streams.is_empty() {
            assert_eq!(answer, serde_json::json!({ "batchItemFailures": [] }));
        }
    }
    assert_eq!(
        events.into_keys().collect::<Vec<_>>(),
        Vec::<String>::new(),
        "not invoked"
    );
}
