//! What a moderator asks for with `/ban`: reasons, length and experience, as typed and as judged.

use super::super::commander::Commander;
use super::super::desk::CommandDesk;
use super::super::flow::{Flow, Stop};
use crate::domain::clock::UnixSeconds;
use crate::domain::discord::{DiscordModal, Interaction, ModalField};
use crate::domain::ids::{ExperienceId, PlaceId};
use crate::domain::length;
use crate::domain::members::ReasonPresets;
use crate::domain::rules::{Length, Terms};
use crate::domain::text;

/// The reasons of a ban, in the form that is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BanReasons {
    pub public: String,
    /// Empty if it is the same.
    pub private: String,
    /// The length of the chosen preset.
    pub length: Option<String>,
}

impl BanReasons {
    /// Judges what was typed: a preset by its name or its reason, or own words.
    pub fn judge(public: &str, private: &str, presets: &ReasonPresets) -> Flow<Self> {
        let mut all = presets.presets.iter();
        let preset = all.find(|preset| {
            preset.name.eq_ignore_ascii_case(public) || preset.public_reason == public
        });
        if preset.is_none() && presets.compulsory {
            let names = presets.presets.iter().map(|preset| preset.name.as_str());
            let names = names.collect::<Vec<_>>().join(", ");
            return Err(Stop::Say(format!(
                "This workspace has fixed reasons. Choose one of: {names}."
            )));
        }
        let public = preset.map_or(public, |preset| &preset.public_reason);
        let of_preset = preset.map_or("", |preset| preset.private_reason.as_str());
        let private = if private.is_empty() {
            of_preset
        } else {
            private
        };
        let public = judged("The reason", public, Terms::LONGEST_PUBLIC_REASON)?;
        if public.is_empty() {
            return Err(Stop::say("Say why: the player reads the reason."));
        }
        Ok(Self {
            public,
            private: judged("The private reason", private, Terms::LONGEST_PRIVATE_REASON)?,
            length: preset.and_then(|preset| preset.length.clone()),
        })
    }
}

fn judged(what: &str, typed: &str, most: usize) -> Flow<String> {
    let judged = text::judge(typed, most).map(str::to_owned);
    judged.map_err(|fault| Stop::Say(format!("{what} {fault}.")))
}

/// A length as people write it. A number alone suggests a typing mistake.
pub fn length(typed: &str, now: UnixSeconds) -> Flow<Length> {
    let typed = typed.trim();
    if ["forever", "permanent", "perm", "permanently", "never"]
        .iter()
        .any(|it| it.eq_ignore_ascii_case(typed))
    {
        return Ok(Length::Permanent);
    }
    let has_unit = typed.parse::<f64>().is_err();
    let length = length::parse(&typed.into(), now);
    let length = length.or_else(|| length::parse(&typed.to_lowercase().into(), now));
    let length = length.filter(|length| match length {
        Length::Until(at) => *at > now,
        Length::For(_) => has_unit,
        Length::Permanent => true,
    });
    length.ok_or_else(|| {
        Stop::say(
            "The length must be such as 30m, 12h, 7d, 2w or 1d12h, an end in the future such as \
             2027-01-31T18:00Z, or forever.",
        )
    })
}

/// A number of seconds in words.
pub fn shown_length(seconds: u64) -> String {
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute")];
    for (unit, name) in units {
        if seconds.is_multiple_of(unit) && seconds >= unit {
            let count = seconds.checked_div(unit).unwrap_or_default();
            let plural = if count == 1 { "" } else { "s" };
            return format!("{count} {name}{plural}");
        }
    }
    format!("{seconds} seconds")
}

/// The linked experiences of the workspace.
#[derive(Clone, Debug)]
pub struct LinkedPlaces(Vec<ExperienceId>);

