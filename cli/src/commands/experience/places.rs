//! `portcullis experience places`: proposes which linked places to join, by their universes at Roblox.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;
use shared::domain::ids::{ExperienceId, UniverseId, WorkspaceId};
use shared::integrations::roblox::{Roblox, RobloxError};
use shared::store::admin::LinkedExperience;

use crate::arguments::WorkspaceArg;
use crate::commands::{open_cloud, workspace};
use crate::connection::Connection;
use crate::output::{Output, Printable};

/// A linked place in a universe with several.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PlaceSummary {
    universe_id: UniverseId,
    place_id: ExperienceId,
    /// The root that it is part of.
    part_of: Option<ExperienceId>,
    /// The command that would make it part of the proposed root.
    proposal: Option<String>,
}

impl Printable for PlaceSummary {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let state = match (self.part_of, &self.proposal) {
            (Some(root), _) => format!("part of {root}"),
            (None, Some(proposal)) => proposal.clone(),
            (None, None) => "root".to_owned(),
        };
        vec![
            ("universe", self.universe_id.to_string()),
            ("place", self.place_id.to_string()),
            ("state", state),
        ]
    }
}

pub async fn places(place: WorkspaceArg, located: &Connection, output: Output) -> Result<()> {
    let store = located.store();
    let workspace = workspace::find(&store, place).await?.guid;
    let links = store.links(workspace.prefix()).await?;
    let roblox = open_cloud::roblox(located).await?;
    let mut shown = Vec::new();
    for (universe, places) in by_universe(&roblox, &links).await? {
        if places.len() > 1 {
            shown.extend(proposed(universe, &places, workspace));
        }
    }
    output.list(&shown, "no two linked places belong to one universe")
}

/// The linked places by their universe, as Roblox knows them.
pub async fn by_universe<'a>(
    roblox: &Roblox,
    links: &'a [LinkedExperience],
) -> Result<BTreeMap<UniverseId, Vec<&'a LinkedExperience>>, RobloxError> {
    let mut found: BTreeMap<UniverseId, Vec<_>> = BTreeMap::new();
    for link in links {
        if let Some(universe) = roblox.universe_of(link.experience).await? {
            found.entry(universe).or_default().push(link);
        }
    }
    Ok(found)
}

fn proposed(
    universe: UniverseId,
    places: &[&LinkedExperience],
    workspace: WorkspaceId,
) -> Vec<PlaceSummary> {
    let root = root_of(places);
    let summary = |link: &&LinkedExperience| {
        let (place, part_of) = (link.experience, link.join.map(|join| join.root));
        let is_alone = part_of.is_none() && Some(place) != root;
        let command =
            |root| format!("portcullis experience join {place} --root {root} -w {workspace}");
        PlaceSummary {
            universe_id: universe,
            place_id: place,
            part_of,
            proposal: root.filter(|_| is_alone).map(command),
        }
    };
    places.iter().map(summary).collect()
}

/// The proposed root: one that has parts already, else the place that was linked first.
fn root_of(places: &[&LinkedExperience]) -> Option<ExperienceId> {
    let known = places.iter().find_map(|link| Some(link.join?.root));
    known.or_else(|| {
        let first = places
            .iter()
            .min_by_key(|link| (link.linked, link.experience));
        first.map(|link| link.experience)
    })
}
