//! Checks for joins that were begun and never completed, and for games whose places are not joined.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use shared::domain::clock::UnixMillis;
use shared::domain::ids::{ExperienceId, UniverseId};
use shared::store::admin::LinkedExperience;
use shared::store::{Mirror, Workspace};

use super::finding::Finding;
use crate::commands::experience::by_universe;
use crate::commands::open_cloud;
use crate::connection::Connection;

/// For how many minutes after its phases a join may still be carrying users over.
const CARRYING: u64 = 60;

/// How many places of a workspace are looked up at Roblox.
const LOOKED_UP: usize = 100;

pub async fn examine(located: &Connection) -> Vec<Finding> {
    match look(located).await {
        Ok(findings) => findings,
        Err(error) => vec![Finding::of_error("places", &error)],
    }
}

async fn look(located: &Connection) -> Result<Vec<Finding>> {
    let store = located.store();
    let mirrors = store.mirrors().await?;
    let mut findings = Vec::new();
    for workspace in store.workspaces().await? {
        let links = store.links(workspace.guid.prefix()).await?;
        findings.extend(links.iter().filter_map(|link| unfinished(&workspace, link)));
        let universes = universes(located, &workspace, &links, &mirrors).await;
        findings.extend(universes.iter().filter_map(|(universe, places)| {
            let apart = apart(&links, places);
            (apart.len() > 1).then(|| not_joined(&workspace, *universe, &apart))
        }));
    }
    if findings.is_empty() {
        let detail = "no join is unfinished, and no places known to be of one game are apart";
        findings.push(Finding::ok("places", detail));
    }
    Ok(findings)
}

/// A join that nobody is working on any more.
fn unfinished(workspace: &Workspace, link: &LinkedExperience) -> Option<Finding> {
    let join = link.join.filter(|join| !join.is_complete)?;
    let late = join.carries_from().plus(CARRYING.saturating_mul(60_000));
    (UnixMillis::now() > late).then(|| {
        let (place, root) = (link.experience, join.root);
        Finding::warning(
            format!("places {place}"),
            format!(
                "place {place} of {:?} is still joining {root}: checks there cost more",
                workspace.name
            ),
            format!(
                "`portcullis experience join {place} --root {root} -w {}` completes it",
                workspace.guid
            ),
        )
    })
}

/// The linked places by universe: those with a mirror, and what Roblox knows about the others. Only
/// workspaces with a mirror are looked up there.
async fn universes(
    located: &Connection,
    workspace: &Workspace,
    links: &[LinkedExperience],
    mirrors: &[Mirror],
) -> BTreeMap<UniverseId, BTreeSet<ExperienceId>> {
    let prefix = workspace.guid.prefix();
    let mut found: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for mirror in mirrors.iter().filter(|it| it.workspace == prefix) {
        let of_universe = found.entry(mirror.settings.universe).or_default();
        of_universe.insert(mirror.experience);
    }
    if found.is_empty() {
        return found;
    }
    let some = links.get(..links.len().min(LOOKED_UP)).unwrap_or_default();
    if let Ok(roblox) = open_cloud::roblox(located).await
        && let Ok(known) = by_universe(&roblox, some).await
    {
        for (universe, places) in known {
            let places = places.into_iter().map(|link| link.experience);
            found.entry(universe).or_default().extend(places);
        }
    }
    found
}

/// The linked places among these that are not part of another: more than one if they are not joined.
fn apart(links: &[LinkedExperience], places: &BTreeSet<ExperienceId>) -> Vec<ExperienceId> {
    let apart = links.iter().filter(|link| link.join.is_none());
    let apart = apart.map(|link| link.experience);
    apart.filter(|place| places.contains(place)).collect()
}

fn not_joined(workspace: &Workspace, universe: UniverseId, places: &[ExperienceId]) -> Finding {
    let places: Vec<_> = places.iter().map(ToString::to_string).collect();
    Finding::warning(
        format!("places {universe}"),
        format!(
            "{} of {:?} are places of universe {universe}, but a ban in one does not hold in the others",
            places.join(", "),
            workspace.name
        ),
        format!(
            "`portcullis experience places -w {}` proposes how to join them",
            workspace.guid
        ),
    )
}
