//! The restrictions in a universe and at a place, and which of them this workspace has set.

use std::collections::BTreeMap;

use anyhow::Result;
use shared::domain::ids::UserId;
use shared::domain::rules::RevisionRef;
use shared::domain::rules::mirror::{Level, RestrictionSync};
use shared::integrations::roblox::{Restriction, RobloxError};
use shared::store::Mirror;

use super::OpenCloudContext;

pub type Restrictions = BTreeMap<(Level, UserId), Restriction>;

/// All restrictions in the mirror's universe and at its place, active and inactive.
pub async fn at_roblox(mirror: &Mirror, tools: &OpenCloudContext) -> Result<Restrictions> {
    let key = tools.key(&mirror.settings.secret).await?;
    let universe = mirror.settings.universe;
    let mut held = BTreeMap::new();
    for level in [Level::Universe, Level::Place(mirror.experience)] {
        let mut after: Option<String> = None;
        loop {
            let reading = tools
                .roblox
                .restrictions(&key, universe, level, after.as_deref());
            let page = match reading.await {
                Ok(page) => page,
                Err(RobloxError::Refused { status: 404, .. }) if level != Level::Universe => {
                    warning!(
                        "place {} is not in universe {universe}: `portcullis mirror off {0} --lift` \
                         lifts what was set there",
                        mirror.experience
                    );
                    break;
                }
                Err(error) => return Err(error.into()),
            };
            for restriction in page.restrictions {
                // The list of a place includes the restrictions of its universe.
                if let Some(user) = restriction.user.filter(|_| !restriction.inherited) {
                    held.insert((level, user), restriction);
                }
            }
            if page.next.is_none() || page.next == after {
                break;
            }
            after = page.next;
        }
    }
    Ok(held)
}

/// The revision that the mirror has set for a user at a level and has not lifted.
pub fn set_by_us(sync: Option<&RestrictionSync>, level: Level) -> Option<RevisionRef> {
    let held = sync?.applied.iter().find(|held| held.level == level)?;
    Some(held.content)
}

/// The name of a level, for output.
pub const fn name(level: Level) -> &'static str {
    match level {
        Level::Universe => "universe",
        Level::Place(_) => "place",
    }
}
