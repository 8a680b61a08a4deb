//! Checks the Open Cloud keys of all groups in which ranks may be changed.

use anyhow::Result;
use shared::integrations::secrets::SecretError;
use shared::store::AllowedGroup;

use super::finding::Finding;
use crate::commands::{group, mirror, open_cloud};
use crate::connection::Connection;

pub async fn examine(located: &Connection) -> Vec<Finding> {
    match look(located).await {
        Ok(findings) => findings,
        Err(error) => vec![Finding::of_error("groups", &error)],
    }
}

async fn look(located: &Connection) -> Result<Vec<Finding>> {
    let store = located.store();
    let mut findings = Vec::new();
    for workspace in store.workspaces().await? {
        for allowed in store.groups(workspace.guid.prefix()).await? {
            findings.push(judge(located, &allowed).await?);
        }
    }
    if findings.is_empty() {
        findings.push(Finding::ok("groups", "no group allows changes of ranks"));
    }
    Ok(findings)
}

async fn judge(located: &Connection, allowed: &AllowedGroup) -> Result<Finding> {
    let check = format!("group {}", allowed.group);
    let secret = &allowed.settings.secret;
    if let Some(wrong) = mirror::unreadable(secret, located.stack.as_ref()) {
        return Ok(Finding::failed(
            check,
            format!("{secret}: {wrong}"),
            "store the key under such a name, and pass it to `portcullis group allow`",
        ));
    }
    let key = match located.secrets().await.fresh_key(secret).await {
        Ok(key) => key,
        Err(SecretError::Unusable(why)) => {
            return Ok(Finding::failed(
                check,
                format!("{secret}: {why}"),
                "store the Open Cloud key in Secrets Manager under this name, as plain text",
            ));
        }
        Err(error) => return Ok(Finding::failed(check, error.to_string(), "try again")),
    };
    let roblox = open_cloud::roblox(located).await?;
    Ok(match group::check_key(&roblox, &key, allowed.group).await {
        Ok(checked) => match checked.flaw {
            None => Finding::ok(check, format!("{secret}: accepted, reaches the group")),
            Some(flaw) => Finding::failed(
                check,
                format!("{secret}: {flaw}"),
                "give the key the scope group:write for this group in the Creator Dashboard",
            ),
        },
        Err(error) => Finding::warning(check, format!("{secret}: {error}"), "try again"),
    })
}
