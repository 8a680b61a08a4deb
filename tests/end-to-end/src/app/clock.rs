//! A clock of the functions that a test moves.

use std::io::Write;
use std::time::Duration;

use tempfile::{NamedTempFile, TempPath};

use super::{TestApp, TestAppBuilder};
use crate::game_servers::real_time;

/// The file in which the functions read how far their clock is ahead.
#[derive(Debug)]
pub(super) struct MovingClock(TempPath);

impl MovingClock {
    pub fn new() -> Self {
        let clock = Self(NamedTempFile::new().expect("a file").into_temp_path());
        clock.set(0);
        clock
    }

    pub fn variable(&self) -> (String, String) {
        let path = self.0.to_str().expect("a readable path").to_owned();
        (shared::testing::CLOCK_OFFSET_FILE.to_owned(), path)
    }

    fn set(&self, millis: i128) {
        // Replaced as a whole, so that no function reads half of it.
        let folder = self.0.parent().expect("a folder");
        let mut file = NamedTempFile::new_in(folder).expect("a file");
        write!(file, "{millis}").expect("a written file");
        file.persist(&self.0).expect("a renamed file");
    }
}

impl TestAppBuilder {
    /// Lets the test set the functions' clocks while they run: [`TestApp::set_clock`].
    #[must_use]
    pub const fn moving_clock(mut self) -> Self {
        self.moving_clock = true;
        self
    }
}

impl TestApp {
    pub const fn has_moving_clock(&self) -> bool {
        self.clock.is_some()
    }

    /// Sets the functions' clocks to a Unix time; from there they run on.
    ///
    /// # Panics
    /// Without [`TestAppBuilder::moving_clock`].
    pub fn set_clock(&self, now: Duration) {
        let clock = self.clock.as_ref().expect("a moving clock");
        let millis = |time: Duration| i128::try_from(time.as_millis()).expect("a time");
        clock.set(millis(now) - millis(real_time()));
    }
}
