//! The elements of a page, which ends by size as well as by count.

use serde::Serialize;
use serde_json::value::RawValue;

use super::weight::{LARGEST_ANSWER, weight};
use crate::error::ApiError;

/// Bytes of an answer for what stands around its list.
const AROUND: usize = 16 * 1024;

/// The elements of a list that is answered in pages.
///
/// Each is written once, when it is added, and weighed as Lambda will send it. A page that is full by
/// size is shorter than its limit, and its cursor goes on where it ends.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct PageList {
    elements: Vec<Box<RawValue>>,
    #[serde(skip)]
    limit: usize,
    /// Bytes that are left.
    #[serde(skip)]
    room: usize,
}

impl PageList {
    /// An empty list for so many elements at most.
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

    /// How many elements it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// Whether it holds as many as were asked for.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.elements.len() >= self.limit
    }

    /// Adds an element; `false` if there is no room for it, and the next page begins with it. The first
    /// element always has room, so that a reader comes on.
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

    /// Puts the elements in the order of these keys, one for each element.
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

    /// What Lambda sends of a list: a JSON string of it.
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
    fn page_ends_by_what_lambda_sends_however_much_is_escaped() {
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
