//! Repeated measurements and their percentiles.

use std::time::Duration;

/// Sorted; durations are in milliseconds.
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
    pub fn add(&mut self, duration: Duration) {
        self.add_number(duration.as_secs_f64() * 1000.0);
    }

    pub fn add_number(&mut self, number: f64) {
        let at = self.0.partition_point(|&other| other < number);
        self.0.insert(at, number);
    }

    pub const fn len(&self) -> usize {
        self.0.len()
    }

    pub fn median(&self) -> f64 {
        self.at(0.5)
    }

    /// The value that this share of the sample is below, such as 0.9 for the 90th percentile.
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
    fn percentiles_do_not_depend_on_order() {
        let mut sample = Sample::default();
        for number in (0..100).rev() {
            sample.add_number(f64::from(number));
        }
        assert_eq!((sample.median(), sample.at(0.99)), (50.0, 99.0));
    }

    #[test]
    fn collected_numbers_are_sorted() {
        let sample: Sample = [3.0, 9.0, 1.0].into_iter().collect();
        assert_eq!((sample.median(), sample.at(1.0)), (3.0, 9.0));
    }

    #[test]
    fn an_empty_sample_has_no_median() {
        assert!(Sample::default().median().is_nan());
    }
}
