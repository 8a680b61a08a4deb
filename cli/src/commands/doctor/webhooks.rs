//! Checks for webhooks that are paused or failing.

use anyhow::Result;
use shared::domain::webhooks::{Endpoint, EndpointState, PausedFor};
use shared::store::Store;

use super::finding::Finding;
use crate::times::Time;

pub async fn examine(store: &Store) -> Vec<Finding> {
    match look(store).await {
        Ok(findings) => findings,
        Err(error) => vec![Finding::of_error("webhooks", &error)],
    }
}

async fn look(store: &Store) -> Result<Vec<Finding>> {
    let endpoints = store.all_endpoints().await?;
    let findings: Vec<_> = endpoints.iter().filter_map(of).collect();
    if findings.is_empty() {
        let detail = match endpoints.len() {
            1 => "1 webhook, healthy".to_owned(),
            count => format!("{count} webhooks, all healthy"),
        };
        return Ok(vec![Finding::ok("webhooks", detail)]);
    }
    Ok(findings)
}

fn of(endpoint: &Endpoint) -> Option<Finding> {
    let check = format!("webhook {}", endpoint.id);
    let url = &endpoint.receiver;
    let command = |what: &str| {
        let (workspace, id) = (endpoint.workspace, endpoint.id);
        format!("`portcullis webhook {what} --workspace {workspace} {id}`")
    };
    match (endpoint.state, endpoint.failing_since) {
        (EndpointState::Active, None) => None,
        (EndpointState::Active, Some(since)) => Some(Finding::warning(
            check,
            format!("{url} has been failing since {}", Time(since).shown()),
            format!("{} shows its responses", command("deliveries")),
        )),
        (EndpointState::Paused, _) => Some(Finding::warning(
            check,
            format!("{url} was paused by an operator"),
            format!("{} to send events to it again", command("resume")),
        )),
        (EndpointState::Failing, _) => Some(Finding::failed(
            check,
            match endpoint.paused_for {
                Some(PausedFor::Gone) if endpoint.discord().is_some() => {
                    format!("{url} was deleted in Discord, and was paused")
                }
                Some(PausedFor::Gone) => format!("{url} returned 410 Gone and was paused"),
                _ => format!("{url} failed for three days and was paused"),
            },
            format!("repair the endpoint, then {} and replay", command("resume")),
        )),
    }
}