impl LinkedPlaces {
    pub async fn read(desk: &CommandDesk<'_>, by: &Commander) -> Flow<Self> {
        let links = desk.store.links(by.prefix()).await?;
        let roots = links.iter().filter(|link| link.join.is_none());
        Ok(Self(roots.map(|link| link.experience).collect()))
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The place of a ban in all experiences, which is made from one of them.
    pub fn any(&self) -> Flow<PlaceId> {
        let first = self.0.first().copied().map(PlaceId::from);
        first.ok_or_else(|| {
            Stop::say(
                "No experience is linked to the workspace yet. An administrator links one with `/addplace`.",
            )
        })
    }

    /// The experience that was typed; the only one if none was.
    pub fn chosen(&self, typed: &str) -> Flow<PlaceId> {
        let only = self.any()?;
        if typed.is_empty() {
            return match self.count() {
                1 => Ok(only),
                several => Err(Stop::Say(format!(
                    "The workspace has {several} experiences. Choose one with the option `experience`, or \
                     set `global`."
                ))),
            };
        }
        let mut places = self.0.iter().copied().map(PlaceId::from);
        let found = places.find(|place| place.to_string() == typed);
        found.ok_or_else(|| {
            Stop::say(
                "This experience is not linked to the workspace. `/places` lists those that are.",
            )
        })
    }
}

/// The form, with this player and what else was typed so far.
pub fn modal(typed: &Interaction, player: &str, is_global: bool) -> DiscordModal {
    let field = |name, label, description, most| ModalField {
        name,
        label,
        description,
        value: match name {
            "user" => player.to_owned(),
            _ => typed.option(name).to_owned(),
        },
        is_required: false,
        most,
        is_long: false,
    };
    let mut fields = vec![
        ModalField {
            is_required: true,
            ..field("user", "Player", "A name, an id or a link", 200)
        },
        field(
            "length",
            "Length",
            "Such as 12h, 7d or an end; empty is permanent",
            60,
        ),
        ModalField {
            is_required: true,
            is_long: true,
            ..field("reason", "Reason", "The player reads this", 400)
        },
        ModalField {
            is_long: true,
            ..field(
                "private_reason",
                "Private reason",
                "Moderators alone read this",
                1_000,
            )
        },
    ];
    if !is_global {
        fields.push(field(
            "experience",
            "Experience",
            "Its place id; empty if there is only one",
            30,
        ));
    }
    let (custom_id, title) = if is_global {
        (super::GLOBAL_MODAL, "Ban in all experiences")
    } else {
        (super::MODAL, "Ban a player")
    };
    DiscordModal {
        custom_id,
        title: title.to_owned(),
        fields,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::members::ReasonPreset;

    const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

    fn presets(compulsory: bool) -> ReasonPresets {
        let preset = ReasonPreset {
            name: "Cheating".to_owned(),
            public_reason: "You used an exploit.".to_owned(),
            private_reason: "Seen by the anti-cheat".to_owned(),
            length: Some("30d".to_owned()),
        };
        ReasonPresets {
            compulsory,
            presets: vec![preset],
        }
    }

    #[test]
    fn preset_brings_its_reasons_and_its_length() {
        for typed in ["cheating", "You used an exploit."] {
            let reasons = BanReasons::judge(typed, "", &presets(true)).unwrap();
            assert_eq!(reasons.public, "You used an exploit.");
            assert_eq!(reasons.private, "Seen by the anti-cheat");
            assert_eq!(reasons.length.as_deref(), Some("30d"));
        }
        let own = BanReasons::judge("Cheating", "Mine", &presets(false)).unwrap();
        assert_eq!(own.private, "Mine");
    }

    #[test]
    fn own_words_are_judged_and_refused_where_presets_are_compulsory() {
        assert!(BanReasons::judge("Spam", "", &presets(true)).is_err());
        let own = BanReasons::judge(" Spam ", "", &presets(false)).unwrap();
        assert_eq!((own.public.as_str(), own.private.as_str()), ("Spam", ""));
        for (public, private) in [("", ""), ("a\u{202E}", ""), ("a", "b\u{0}")] {
            assert!(BanReasons::judge(public, private, &presets(false)).is_err());
        }
        assert!(BanReasons::judge(&"x".repeat(401), "", &presets(false)).is_err());
    }

    #[test]
    fn lengths_are_as_people_write_them() {
        for (typed, expected) in [
            ("7d", Length::For(604_800)),
            ("1d12h", Length::For(129_600)),
            ("7D", Length::For(604_800)),
            ("1 Week", Length::For(604_800)),
            ("Forever", Length::Permanent),
            ("never", Length::Permanent),
            ("perm", Length::Permanent),
            (
                "2027-01-31T18:00Z",
                Length::Until(UnixSeconds(1_801_418_400)),
            ),
            ("1900000000", Length::Until(UnixSeconds(1_900_000_000))),
        ] {
            assert_eq!(length(typed, NOW).unwrap(), expected, "{typed}");
        }
        for typed in ["7", "soon", "2020-01-31T18:00Z", "1700000000", "-1d", "0"] {
            assert!(length(typed, NOW).is_err(), "{typed}");
        }
    }

    #[test]
    fn length_is_shown_in_the_largest_whole_unit() {
        for (seconds, shown) in [
            (86_400, "1 day"),
            (129_600, "36 hours"),
            (90, "90 seconds"),
            (120, "2 minutes"),
        ] {
            assert_eq!(shown_length(seconds), shown);
        }
    }

    #[test]
    fn experience_may_be_left_out_if_there_is_only_one() {
        let places = |ids: &[u64]| {
            let ids = ids.iter().filter_map(|id| PlaceId::new(*id));
            LinkedPlaces(ids.map(ExperienceId::of_root).collect())
        };
        assert_eq!(places(&[7]).chosen("").unwrap(), PlaceId::new(7).unwrap());
        assert_eq!(
            places(&[7, 8]).chosen("8").unwrap(),
            PlaceId::new(8).unwrap()
        );
        for (ids, typed) in [(&[][..], ""), (&[7, 8], ""), (&[7], "9"), (&[7], "x")] {
            assert!(places(ids).chosen(typed).is_err(), "{typed}");
        }
        assert!(places(&[]).any().is_err());
    }
}
