//! What a workspace offers to a form: its experiences, and its reasons.

use std::sync::Arc;

use shared::domain::error::ApiError;
use shared::domain::ids::{ExperienceId, PlaceId};
use shared::domain::members::ReasonPresets;

use super::{PresetView, TypedBan};
use crate::look::Choice;
use crate::visit::Visit;

/// The offer of a workspace.
#[derive(Clone, Debug)]
pub struct WorkspaceOffer {
    pub linked: Vec<ExperienceId>,
    pub presets: Arc<ReasonPresets>,
}

impl WorkspaceOffer {
    pub async fn read(visit: &Visit) -> Result<Self, ApiError> {
        let (store, prefix) = (&visit.store, visit.prefix());
        let (links, presets) = tokio::try_join!(store.links(prefix), store.reason_presets(prefix))?;
        let roots = links.iter().filter(|link| link.join.is_none());
        Ok(Self {
            linked: roots.map(|link| link.experience).collect(),
            presets,
        })
    }

    /// The place of a Global ban, which is made from one of the experiences.
    pub fn any_place(&self) -> Option<PlaceId> {
        self.linked.first().copied().map(PlaceId::from)
    }

    pub fn is_linked(&self, place: PlaceId) -> bool {
        self.linked.iter().any(|it| PlaceId::from(*it) == place)
    }

    /// `3 experiences`.
    pub fn reach(&self) -> String {
        match self.linked.len() {
            1 => "1 experience".to_owned(),
            several => format!("{several} experiences"),
        }
    }

    pub fn experiences(&self, chosen: Option<PlaceId>) -> Vec<Choice> {
        let places = self.linked.iter().copied().map(PlaceId::from);
        places
            .map(|place| {
                let title = format!("Experience {place}");
                Choice::new(place.to_string(), title, chosen == Some(place))
            })
            .collect()
    }

    /// The reasons to choose from.
    pub fn reasons(&self, typed: &TypedBan) -> Vec<PresetView> {
        let presets = self.presets.presets.iter();
        presets
            .map(|preset| PresetView {
                name: preset.name.clone(),
                public_reason: preset.public_reason.clone(),
                private_reason: preset.private_reason.clone(),
                length: preset.length.clone(),
                is_chosen: preset.name == typed.preset,
            })
            .collect()
    }
}
