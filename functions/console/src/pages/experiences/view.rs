//! A linked experience as the page shows it.

use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::places::Phase;
use shared::domain::text::printable;
use shared::store::Mirror;
use shared::store::admin::LinkedExperience;

use crate::times::TimeTag;

/// After how many seconds without a poll an experience with something pending has a problem. The time
/// of the last poll is known to within ten minutes.
const SILENT: u64 = 1_800;

/// What was read about an experience.
#[derive(Clone, Debug)]
pub struct Seen {
    pub link: LinkedExperience,
    /// How many places are part of it.
    pub parts: usize,
    /// Pending bans as far as they are counted, and whether there are more.
    pub bans: (u64, bool),
    pub unbans: (u64, bool),
    pub last_poll: Option<UnixSeconds>,
    pub mirror: Option<Mirror>,
    pub paused_until: Option<UnixSeconds>,
    pub now: UnixSeconds,
}

/// An experience in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedView {
    pub id: u64,
    pub class: &'static str,
    pub state: &'static str,
    /// `Part of 7, joining`, or `Root of 2 places`.
    pub place: Option<String>,
    pub is_part: bool,
    pub pending_bans: String,
    pub pending_unbans: String,
    pub last_poll: Option<TimeTag>,
    pub mirror: Option<&'static str>,
    pub problems: Vec<String>,
    pub linked: TimeTag,
}

impl LinkedView {
    pub fn new(seen: &Seen) -> Self {
        let Seen { link, now, .. } = seen;
        let has_pending = seen.bans.0 > 0 || seen.unbans.0 > 0;
        let problems = problems(seen, has_pending);
        let (class, state) = match (problems.is_empty(), link.is_filled, has_pending) {
            (false, ..) => ("s-permanent", "Needs attention"),
            (true, false, _) => ("s-timed", "Catching up"),
            (true, true, true) => ("s-timed", "Pending"),
            (true, true, false) => ("s-free", "Up to date"),
        };
        Self {
            id: link.experience.get(),
            class,
            state,
            place: place(link, seen.parts, *now),
            is_part: link.join.is_some(),
            pending_bans: counted(seen.bans),
            pending_unbans: counted(seen.unbans),
            last_poll: seen.last_poll.map(|at| TimeTag::new(at, *now)),
            mirror: seen.mirror.as_ref().map(|mirror| mirrored(mirror, seen)),
            problems,
            linked: TimeTag::new(link.linked, *now),
        }
    }
}

fn place(link: &LinkedExperience, parts: usize, now: UnixSeconds) -> Option<String> {
    let Some(join) = link.join else {
        let places = if parts == 1 { "place" } else { "places" };
        return (parts > 0).then(|| format!("Root of {parts} {places}"));
    };
    let moment = UnixMillis::from_millis(now.0.saturating_mul(1000));
    let phase = match join.phase(moment) {
        Phase::Announced => ", join announced",
        Phase::Settling => ", joining",
        Phase::Joined => "",
    };
    Some(format!("Part of {}{phase}", join.root))
}

/// `12`, or `1000 or more`.
pub fn counted((count, has_more): (u64, bool)) -> String {
    if has_more {
        format!("{count} or more")
    } else {
        count.to_string()
    }
}

fn mirrored(mirror: &Mirror, seen: &Seen) -> &'static str {
    if mirror.settings.stopped.is_some() {
        "Stopped"
    } else if seen.paused_until.is_some() {
        "Paused"
    } else {
        "On"
    }
}

fn problems(seen: &Seen, has_pending: bool) -> Vec<String> {
    let mut problems = Vec::new();
    if let Some(mirror) = &seen.mirror {
        if let Some(stop) = &mirror.settings.stopped {
            let message = printable(&stop.message);
            problems.push(format!(
                "The mirror is stopped, since its key is not accepted ({message})."
            ));
        }
        return problems;
    }
    // A part's servers poll as the root.
    if !has_pending || seen.link.join.is_some() {
        return problems;
    }
    match seen.last_poll {
        None => problems.push("Its servers have never asked for pending bans.".to_owned()),
        Some(at) if at.plus(SILENT) < seen.now => {
            problems.push("Its servers have stopped asking for pending bans.".to_owned());
        }
        Some(_) => {}
    }
    problems
}

#[cfg(test)]
mod tests {
    use shared::domain::rules::mirror::MirrorStop;
    use shared::store::{MirrorOptions, MirrorSettings};

    use super::*;
    use crate::ban_view::tests::{HOSTILE, NOW, experience};

    fn seen(change: impl FnOnce(&mut Seen)) -> LinkedView {
        let mut seen = Seen {
            link: LinkedExperience {
                experience: experience(),
                linked: NOW,
                is_filled: true,
                by: None,
                join: None,
            },
            parts: 0,
            bans: (0, false),
            unbans: (0, false),
            last_poll: Some(NOW.minus(600)),
            mirror: None,
            paused_until: None,
            now: NOW,
        };
        change(&mut seen);
        LinkedView::new(&seen)
    }

    fn mirror(stopped: Option<&str>) -> Mirror {
        Mirror {
            workspace: "0123abcd".parse().unwrap(),
            experience: experience(),
            settings: MirrorSettings {
                universe: "7".parse().unwrap(),
                secret: "secret".to_owned(),
                options: MirrorOptions::ALL,
                created: NOW,
                stopped: stopped.map(|message| MirrorStop {
                    at: NOW,
                    status: 401,
                    message: message.to_owned(),
                }),
                checked: None,
            },
        }
    }

    #[test]
    fn state_is_a_word() {
        assert_eq!(seen(|_| ()).state, "Up to date");
        assert_eq!(seen(|it| it.link.is_filled = false).state, "Catching up");
        let pending = seen(|it| it.bans = (1000, true));
        assert_eq!(
            (pending.state, pending.pending_bans.as_str()),
            ("Pending", "1000 or more")
        );
    }

    #[test]
    fn silent_servers_are_a_problem_only_with_something_pending() {
        let silent = |bans| {
            seen(|it| {
                it.bans = bans;
                it.last_poll = None;
            })
        };
        assert_eq!(silent((0, false)).state, "Up to date");
        assert_eq!(silent((3, false)).state, "Needs attention");
        let stopped = seen(|it| {
            it.unbans = (1, false);
            it.last_poll = Some(NOW.minus(3_600));
        });
        assert!(stopped.problems[0].contains("stopped asking"));
    }

    #[test]
    fn mirror_applies_bans_without_polls() {
        let mirrored = seen(|it| {
            it.bans = (3, false);
            it.last_poll = None;
            it.mirror = Some(mirror(None));
        });
        assert_eq!((mirrored.state, mirrored.mirror), ("Pending", Some("On")));
        let stopped = seen(|it| it.mirror = Some(mirror(Some(HOSTILE))));
        assert_eq!(
            (stopped.state, stopped.mirror),
            ("Needs attention", Some("Stopped"))
        );
        let paused = seen(|it| {
            it.mirror = Some(mirror(None));
            it.paused_until = Some(NOW.plus(60));
        });
        assert_eq!(paused.mirror, Some("Paused"));
    }
}
