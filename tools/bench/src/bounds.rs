//! The bounds that no figure may exceed: `tools/bench/bounds.json`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// Figures that are the same on every machine: sizes, units, requests.
    deterministic: BTreeMap<String, f64>,
    /// Ratios to a baseline of the same run, which a busy machine can distort.
    measured: BTreeMap<String, f64>,
}

impl Bounds {
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read(file).with_context(|| file.display().to_string())?;
        serde_json::from_slice(&text).with_context(|| file.display().to_string())
    }

    /// Drops the bounds on the sizes of all other functions.
    pub fn keep_sizes_of(&mut self, functions: &[String]) {
        self.deterministic.retain(|name, _| {
            let mut parts = name.split('.');
            let (section, function) = (parts.next(), parts.next().unwrap_or_default());
            section != Some("size") || functions.iter().any(|kept| kept == function)
        });
    }

    /// The figures that exceed their bounds, and the bounds of these sections without a figure.
    pub fn exceeded(&self, sections: &[String], figures: &BTreeMap<String, f64>) -> Vec<String> {
        let mut complaints = Vec::new();
        for (name, bound) in self.deterministic.iter().chain(&self.measured) {
            let section = name.split('.').next().unwrap_or_default();
            if !sections.iter().any(|name| name == section) {
                continue;
            }
            match figures.get(name) {
                Some(figure) if figure <= bound => {}
                Some(figure) => complaints.push(format!("{name}: {figure} exceeds {bound}")),
                None => complaints.push(format!("{name}: not measured (bound: {bound})")),
            }
        }
        complaints
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(figures: &[(&str, f64)]) -> Vec<String> {
        let bounds: Bounds = serde_json::from_str(
            r#"{"deterministic":{"size.a":10,"cost.a":2},"measured":{"cold.a":1.5}}"#,
        )
        .unwrap();
        let figures = figures
            .iter()
            .map(|&(name, value)| (name.to_owned(), value));
        bounds.exceeded(&["size".to_owned(), "cold".to_owned()], &figures.collect())
    }

    #[test]
    fn figures_up_to_their_bound_pass() {
        assert!(complaints(&[("size.a", 10.0), ("cold.a", 1.4)]).is_empty());
        assert_eq!(
            complaints(&[("size.a", 10.5), ("cold.a", 1.6)]),
            ["size.a: 10.5 exceeds 10", "cold.a: 1.6 exceeds 1.5"]
        );
    }

    #[test]
    fn only_the_bounds_of_measured_functions_are_kept() {
        let mut bounds: Bounds = serde_json::from_str(
            r#"{"deterministic":{"size.a.zip":1,"size.b.zip":1,"cost.a":1},"measured":{}}"#,
        )
        .unwrap();
        bounds.keep_sizes_of(&["b".to_owned()]);
        let kept: Vec<_> = bounds.deterministic.into_keys().collect();
        assert_eq!(kept, ["cost.a", "size.b.zip"]);
    }

    #[test]
    fn a_missing_figure_fails() {
        assert_eq!(
            complaints(&[("size.a", 1.0)]),
            ["cold.a: not measured (bound: 1.5)"]
        );
    }
}
