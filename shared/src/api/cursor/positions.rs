//! The positions of the lists, as encoded in cursors.

use super::Position;
use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::history::LogPosition;
use crate::domain::ids::{Guid, UserId};
use crate::domain::sync::SyncPosition;
use crate::store::{HistoryPosition, PollPosition};

/// Numbers separated by full stops. It accepts several spellings of a number.
fn numbers<const N: usize>(text: &str) -> Option<[u64; N]> {
    let numbers = text.split('.').map(|number| number.parse().ok());
    numbers.collect::<Option<Vec<_>>>()?.try_into().ok()
}

/// Two numbers and an optional third.
fn one_more(text: &str) -> Option<([u64; 2], Option<u64>)> {
    match numbers(text) {
        Some([first, second, third]) => Some(([first, second], Some(third))),
        None => Some((numbers(text)?, None)),
    }
}

/// The guid of the last ban listed: `guid`.
impl Position for Guid {
    fn write(&self) -> String {
        self.to_string()
    }

    fn read(text: &str) -> Option<Self> {
        let [guid] = numbers(text)?;
        (guid > 0).then(|| Self::from(guid))
    }
}

/// `epoch.position`.
impl Position for LogPosition {
    fn write(&self) -> String {
        format!("{}.{}", self.epoch, self.position)
    }

    fn read(text: &str) -> Option<Self> {
        let [epoch, position] = numbers(text)?;
        Some(Self { epoch, position })
    }
}

/// `epoch.position.at`.
impl Position for SyncPosition {
    fn write(&self) -> String {
        format!("{}.{}", self.log.write(), self.at)
    }

    fn read(text: &str) -> Option<Self> {
        let [epoch, position, at] = numbers(text)?;
        Some(Self {
            log: LogPosition { epoch, position },
            at: UnixSeconds(at),
        })
    }
}

/// `guid.user` of a pending ban, `guid.user.due` of a pending unban.
impl Position for PollPosition {
    fn write(&self) -> String {
        let Self { guid, user, due } = self;
        match due {
            Some(due) => format!("{guid}.{user}.{due}"),
            None => format!("{guid}.{user}"),
        }
    }

    fn read(text: &str) -> Option<Self> {
        let ([guid, user], due) = one_more(text)?;
        Some(Self {
            guid: Guid::from(guid),
            user: UserId::new(user)?,
            due: due.map(UnixSeconds),
        })
    }
}

/// `guid.number` of an expiry, `guid.number.milliseconds` of a decision.
impl Position for HistoryPosition {
    fn write(&self) -> String {
        let Self { at, guid, number } = self;
        match at {
            Some(at) => format!("{guid}.{number}.{}", at.millis()),
            None => format!("{guid}.{number}"),
        }
    }

    fn read(text: &str) -> Option<Self> {
        let ([guid, number], at) = one_more(text)?;
        Some(Self {
            at: at.map(UnixMillis::from_millis),
            guid: Guid::from(guid),
            number: u32::try_from(number).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn returns<P: Position + PartialEq + std::fmt::Debug>(position: P) {
        assert_eq!(P::read(&position.write()), Some(position));
    }

    proptest! {
        #[test]
        fn positions_round_trip(
            a in 1_u64.., b in 1_u64..=crate::domain::ids::MAX_ROBLOX_ID, c: u32, d: Option<u64>,
        ) {
            returns(Guid::from(a));
            let log = LogPosition { epoch: u64::from(c), position: a };
            returns(log);
            returns(SyncPosition { log, at: UnixSeconds(b) });
            let user = UserId::new(b).unwrap();
            returns(PollPosition { guid: Guid::from(a), user, due: d.map(UnixSeconds) });
            returns(HistoryPosition {
                at: d.map(UnixMillis::from_millis),
                guid: Guid::from(a),
                number: c,
            });
        }

        #[test]
        fn parsing_a_position_never_panics(text: String) {
            let _ = Guid::read(&text);
            let _ = LogPosition::read(&text);
            let _ = SyncPosition::read(&text);
            let _ = PollPosition::read(&text);
            let _ = HistoryPosition::read(&text);
        }
    }

    #[test]
    fn positions_are_written_as_numbers_with_full_stops() {
        let guid = Guid::from(7);
        assert_eq!(guid.write(), "7");
        let log = LogPosition {
            epoch: 2,
            position: 9,
        };
        assert_eq!(log.write(), "2.9");
        let at = UnixSeconds(1_800);
        assert_eq!(SyncPosition { log, at }.write(), "2.9.1800");
        let user = UserId::new(156).unwrap();
        let poll = |due| PollPosition { guid, user, due }.write();
        assert_eq!(poll(None), "7.156");
        assert_eq!(poll(Some(UnixSeconds(1_800))), "7.156.1800");
        let number = 3;
        let history = |at| HistoryPosition { at, guid, number }.write();
        assert_eq!(history(None), "7.3");
        assert_eq!(
            history(Some(UnixMillis::from_millis(1_800_001))),
            "7.3.1800001"
        );
    }

    #[test]
    fn wrong_count_of_numbers_is_rejected() {
        for text in [
            "",
            ".",
            "1.",
            ".1",
            "1.2.3.4",
            "-1",
            "1.-1",
            "x",
            "18446744073709551616",
        ] {
            assert!(Guid::read(text).is_none(), "{text}");
            assert!(LogPosition::read(text).is_none(), "{text}");
            assert!(SyncPosition::read(text).is_none(), "{text}");
            assert!(PollPosition::read(text).is_none(), "{text}");
            assert!(HistoryPosition::read(text).is_none(), "{text}");
        }
    }
}
