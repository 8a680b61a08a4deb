//! The text of update expressions.

/// An update expression that sets some attributes, such as `a = :a`, and removes others; empty if
/// it changes nothing.
pub(in crate::store) fn expression(
    sets: &[impl AsRef<str>],
    removes: &[impl AsRef<str>],
) -> String {
    format!("{}{}", clause("SET", sets), clause("REMOVE", removes))
}

fn clause(verb: &str, parts: &[impl AsRef<str>]) -> String {
    if parts.is_empty() {
        return String::new();
    }
    let parts: Vec<_> = parts.iter().map(AsRef::as_ref).collect();
    format!("{verb} {} ", parts.join(", "))
}
