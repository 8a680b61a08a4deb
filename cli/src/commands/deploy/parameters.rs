//! The parameters of an update.

use std::collections::BTreeMap;

use super::template::Template;
use crate::arguments::UsageError;

/// Where the archives are; only a release's template has these.
pub const CODE_BUCKET: &str = "CodeBucket";
pub const CODE_PREFIX: &str = "CodePrefix";

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParameterValue {
    Set(String),
    /// The deployed value.
    Keep,
}

pub type Parameters = BTreeMap<String, ParameterValue>;

/// The parameters of a template: given values, then deployed ones, then its defaults.
pub fn choose(
    template: &Template,
    deployed: &BTreeMap<String, String>,
    given: &BTreeMap<String, String>,
) -> Result<Parameters, UsageError> {
    let known = template.parameters();
    if let Some(name) = given.keys().find(|name| !known.contains_key(name.as_str())) {
        let names: Vec<_> = known.keys().copied().collect();
        let names = names.join(", ");
        return Err(UsageError(format!(
            "the template has no parameter {name}: it has {names}"
        )));
    }
    let mut chosen = Parameters::new();
    for (name, has_default) in known {
        let value = match given.get(name) {
            Some(value) => ParameterValue::Set(value.clone()),
            None if deployed.contains_key(name) => ParameterValue::Keep,
            None if has_default => continue,
            None => {
                return Err(UsageError(format!(
                    "pass --parameter {name}=VALUE: it has no default"
                )));
            }
        };
        chosen.insert(name.to_owned(), value);
    }
    Ok(chosen)
}

/// The value of a parameter after the update.
pub fn value<'a>(
    name: &str,
    template: &'a Template,
    deployed: &'a BTreeMap<String, String>,
    given: &'a BTreeMap<String, String>,
) -> Option<&'a str> {
    let explicit = given.get(name).or_else(|| deployed.get(name));
    explicit
        .map(String::as_str)
        .or_else(|| template.default_of(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn given_values_come_before_deployed_ones_and_defaults() {
        let template = "{Parameters: {A: {Default: x}, B: {Default: x}, C: {Default: x}, Bucket: {}}, Resources: {R: {}}}";
        let template = Template::parse(template).unwrap();
        let deployed = map(&[("B", "old"), ("C", "old"), ("Gone", "old")]);
        let given = map(&[("C", "new"), ("Bucket", "code")]);
        let set = |text: &str| ParameterValue::Set(text.to_owned());
        let expected = [
            ("B", ParameterValue::Keep),
            ("Bucket", set("code")),
            ("C", set("new")),
        ];
        let expected: Parameters = expected
            .into_iter()
            .map(|(name, it)| (name.to_owned(), it))
            .collect();
        assert_eq!(choose(&template, &deployed, &given).unwrap(), expected);
        for (name, expected) in [("A", "x"), ("B", "old"), ("C", "new")] {
            assert_eq!(
                value(name, &template, &deployed, &given),
                Some(expected),
                "{name}"
            );
        }
        let missing = choose(&template, &deployed, &map(&[])).unwrap_err();
        assert!(missing.0.contains("--parameter Bucket=VALUE"), "{missing}");
        let unknown = choose(&template, &deployed, &map(&[("Typo", "1")])).unwrap_err();
        assert!(unknown.0.contains("no parameter Typo"), "{unknown}");
    }
}
