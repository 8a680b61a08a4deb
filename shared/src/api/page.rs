//! The elements of a page, which ends by size as well as by count.

use serde::Serialize;
use serde_json::value::RawValue;

use super::weight::{LARGEST_ANSWER, weight};
use crate::domain::error::ApiError;

/// Bytes reserved for the answer around its list.
const AROUND: usize = 16 * 1024;

/// The elements of a list that is answered in pages.
///
/// Each is serialized once, when added, and weighed in the form that Lambda sends. A page that is
/// full by size is shorter than its limit, and its cursor continues at its end.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct PageList {
    elements: Vec<Box<RawValue>>,
    #[serde(skip)]
    limit: usize,
    /// The remaining bytes.
    #[serde(skip)]
    room: usize,
}

impl PageList {
    /// An empty list for at most this many elements.
    #[must_use]
    pub const fn of(limit: usize) -> Self {
        Self::within(limit, LARGEST_ANSWER - AROUND)
    }

    const fn within(limit: usize, room: usize) -> Self {
        Self {
            elements: Vec::new(),
            limit,
            room,
        }
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// Whether it has as many elements as requested.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.elements.len() >= self.limit
    }

    /// Adds an element; `false` if there is no room, in which case the next page starts with it.
    /// The first element always fits, so that a reader makes progress.
    pub fn add(&mut self, element: &impl Serialize) -> Result<bool, ApiError> {
        if self.is_complete() {
            return Ok(false);
        }
        let written = serde_json::value::to_raw_value(element).map_err(|error| {
            ApiError::Internal(format!("could not serialize the answer: {error}"))
        })?;
        // With the comma before it.
        let bytes = weight(written.get().as_bytes()).saturating_add(1);
        if bytes > self.room && !self.is_empty() {
            return Ok(false);
        }
        self.room = self.room.saturating_sub(bytes);
        self.elements.push(written);
        Ok(true)
    }

    /// Sorts the elements by these keys, one per element.
    pub fn order_by<K: Ord>(&mut self, keys: Vec<K>) {
        let elements = std::mem::take(&mut self.elements);
        let mut keyed: Vec<_> = keys.into_iter().zip(elements).collect();
        keyed.sort_by(|(a, _), (b, _)| a.cmp(b));
        self.elements = keyed.into_iter().map(|(_, element)| element).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The size of a list as Lambda sends it: as a JSON string.
    fn sent(list: &PageList) -> usize {
        let body = serde_json::to_string(list).unwrap();
        serde_json::to_string(&body).unwrap().len()
    }

    #[test]
    fn page_ends_by_count() {
        let mut page = PageList::of(2);
        assert!(page.add(&1).unwrap());
        assert!(page.add(&2).unwrap());
        assert!(!page.add(&3).unwrap());
        assert_eq!(serde_json::to_string(&page).unwrap(), "[1,2]");
    }

    #[test]
    fn page_ends_by_its_escaped_size() {
        for text in ["a", "\"", "\\", "\n", "\u{1}", "é", "\u{1F600}"] {
            let mut page = PageList::within(10_000, 5_000);
            while page.add(&text.repeat(40)).unwrap() {}
            // The brackets, and the quotation marks of the string.
            assert!(sent(&page) <= 5_000 + 4, "{text:?}: {}", sent(&page));
            let another = serde_json::to_string(&text.repeat(40)).unwrap();
            let more = sent(&page) + weight(another.as_bytes()) + 1;
            assert!(more > 5_000, "{text:?}: it ends too early");
        }
    }

    #[test]
    fn first_element_always_has_room() {
        let mut page = PageList::within(10, 5);
        assert!(page.add(&"more than five bytes").unwrap());
        assert!(!page.add(&1).unwrap());
        assert_eq!(page.len(), 1);
    }
}
