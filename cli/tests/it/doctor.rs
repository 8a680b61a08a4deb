//! Tests of `doctor` and `--stack`. The tests run small fakes of CloudFormation and Lambda.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Output;

use crate::harness::{Portcullis, assert_refused, command, stderr, stdout};
use end_to_end::{TestApp, template};
use serde_json::{Value, json};

const DEMO_KEY: &str = "sentinelAPI.00000000-0000-4000-8000-000000000001";

/// Answers each request with the result of `answer` for its first line and body.
fn serve(answer: impl Fn(&str, &str) -> (u16, String) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = respond(stream.unwrap(), &answer);
        }
    });
    address
}

fn respond(
    mut stream: TcpStream,
    answer: &impl Fn(&str, &str) -> (u16, String),
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let (status, text) = answer(&first, &String::from_utf8_lossy(&body));
    write!(
        stream,
        "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
        text.len()
    )
}

/// A fake of CloudFormation with one stack.
fn cloudformation(outputs: &[(&str, &str)]) -> String {
    let mut members = String::new();
    for (key, value) in outputs {
        members.extend([
            "<member><OutputKey>",
            key,
            "</OutputKey><OutputValue>",
            value,
            "</OutputValue></member>",
        ]);
    }
    let known = format!(
        "<DescribeStacksResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\">\
         <DescribeStacksResult><Stacks><member><StackName>portcullis</StackName>\
         <CreationTime>2026-01-01T00:00:00Z</CreationTime>\
         <StackStatus>UPDATE_COMPLETE</StackStatus><Outputs>{members}</Outputs>\
         </member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
    );
    let unknown = "<ErrorResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\">\
         <Error><Type>Sender</Type><Code>ValidationError</Code>\
         <Message>Stack with id other does not exist</Message></Error></ErrorResponse>";
    serve(move |_, body| {
        if body.contains("StackName=portcullis") {
            (200, known.clone())
        } else {
            (400, unknown.to_owned())
        }
    })
}

/// A fake of Lambda with one mapping in a given state.
fn lambda(state: &'static str) -> String {
    serve(move |first, _| {
        let functions = ["FunctionName=spread", "FunctionName=publish"];
        assert!(functions.iter().any(|name| first.contains(name)), "{first}");
        let mapping = json!({
            "UUID": "11111111-2222-3333-4444-555555555555",
            "EventSourceArn":
                "arn:aws:dynamodb:us-east-1:000000000000:table/BansTable/stream/2026-01-01",
            "State": state,
            "LastProcessingResult": "OK",
        });
        (200, json!({ "EventSourceMappings": [mapping] }).to_string())
    })
}

/// Runs the doctor and returns its findings by check.
fn doctor(arguments: &[&str], variables: &[(&str, &str)]) -> (Output, HashMap<String, Value>) {
    let done = command()
        .args(["doctor", "--output", "json"])
        .args(arguments)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let found: Vec<Value> = serde_json::from_slice(&done.stdout).unwrap();
    let found = found
        .into_iter()
        .map(|one| (one["check"].as_str().unwrap().to_owned(), one))
        .collect();
    (done, found)
}

