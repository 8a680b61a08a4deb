//! Merges partitions that are read in pages.
//!
//! A list in several partitions is read one page of each at once, and no page shows how much of the
//! merged list lies in its partition. So nothing is returned beyond the last entry read of a
//! partition that has more: the entries in between may be in that partition and not read yet. This
//! is the one place that merges pages.

use std::collections::VecDeque;

/// One partition, in the order of the merged list.
#[derive(Debug)]
struct Part<T> {
    /// Read and not returned yet.
    read: VecDeque<T>,
    /// Whether there is more than was read.
    goes_on: bool,
}

/// Partitions being merged by a key, smallest first.
#[derive(Debug)]
pub struct Merge<T> {
    parts: Vec<Part<T>>,
}

/// The next step of a merged list.
#[derive(Debug, PartialEq, Eq)]
pub enum Next<T> {
    /// This entry, of the partition with this number.
    Entry(usize, T),
    /// Unknown until the next page of each of these partitions is added.
    Unread(Vec<usize>),
    End,
}

impl<T> Merge<T> {
    /// Partitions of which nothing was read yet.
    #[must_use]
    pub fn new(partitions: usize) -> Self {
        let unread = || Part {
            read: VecDeque::new(),
            goes_on: true,
        };
        Self {
            parts: std::iter::repeat_with(unread).take(partitions).collect(),
        }
    }

    /// Adds the next page of a partition, and whether more follows. A page may be empty.
    pub fn add(&mut self, partition: usize, page: impl IntoIterator<Item = T>, goes_on: bool) {
        if let Some(part) = self.parts.get_mut(partition) {
            part.read.extend(page);
            part.goes_on = goes_on;
        }
    }

    /// The next entry by `key`, as far as known.
    pub fn next<K: Ord>(&mut self, key: impl Fn(&T) -> K) -> Next<T> {
        let is_unread = |part: &Part<T>| part.goes_on && part.read.is_empty();
        let unread: Vec<_> = (0..)
            .zip(&self.parts)
            .filter_map(|(number, part)| is_unread(part).then_some(number))
            .collect();
        if !unread.is_empty() {
            return Next::Unread(unread);
        }
        let first = (0..)
            .zip(&mut self.parts)
            .filter(|(_, part)| !part.read.is_empty())
            .min_by_key(|(_, part)| part.read.front().map(&key));
        match first.and_then(|(number, part)| Some((number, part.read.pop_front()?))) {
            Some((number, entry)) => Next::Entry(number, entry),
            None => Next::End,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads a merged list with pages of these lengths, one after the other.
    fn merged(partitions: &[Vec<u32>], mut lengths: impl Iterator<Item = usize>) -> Vec<u32> {
        let mut merge = Merge::new(partitions.len());
        let mut read = vec![0; partitions.len()];
        let mut list = Vec::new();
        loop {
            match merge.next(|entry| *entry) {
                Next::Entry(partition, entry) => {
                    assert!(partitions[partition].contains(&entry));
                    list.push(entry);
                }
                Next::Unread(unread) => {
                    for partition in unread {
                        let rest = &partitions[partition][read[partition]..];
                        let page = lengths.next().unwrap_or(1).min(rest.len());
                        read[partition] += page;
                        merge.add(partition, rest[..page].to_vec(), page < rest.len());
                    }
                }
                Next::End => return list,
            }
        }
    }

    /// Partitions of a list with gaps: number `n` lies in partition `n mod 4`, unless it is
    /// deleted.
    fn partitions() -> impl Strategy<Value = Vec<Vec<u32>>> {
        prop::collection::vec(0_u8..4, 0..120).prop_map(|weights| {
            let mut partitions = vec![Vec::new(); 4];
            for (number, weight) in (0_u32..).zip(weights) {
                let at = usize::try_from(number % 4).unwrap_or_default();
                // Some partitions lose most of their entries, others few.
                if usize::from(weight) >= at {
                    partitions[at].push(number);
                }
            }
            partitions
        })
    }

    proptest! {
        #[test]
        fn merged_list_has_every_entry_once_and_in_order(
            partitions in partitions(),
            lengths in prop::collection::vec(0_usize..6, 0..80),
        ) {
            let mut expected = partitions.concat();
            expected.sort_unstable();
            prop_assert_eq!(merged(&partitions, lengths.into_iter()), expected);
        }

        #[test]
        fn truncated_pages_yield_a_prefix_of_the_list(
            partitions in partitions(),
            page in 0_usize..6,
        ) {
            let mut merge = Merge::new(partitions.len());
            for (number, partition) in partitions.iter().enumerate() {
                let read = page.min(partition.len());
                merge.add(number, partition[..read].to_vec(), read < partition.len());
            }
            let known: Vec<_> = std::iter::from_fn(|| match merge.next(|entry| *entry) {
                Next::Entry(_, entry) => Some(entry),
                Next::Unread(_) | Next::End => None,
            })
            .collect();
            let mut expected = partitions.concat();
            expected.sort_unstable();
            prop_assert!(expected.starts_with(&known), "{:?} of {:?}", known, expected);
            // It stops for a reason: the whole list is known, or a partition was cut short before.
            let cut = partitions.iter().filter(|partition| partition.len() > page);
            let bound = cut.map(|partition| page.checked_sub(1).map(|last| partition[last])).min();
            match bound {
                None => prop_assert_eq!(known, expected),
                Some(bound) => prop_assert_eq!(known.last().copied(), bound),
            }
        }
    }
}
