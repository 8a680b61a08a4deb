//! Checks for workspaces in which no more experiences can link themselves.

use anyhow::Result;
use shared::store::admin::LinkSlots;
use shared::store::{Linking, SELF_LINKED, Store, Workspace};

use super::finding::Finding;
use crate::times::Time;

pub async fn examine(store: &Store) -> Vec<Finding> {
    match look(store).await {
        Ok(findings) => findings,
        Err(error) => vec![Finding::of_error("linking", &error)],
    }
}

async fn look(store: &Store) -> Result<Vec<Finding>> {
    let (mut findings, mut most) = (Vec::new(), 0);
    for workspace in store.workspaces().await? {
        if workspace.linking == Linking::Strict {
            continue;
        }
        let slots = store.link_slots(workspace.guid.prefix()).await?;
        if slots.taken >= SELF_LINKED {
            findings.push(full(&workspace, &slots));
        }
        most = most.max(slots.taken);
    }
    if findings.is_empty() {
        let detail = format!(
            "no workspace has more than {most} of {SELF_LINKED} experiences that linked themselves"
        );
        findings.push(Finding::ok("linking", detail));
    }
    Ok(findings)
}

fn full(workspace: &Workspace, slots: &LinkSlots) -> Finding {
    let check = format!("linking {}", workspace.guid);
    let full = format!(
        "{} experiences of {:?} have linked themselves, and no more can",
        slots.taken, workspace.name
    );
    let remedy = format!(
        "`portcullis experience link --workspace {guid} ID` for those that are yours; \
         `portcullis workspace set {guid} --linking strict` stops the rest",
        guid = workspace.guid
    );
    match (slots.refused, slots.refused_at) {
        (Some(experience), Some(at)) => Finding::failed(
            check,
            format!(
                "{full}: nothing becomes pending for experience {experience}, which called {}",
                Time(at).shown()
            ),
            remedy,
        ),
        _ => Finding::warning(check, full, remedy),
    }
}