fn result<'a>(found: &'a HashMap<String, Value>, check: &str) -> &'a str {
    assert!(found.contains_key(check), "{check} in {found:#?}");
    let found = &found[check];
    found["result"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn healthy_installation_passes() {
    let app = TestApp::start().await;
    let url = format!("{}/api/v1", app.address());
    let stack = cloudformation(&[
        ("BansTableName", "BansTable"),
        ("WorkspacesTableName", "WorkspacesTable"),
        ("SpreadDecisionsFunctionName", "spread"),
        ("PublishEventsFunctionName", "publish"),
        ("ApiUrl", &url),
        ("EvidenceBucketName", "evidence-bucket"),
        ("ExportsBucketName", "exports-bucket"),
        ("SnapshotBucketName", "snapshot-bucket"),
        ("Version", env!("CARGO_PKG_VERSION")),
    ]);
    let variables = |lambda: &str| {
        [
            ("AWS_ENDPOINT_URL_S3", app.objects().to_owned()),
            ("AWS_ENDPOINT_URL_CLOUDFORMATION", stack.clone()),
            ("AWS_ENDPOINT_URL_LAMBDA", lambda.to_owned()),
            ("PORTCULLIS_KEY", DEMO_KEY.to_owned()),
        ]
    };
    let run = |state| {
        let variables = variables(&lambda(state));
        let variables: Vec<_> = variables.iter().map(|(k, v)| (*k, v.as_str())).collect();
        // An endpoint argument overrides a stack variable.
        let arguments = [
            "--endpoint",
            app.database().endpoint(),
            "--stack",
            "portcullis",
        ];
        doctor(&arguments, &variables)
    };
    let (done, found) = run("Enabled");
    assert_eq!(
        done.status.code(),
        Some(0),
        "{}\n{}",
        stdout(&done),
        stderr(&done)
    );
    for table in template().tables() {
        assert_eq!(result(&found, &format!("table {}", table.name)), "ok");
        let indexes = table.create["GlobalSecondaryIndexes"].as_array().unwrap();
        for index in indexes {
            let name = index["IndexName"].as_str().unwrap();
            assert_eq!(result(&found, &format!("index {name}")), "ok");
        }
    }
    for check in [
        "credentials",
        "version of the stack",
        "version of the API",
        "stream",
        "stream mapping",
        "stream mapping of events",
        "API",
        "ban check by the API",
        "clock",
        "webhooks",
        "workspaces",
        "your key",
        "keys",
        "evidence bucket",
        "public access to the evidence bucket",
        "versions of the evidence bucket",
        "lifecycle of the evidence bucket",
        "policy of the evidence bucket",
        "malware scans of evidence",
        "exports bucket",
        "public access to the exports bucket",
        "lifecycle of the exports bucket",
        "snapshot bucket",
        "public access to the snapshot bucket",
        "versions of the snapshot bucket",
    ] {
        assert_eq!(result(&found, check), "ok", "{found:#?}");
    }
    // What the local database reports about these is never a failure.
    for check in [
        "expiry of items in BansTable",
        "point-in-time recovery of BansTable",
    ] {
        assert_ne!(result(&found, check), "failed");
    }

    let (done, found) = run("Disabled");
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(result(&found, "stream mapping"), "failed");
    let remedy = found["stream mapping"]["remedy"].as_str().unwrap();
    assert!(remedy.contains("--uuid 11111111-2222"), "{remedy}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_is_found_with_its_remedy() {
    let portcullis = Portcullis::start().await;
    let endpoint = ["--endpoint", portcullis.engine.endpoint()];
    let demo = "00000000-0000-4000-8000-000000000001";
    let ending = [
        "key",
        "create",
        "--workspace",
        demo,
        "--name",
        "x",
        "--expires",
        "3d",
    ];
    let ending = portcullis.json(&ending);

    let elsewhere = format!("{}/api/v1", serve(|_, _| (200, "{}".to_owned())));
    let key = ending["key"].as_str().unwrap();
    let (done, found) = doctor(
        &[
            &endpoint[..],
            &["--workspaces-table", "Other", "--url", &elsewhere],
        ]
        .concat(),
        &[],
    );
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(result(&found, "table Other"), "failed");
    assert_eq!(result(&found, "API"), "failed");
    assert_eq!(result(&found, "stream mapping"), "not checked");
    assert_eq!(result(&found, "buckets"), "not checked");
    assert_eq!(result(&found, "table BansTable"), "ok");
    for failed in found.values().filter(|found| found["result"] == "failed") {
        assert!(failed["remedy"].is_string(), "{failed}");
    }

    let (done, found) = doctor(&endpoint, &[("PORTCULLIS_KEY", key)]);
    assert_eq!(done.status.code(), Some(0), "{found:#?}");
    assert_eq!(result(&found, "your key"), "warning");
    assert_eq!(
        result(
            &found,
            &format!("key {}", ending["keyId"].as_str().unwrap())
        ),
        "warning"
    );
    assert_eq!(result(&found, "API"), "not checked");

    let id = ending["keyId"].as_str().unwrap();
    portcullis.json(&["key", "revoke", id, "--yes", "--workspace", demo]);
    let (_, found) = doctor(&endpoint, &[("PORTCULLIS_KEY", key)]);
    assert_eq!(result(&found, "your key"), "failed");
    let (_, found) = doctor(&endpoint, &[("PORTCULLIS_KEY", "nonsense")]);
    assert_eq!(result(&found, "your key"), "failed");

    let dead = ["--endpoint", "http://127.0.0.1:9"];
    let (done, found) = doctor(&dead, &[]);
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(result(&found, "table BansTable"), "failed");
    let tables = [
        "--bans-table",
        "b",
        "--workspaces-table",
        "w",
        "--region",
        "eu-west-1",
    ];
    let (done, found) = doctor(&tables, &[]);
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(result(&found, "credentials"), "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_and_misconfigured_buckets_are_found() {
    let app = TestApp::start().await;
    let variables = [("AWS_ENDPOINT_URL_S3", app.objects())];
    let examine = |bucket: &str| {
        let endpoint = ["--endpoint", app.database().endpoint()];
        let arguments = [&endpoint[..], &["--evidence-bucket", bucket]].concat();
        doctor(&arguments, &variables)
    };
    let (done, found) = examine("no-such-bucket");
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(result(&found, "evidence bucket"), "failed");
    let detail = found["evidence bucket"]["detail"].as_str().unwrap();
    assert_eq!(detail, "no-such-bucket does not exist");
    assert_eq!(result(&found, "exports bucket"), "ok");
    // Files would expire.
    let (done, found) = examine("exports-bucket");
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(result(&found, "lifecycle of the evidence bucket"), "failed");
    assert_eq!(result(&found, "policy of the evidence bucket"), "failed");
    let access = "public access to the evidence bucket";
    assert_eq!(result(&found, access), "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn stack_provides_the_tables() {
    let portcullis = Portcullis::start().await;
    let stack = cloudformation(&[
        ("BansTableName", "BansTable"),
        ("WorkspacesTableName", "WorkspacesTable"),
    ]);
    let list = |name: &str| {
        command()
            .args(["--stack", name, "workspace", "list", "--output", "json"])
            .envs([
                ("AWS_ENDPOINT_URL_CLOUDFORMATION", stack.as_str()),
                ("AWS_ENDPOINT_URL_DYNAMODB", portcullis.engine.endpoint()),
                ("AWS_ACCESS_KEY_ID", "someone"),
                ("AWS_SECRET_ACCESS_KEY", "secret"),
                ("AWS_REGION", "eu-west-1"),
            ])
            .output()
            .unwrap()
    };
    let listed = list("portcullis");
    assert_eq!(listed.status.code(), Some(0), "{}", stderr(&listed));
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert_refused(&list("other"), 1, "stack other does not exist");
}
