//! The steps from what is deployed to a release.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display, Formatter};

use super::template::{Index, IndexId, Template};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexStatus {
    Ready,
    /// Being created; DynamoDB accepts no other change of the table's indexes meanwhile.
    Building,
    /// Being deleted, for example because an update was rolled back.
    Leaving,
}

/// A deployed stack.
#[derive(Clone, Debug, PartialEq)]
pub struct Deployed {
    pub template: Template,
    /// The indexes that the tables have, whatever the template says.
    pub indexes: BTreeMap<IndexId, IndexStatus>,
    /// Secrets of mirrors whose names do not begin with `portcullis/<stack>/`.
    pub foreign_secrets: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Waits until DynamoDB has finished with an index.
    AwaitIndex(IndexId),
    /// Updates the stack to the deployed template with one more index, and waits until that is ready.
    AddIndex(IndexId, Index),
    /// Adds to each workspace what this version stores there.
    UpgradeWorkspaces,
    /// Updates the stack to the deployed template without the alarms, dashboards and queries that the
    /// release has in its nested stack under the same names.
    RemoveMonitors(BTreeSet<String>),
    /// Updates the stack to the release.
    Release,
}

/// Why a release cannot be deployed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanRefusal {
    #[error(
        "this release has no index {0}: it is older than the stack, and deploying it would delete that index"
    )]
    OlderRelease(IndexId),
    #[error(
        "the index {0} is defined differently in this release: CloudFormation cannot change an index"
    )]
    ChangedIndex(IndexId),
    #[error(
        "the table has an index {0} that the stack's template does not: delete it with `aws dynamodb \
         update-table --global-secondary-index-updates`, and run this again"
    )]
    StrayIndex(IndexId),
    #[error(
        "the stack's table lacks the index {0} of its own template: add it as defined there, and run this again"
    )]
    LostIndex(IndexId),
    #[error("the stack has no {0}: check that it is a Portcullis stack")]
    NoTable(String),
    #[error(
        "the mirror of this release cannot read the secret {0}: copy it with `aws secretsmanager \
         create-secret --name portcullis/STACK/NAME --secret-string …`, set the copy with `portcullis \
         mirror set`, and run this again"
    )]
    ForeignSecret(String),
}

/// The steps, in order. Each can be repeated, and the steps from any state that a stopped run leaves are those
/// that remain.
pub fn plan(deployed: &Deployed, release: &Template) -> Result<Vec<Step>, PlanRefusal> {
    if let Some(secret) = deployed.foreign_secrets.first() {
        return Err(PlanRefusal::ForeignSecret(secret.clone()));
    }
    let tables = deployed.template.tables();
    if let Some(missing) = release.tables().into_iter().find(|it| !tables.contains(it)) {
        return Err(PlanRefusal::NoTable(missing.to_owned()));
    }
    let (have, want) = (deployed.template.indexes(), release.indexes());
    for (id, index) in &have {
        match want.get(id) {
            None => return Err(PlanRefusal::OlderRelease(id.clone())),
            Some(wanted) if wanted != index => return Err(PlanRefusal::ChangedIndex(id.clone())),
            Some(_) => {}
        }
    }
    let mut steps = Vec::new();
    for id in have.keys() {
        match deployed.indexes.get(id) {
            None | Some(IndexStatus::Leaving) => return Err(PlanRefusal::LostIndex(id.clone())),
            Some(IndexStatus::Building) => steps.push(Step::AwaitIndex(id.clone())),
            Some(IndexStatus::Ready) => {}
        }
    }
    for (id, status) in &deployed.indexes {
        if have.contains_key(id) {
            continue;
        }
        if *status != IndexStatus::Leaving {
            return Err(PlanRefusal::StrayIndex(id.clone()));
        }
        steps.push(Step::AwaitIndex(id.clone()));
    }
    let missing = want.into_iter().filter(|(id, _)| !have.contains_key(id));
    steps.extend(missing.map(|(id, index)| Step::AddIndex(id, index)));
    steps.push(Step::UpgradeWorkspaces);
    let kept = release.monitors();
    let monitors = deployed.template.monitors().into_iter();
    let moved: BTreeSet<_> = monitors
        .filter(|id| !kept.contains(id))
        .map(str::to_owned)
        .collect();
    if !moved.is_empty() {
        steps.push(Step::RemoveMonitors(moved));
    }
    steps.push(Step::Release);
    Ok(steps)
}

impl Display for Step {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::AwaitIndex(id) => write!(f, "wait for the index {id}"),
            Self::AddIndex(id, _) => write!(f, "add the index {id}, and wait until it is built"),
            Self::UpgradeWorkspaces => write!(f, "upgrade the workspaces"),
            Self::RemoveMonitors(ids) => {
                write!(
                    f,
                    "remove {} alarms, dashboards and queries, which the release creates again",
                    ids.len()
                )
            }
            Self::Release => write!(f, "update the stack to the release"),
        }
    }
}

#[cfg(test)]
mod tests;
