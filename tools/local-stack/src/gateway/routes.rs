//! Finds the function of a request.

use std::collections::BTreeMap;

use super::event::decode;
use crate::template::Template;

#[derive(Debug)]
pub(super) struct Routes {
    routes: Vec<Entry>,
    default: Option<String>,
}

#[derive(Debug)]
struct Entry {
    key: String,
    method: String,
    segments: Vec<String>,
    function: String,
}

#[derive(Debug)]
pub(super) struct Found<'a> {
    /// `POST /api/v1/is-banned`, or `$default`.
    pub(super) key: &'a str,
    pub(super) function: &'a str,
    pub(super) parameters: BTreeMap<&'a str, String>,
}

impl Routes {
    pub(super) fn of(template: &Template) -> Self {
        let mut routes: Vec<_> = template
            .routes()
            .map(|(route, function)| Entry {
                key: route.key(),
                method: route.method.clone(),
                segments: route.path.split('/').map(str::to_owned).collect(),
                function: function.to_owned(),
            })
            .collect();
        // The most specific route wins: literal paths first, longer ones of the greedy, and one method before
        // any.
        routes.sort_by_key(|entry| {
            let open = entry.segments.iter().filter(|s| s.starts_with('{')).count();
            let greedy = entry.segments.iter().any(|s| s.ends_with("+}"));
            let length = std::cmp::Reverse(entry.segments.len());
            (greedy, open, length, entry.method == "ANY")
        });
        Self {
            routes,
            default: template.default_function().map(str::to_owned),
        }
    }

    pub(super) fn find<'a>(&'a self, method: &str, path: &'a str) -> Option<Found<'a>> {
        let matched = self
            .routes
            .iter()
            .filter(|e| e.method == method || e.method == "ANY");
        let found = matched.into_iter().find_map(|entry| {
            let parameters = parameters(&entry.segments, path)?;
            Some(Found {
                key: &entry.key,
                function: &entry.function,
                parameters,
            })
        });
        found.or_else(|| {
            let function = self.default.as_deref()?;
            Some(Found {
                key: "$default",
                function,
                parameters: BTreeMap::new(),
            })
        })
    }
}

/// The decoded path parameters, if the path matches.
fn parameters<'a>(segments: &'a [String], path: &str) -> Option<BTreeMap<&'a str, String>> {
    let mut parameters = BTreeMap::new();
    let mut rest = path.split('/');
    for segment in segments {
        let name = segment.strip_prefix('{').and_then(|s| s.strip_suffix('}'));
        match name.map(|name| name.strip_suffix('+').ok_or(name)) {
            Some(Ok(greedy)) => {
                let whole: Vec<_> = rest.by_ref().collect();
                if whole.is_empty() {
                    return None;
                }
                parameters.insert(greedy, decode(&whole.join("/"), false));
            }
            Some(Err(name)) => {
                let value = rest.next().filter(|value| !value.is_empty())?;
                parameters.insert(name, decode(value, false));
            }
            None => {
                rest.next().filter(|value| value == segment)?;
            }
        }
    }
    rest.next().is_none().then_some(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, path: &str) -> Option<Vec<String>> {
        let segments: Vec<_> = pattern.split('/').map(str::to_owned).collect();
        parameters(&segments, path).map(|found| found.into_values().collect())
    }

    #[test]
    fn a_path_fits_as_the_gateway_reads_it() {
        assert_eq!(fits("/a/b", "/a/b"), Some(vec![]));
        assert_eq!(fits("/a/b", "/a/b/"), None);
        assert_eq!(fits("/a/{x}", "/a/1"), Some(vec!["1".to_owned()]));
        assert_eq!(fits("/a/{x}", "/a/"), None);
        assert_eq!(fits("/a/{x}", "/a"), None);
        assert_eq!(fits("/a/{x}", "/a/1/b"), None);
        assert_eq!(
            fits("/a/{x}", "/a/1+2%20%2F"),
            Some(vec!["1+2 /".to_owned()])
        );
        assert_eq!(fits("/{rest+}", "/a/b/c"), Some(vec!["a/b/c".to_owned()]));
    }
}
