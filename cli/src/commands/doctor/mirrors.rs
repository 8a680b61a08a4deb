//! Checks the Open Cloud keys of all mirrors.

use std::collections::BTreeMap;

use anyhow::Result;
use shared::integrations::roblox::{Roblox, RobloxError, RobloxKey};
use shared::integrations::secrets::SecretError;
use shared::store::Mirror;

use super::finding::Finding;
use crate::commands::{mirror, open_cloud};
use crate::connection::Connection;

pub async fn examine(located: &Connection) -> Vec<Finding> {
    match look(located).await {
        Ok(findings) => findings,
        Err(error) => vec![Finding::of_error("mirror", &error)],
    }
}

async fn look(located: &Connection) -> Result<Vec<Finding>> {
    let (store, secrets) = (located.store(), located.secrets().await);
    let stack = located.stack.as_ref();
    let all = store.mirrors().await?;
    if all.is_empty() {
        let detail = "no experience is mirrored to Roblox";
        return Ok(vec![Finding::ok("mirror", detail)]);
    }
    let roblox = open_cloud::roblox(located).await?;
    let mut of_key: BTreeMap<_, Vec<&Mirror>> = BTreeMap::new();
    for it in &all {
        let name = (it.settings.secret.as_str(), it.settings.universe);
        of_key.entry(name).or_default().push(it);
    }
    let mut findings = Vec::new();
    for ((secret, universe), mirrors) in of_key {
        let check = format!("mirror {universe}");
        let places: Vec<_> = mirrors.iter().map(|it| it.experience.to_string()).collect();
        let detail = format!("{secret}, for {}", places.join(", "));
        if let Some(wrong) = mirror::unreadable(secret, stack) {
            findings.push(Finding::failed(
                check,
                format!("{detail}: {wrong}"),
                "store the key under such a name, and pass it to `portcullis mirror set`",
            ));
            continue;
        }
        let found = match secrets.fresh_key(secret).await {
            Err(SecretError::Unusable(why)) => Finding::failed(
                check,
                format!("{detail}: {why}"),
                "store the Open Cloud key in Secrets Manager under this name, as plain text",
            ),
            Err(error) => Finding::failed(check, format!("{detail}: {error}"), "try again"),
            Ok(key) => match roblox.introspect(&key).await {
                Ok(info) if !info.enabled || info.expired => Finding::failed(
                    check,
                    format!("{detail}: the key is disabled or has expired"),
                    "create a new key in the Creator Dashboard, and store it in the secret",
                ),
                Ok(info) if !info.missing(universe).is_empty() => Finding::failed(
                    check,
                    format!("{detail}: lacks {}", info.missing(universe).join(", ")),
                    "add the scopes to the key in the Creator Dashboard",
                ),
                Ok(_) => match strangers(&roblox, &key, &mirrors).await {
                    places if places.is_empty() => accepted(check, &detail, &mirrors),
                    places => Finding::failed(
                        check,
                        format!(
                            "not in universe {universe}: {}; their bans apply to another game",
                            places.join(", ")
                        ),
                        "for each: `portcullis mirror off ID --lift`, then `portcullis mirror set ID` \
                         without --universe",
                    ),
                },
                Err(error) => of_refusal(check, &detail, &error),
            },
        };
        findings.push(found);
    }
    Ok(findings)
}

/// The places outside the universe that they are mirrored to.
async fn strangers(roblox: &Roblox, key: &RobloxKey, mirrors: &[&Mirror]) -> Vec<String> {
    let mut found = Vec::new();
    for it in mirrors {
        let asking = roblox.is_place_of(key, it.settings.universe, it.experience);
        if matches!(asking.await, Ok(false)) {
            found.push(it.experience.to_string());
        }
    }
    found
}

fn accepted(check: String, detail: &str, mirrors: &[&Mirror]) -> Finding {
    if mirrors.iter().all(|it| it.settings.stopped.is_none()) {
        return Finding::ok(check, format!("{detail}: accepted, with all scopes"));
    }
    Finding::warning(
        check,
        format!("{detail}: stopped, though the key is accepted again"),
        "it continues within two minutes; `portcullis mirror status` shows it",
    )
}

fn of_refusal(check: String, detail: &str, error: &RobloxError) -> Finding {
    let detail = format!("{detail}: {error}");
    match error {
        RobloxError::Unauthorized { .. } | RobloxError::Refused { .. } => Finding::failed(
            check,
            detail,
            "create a new key in the Creator Dashboard, and store it in the secret",
        ),
        _ => Finding::warning(check, detail, "try again; pending changes are not lost"),
    }
}
