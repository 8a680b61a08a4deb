//! Repeated measurements of one thing, and what stands for them.

use std::time::Duration;

/// Durations, in milliseconds.
#[derive(Clone, Debug, Default)]
pub struct Sample(Vec<f64>);

impl FromIterator<f64> for Sample {
    fn from_iter<T: IntoIterator<Item = f64>>(numbers: T) -> Self {
        let mut sorted: Vec<f64> = numbers.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        Self(sorted)
    }
}

impl Sample {
    /// Adds one.
    pub fn add(&mut self, duration: Duration) {
        self.add_number(duration.as_secs_f64() * 1000.0);
    }

    /// Adds a number that is no duration.
    pub fn add_number(&mut self, number: f64) {
        let at = self.0.partition_point(|&other| other < number);
        self.0.insert(at, number);
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// The one that half of them are below.
    pub fn median(&self) -> f64 {
        self.at(0.5)
    }

    /// The one that this share of them is below.
    pub fn at(&self, share: f64) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a short list"
        )]
        let rank = (self.0.len() as f64 * share) as usize;
        let last = self.0.len().saturating_sub(1);
        self.0.get(rank.min(last)).copied().unwrap_or(f64::NAN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_and_the_hundredth_are_found_in_any_order() {
        let mut sample = Sample::default();
        for number in (0..100).rev() {
            sample.add_number(f64::from(number));
        }
        assert_eq!((sample.median(), sample.at(0.99)), (50.0, 99.0));
    }

    #[test]
    fn collecting_numbers_is_as_good_as_adding_them() {
        let sample: Sample = [3.0, 9.0, 1.0].into_iter().collect();
        assert_eq!((sample.median(), sample.at(1.0)), (3.0, 9.0));
    }

    #[test]
    fn of_nothing_there_is_no_median() {
        assert!(Sample::default().median().is_nan());
    }
}
