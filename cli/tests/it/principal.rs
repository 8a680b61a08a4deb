//! Tests of the principal in the history.

use std::io::{Read, Write};
use std::net::TcpListener;

use crate::harness::{Operator, answered, command, stderr};
use end_to_end::TestApp;

const ARN: &str = "arn:aws:sts::123456789012:assumed-role/Moderator/ada";

/// Starts a fake of AWS STS and returns its address.
fn sts() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut request = [0; 8192];
            let length = connection.read(&mut request).unwrap();
            let asked = String::from_utf8_lossy(&request[..length]).into_owned();
            assert!(asked.starts_with("POST / "), "{asked}");
            let body = format!(
                "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>{ARN}</Arn>\
                 <UserId>AROA:ada</UserId><Account>123456789012</Account>\
                 </GetCallerIdentityResult></GetCallerIdentityResponse>"
            );
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\ncontent-length: {}\r\n\
                 connection: close\r\n\r\n",
                body.len()
            );
            connection.write_all((head + &body).as_bytes()).unwrap();
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn history_names_the_aws_principal() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.link(7).await;
    for (user, sts, principal) in [
        ("156", sts(), ARN),
        ("157", "http://127.0.0.1:1".to_owned(), "local user ada"),
    ] {
        let mut ban = command();
        ban.env("AWS_ENDPOINT_URL", app.database().endpoint())
            .env("AWS_ENDPOINT_URL_STS", sts)
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_REGION", "us-east-1")
            .env("USER", "ada")
            .args(["--bans-table", &app.tables().bans])
            .args(["--workspaces-table", &app.tables().workspaces])
            .args(["ban", user, "--workspace", &workspace.guid()])
            .args(["--experience", "7", "--moderator", "1", "--permanent"])
            .args(["--public-reason", "Be kind"]);
        let done = answered(ban, "");
        assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
        let history = Operator::of(&workspace).json(&["history", user]);
        assert_eq!(history[0]["principal"], principal, "{history}");
    }
}
