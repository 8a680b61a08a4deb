//! Which experiences can be unlinked.

use super::LinkedExperience;
use crate::domain::ids::ExperienceId;

/// Why a place cannot be unlinked before it leaves, or its part does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StillJoined {
    #[error("place {part} is part of {root}")]
    HasPart {
        root: ExperienceId,
        part: ExperienceId,
    },
    #[error("place {part} is part of {root}")]
    IsPart {
        root: ExperienceId,
        part: ExperienceId,
    },
}

impl StillJoined {
    /// The place that has to leave first.
    #[must_use]
    pub const fn part(self) -> ExperienceId {
        match self {
            Self::HasPart { part, .. } | Self::IsPart { part, .. } => part,
        }
    }
}

impl LinkedExperience {
    /// The parts of a root among these links.
    pub fn parts_of(links: &[Self], root: ExperienceId) -> impl Iterator<Item = ExperienceId> {
        let parts = links
            .iter()
            .filter(move |it| it.join.is_some_and(|join| join.root == root));
        parts.map(|it| it.experience)
    }

    /// The link of an experience, if any; an error if it cannot be unlinked yet.
    pub fn unlinkable(
        links: &[Self],
        experience: ExperienceId,
    ) -> Result<Option<&Self>, StillJoined> {
        if let Some(part) = Self::parts_of(links, experience).next() {
            let root = experience;
            return Err(StillJoined::HasPart { root, part });
        }
        let link = links.iter().find(|link| link.experience == experience);
        match link.and_then(|link| link.join) {
            Some(join) => Err(StillJoined::IsPart {
                root: join.root,
                part: experience,
            }),
            None => Ok(link),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::{UnixMillis, UnixSeconds};
    use crate::domain::places::Join;

    fn place(id: u64) -> ExperienceId {
        ExperienceId::in_key(&format!("{id:016}")).unwrap()
    }

    fn link(id: u64, root: Option<u64>) -> LinkedExperience {
        LinkedExperience {
            experience: place(id),
            linked: UnixSeconds(0),
            is_filled: true,
            by: None,
            join: root.map(|root| Join {
                root: place(root),
                announced: UnixMillis::from_millis(0),
                is_complete: true,
            }),
        }
    }

    #[test]
    fn joined_places_leave_before_they_are_unlinked() {
        let links = [link(1, None), link(2, Some(1)), link(3, None)];
        let unlinkable = |id| LinkedExperience::unlinkable(&links, place(id));
        assert_eq!(unlinkable(1).unwrap_err().part(), place(2));
        assert_eq!(unlinkable(2).unwrap_err().part(), place(2));
        assert_eq!(unlinkable(3), Ok(Some(&links[2])));
        assert_eq!(unlinkable(4), Ok(None));
    }
}
