//! Checks for keys that expire soon, and the operator's own key.

use anyhow::Result;
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::keys::{KeyRecord, PlainKey};
use shared::store::Store;

use super::finding::Finding;
use crate::times::{Time, duration};

/// Keys that expire within this time are reported, in seconds: 14 days.
const SOON: u64 = 14 * 86_400;

pub async fn examine(store: &Store, key: Option<&str>) -> Vec<Finding> {
    let now = UnixMillis::now().seconds();
    let mut findings = match ending(store, now).await {
        Ok(findings) => findings,
        Err(error) => vec![Finding::of_error("keys", &error)],
    };
    findings.push(match key {
        None => Finding::skipped("your key", "set PORTCULLIS_KEY to check a key"),
        Some(key) => match record(store, key).await {
            Ok(Some(key)) => of_key(&key, now),
            Ok(None) => Finding::failed(
                "your key",
                "this installation has no such key",
                "check that it belongs to this installation, or create one with `portcullis key \
                 create`",
            ),
            Err(error) => Finding::of_error("your key", &error),
        },
    });
    findings
}

async fn record(store: &Store, key: &str) -> Result<Option<KeyRecord>> {
    let Some(key) = PlainKey::parse(key.trim()) else {
        return Ok(None);
    };
    Ok(store.key(&key).await?.map(|record| (*record).clone()))
}

fn of_key(key: &KeyRecord, now: UnixSeconds) -> Finding {
    let check = "your key";
    let name = format!("{:?} ({})", key.name, key.key_id);
    if let Some(at) = key.revoked {
        return Finding::failed(
            check,
            format!("{name} was revoked at {}", Time(at).shown()),
            "use another key: `portcullis key list` shows all",
        );
    }
    let used = key.last_used.map_or("not used before".to_owned(), |day| {
        let ago = now.0.saturating_sub(day.begin().0);
        match ago / 86_400 {
            0 => "last used today".to_owned(),
            days => format!("last used {days} d ago"),
        }
    });
    match key.expires {
        Some(at) if at <= now => Finding::failed(
            check,
            format!("{name} expired at {}", Time(at).shown()),
            "create a new one with `portcullis key create`",
        ),
        Some(at) if at <= now.plus(SOON) => Finding::warning(
            check,
            format!("{name} expires in {}; {used}", left(at, now)),
            format!("`portcullis key rotate {}`", key.key_id),
        ),
        _ => Finding::ok(check, format!("{name} is live; {used}")),
    }
}

/// The keys of all workspaces that expire soon.
async fn ending(store: &Store, now: UnixSeconds) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let (mut workspaces, mut live) = (0_usize, 0_usize);
    for workspace in store.workspaces().await? {
        workspaces = workspaces.saturating_add(1);
        for key in store.keys(workspace.guid.prefix()).await? {
            if !key.is_live(now) {
                continue;
            }
            live = live.saturating_add(1);
            if let Some(at) = key.expires.filter(|at| *at <= now.plus(SOON)) {
                findings.push(Finding::warning(
                    format!("key {}", key.key_id),
                    format!(
                        "{:?} of the workspace {:?} expires in {}",
                        key.name,
                        workspace.name,
                        left(at, now)
                    ),
                    format!(
                        "`portcullis key rotate --workspace {} {}`, if it is still in use",
                        workspace.guid, key.key_id
                    ),
                ));
            }
        }
    }
    if findings.is_empty() {
        let detail = format!("{live} live in {workspaces} workspaces, none expires within 14 days");
        findings.push(Finding::ok("keys", detail));
    }
    Ok(findings)
}

fn left(at: UnixSeconds, now: UnixSeconds) -> String {
    duration(at.0.saturating_sub(now.0))
}
