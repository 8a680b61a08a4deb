//! The `Condition` of an IAM statement.

use std::collections::BTreeMap;

use serde_json::Value;

/// The values of a request for each condition key that it has, such as `dynamodb:LeadingKeys`.
pub type Context = BTreeMap<&'static str, Vec<String>>;

/// Whether a condition in JSON holds. An unknown operator never does.
pub fn holds(condition: &str, context: &Context) -> bool {
    if condition.is_empty() {
        return true;
    }
    let parsed: Value = serde_json::from_str(condition).unwrap_or_default();
    let Some(operators) = parsed.as_object() else {
        return false;
    };
    operators.iter().all(|(operator, keys)| {
        let keys = keys.as_object().into_iter().flatten();
        let mut keys = keys.map(|(key, patterns)| (context.get(key.as_str()), texts(patterns)));
        keys.all(|(said, patterns)| operator_holds(operator, said, &patterns))
    })
}

fn operator_holds(operator: &str, said: Option<&Vec<String>>, patterns: &[String]) -> bool {
    let (of_all, operator) = match operator.strip_prefix("ForAllValues:") {
        Some(rest) => (true, rest),
        None => (false, operator),
    };
    let (if_exists, operator) = match operator.strip_suffix("IfExists") {
        Some(rest) => (true, rest),
        None => (of_all, operator),
    };
    let fits: fn(&str, &str) -> bool = match operator {
        "StringEquals" => |text, pattern| text == pattern,
        "StringLike" => is_like,
        _ => return false,
    };
    let Some(said) = said else {
        return if_exists;
    };
    let fits_any = |text: &String| patterns.iter().any(|pattern| fits(text, pattern));
    said.iter().all(fits_any) && (of_all || said.len() == 1)
}

fn texts(patterns: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match patterns {
        Value::Array(several) => several.iter().filter_map(text).collect(),
        one => text(one).into_iter().collect(),
    }
}

/// Whether a text matches a pattern, in which `*` stands for any text and `?` for any character.
pub fn is_like(text: &str, pattern: &str) -> bool {
    let mut letters = pattern.chars();
    match letters.next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = letters.as_str();
            let mut starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            starts.any(|at| is_like(text.get(at..).unwrap_or(""), rest))
        }
        Some(wanted) => {
            let mut left = text.chars();
            left.next()
                .is_some_and(|letter| wanted == '?' || wanted == letter)
                && is_like(left.as_str(), letters.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(key: &'static str, said: &[&str]) -> Context {
        let said = said.iter().map(|&text| text.to_owned()).collect();
        BTreeMap::from([(key, said)])
    }

    #[test]
    fn patterns_match_as_in_iam() {
        for (text, pattern, fits) in [
            ("K#abc", "K#*", true),
            ("K#", "K#*", true),
            ("k#abc", "K#*", false),
            ("0a1b2c3d#X", "????????#X", true),
            ("0a1b2c3d#X#1", "????????#X", false),
            ("0a1b2c3d#U#1", "????????#U#*", true),
            ("", "*", true),
            ("ab", "a", false),
        ] {
            assert_eq!(is_like(text, pattern), fits, "{text} {pattern}");
        }
    }

    #[test]
    fn every_value_must_match_and_absent_keys_follow_iam() {
        let all = r#"{"ForAllValues:StringLike":{"dynamodb:LeadingKeys":["K#*","W#*"]}}"#;
        let keys = |said: &[&str]| context("dynamodb:LeadingKeys", said);
        assert!(holds(all, &keys(&["K#1", "W#2"])));
        assert!(!holds(all, &keys(&["K#1", "V"])));
        assert!(holds(all, &Context::new()));

        let optional = r#"{"StringEqualsIfExists":{"dynamodb:ReturnValues":"NONE"}}"#;
        let returns = |said: &[&str]| context("dynamodb:ReturnValues", said);
        assert!(holds(optional, &Context::new()));
        assert!(holds(optional, &returns(&["NONE"])));
        assert!(!holds(optional, &returns(&["ALL_OLD"])));

        let needed = r#"{"StringEquals":{"dynamodb:Select":"SPECIFIC_ATTRIBUTES"}}"#;
        assert!(!holds(needed, &Context::new()));
        assert!(!holds(r#"{"NumericEquals":{"a":"1"}}"#, &Context::new()));
    }
}
