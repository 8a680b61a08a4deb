//! The methods of each path, for the `allow` header.

/// The paths of the API and their methods, in the format of an `allow` header. A test compares them
/// with the routes of `template.yaml`.
pub const ROUTES: &[(&str, &str)] = &[
    ("/api/v1/is-banned", "POST"),
    ("/api/v1/is-banned/batch", "POST"),
    ("/api/v1/ban-async", "POST"),
    ("/api/v1/unban-async", "POST"),
    ("/api/v1/reports", "POST"),
    ("/api/v1/bans/bulk", "POST"),
    ("/api/v1/unbans/bulk", "POST"),
    ("/api/v1/pending-bans", "GET"),
    ("/api/v1/pending-unbans", "GET"),
    ("/api/v1/group-role", "PATCH"),
    ("/api/v1/bans", "GET"),
    ("/api/v1/bans/{guid}", "GET"),
    ("/api/v1/bans/{guid}/evidence", "GET"),
    ("/api/v1/evidence/create", "PATCH, POST"),
    ("/api/v1/evidence/{guid}", "GET, DELETE"),
    ("/api/v1/evidence/{guid}/metadata", "GET, PATCH"),
    ("/api/v1/evidence/{guid}/complete", "POST"),
    ("/api/v1/links/roblox/{id}", "GET, PUT, DELETE"),
    ("/api/v1/links/discord/{id}", "GET"),
    ("/api/v1/links/lookup", "POST"),
    ("/api/v1/links/codes", "POST"),
    ("/api/v1/links/codes/redeem", "POST"),
    ("/api/v1/events", "GET"),
    ("/api/v1/sync", "GET"),
    ("/api/v1/snapshot", "GET"),
    ("/api/v1/export/bans/json", "GET"),
    ("/api/v1/export/bans/csv", "GET"),
    ("/api/v1/roblox/webhook", "POST"),
];

/// The methods of a path, if it is one of the API's.
pub(super) fn allowed(path: &str) -> Option<&'static str> {
    let fits = |pattern: &str| {
        let (mut pattern, mut path) = (pattern.split('/'), path.split('/'));
        loop {
            match (pattern.next(), path.next()) {
                (None, None) => return true,
                (Some(name), Some(part)) if name.starts_with('{') && !part.is_empty() => {}
                (Some(name), Some(part)) if name == part => {}
                _ => return false,
            }
        }
    };
    let found = ROUTES.iter().find(|(pattern, _)| fits(pattern));
    found.map(|(_, methods)| *methods)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_paths_are_recognized() {
        for (path, methods) in [
            ("/api/v1/is-banned", Some("POST")),
            ("/api/v1/bans", Some("GET")),
            ("/api/v1/bans/633197862920433664", Some("GET")),
            ("/api/v1/bans/x", Some("GET")),
            ("/api/v1/bans/", None),
            ("/api/v1/bans/1/2", None),
            ("/api/v1//bans", None),
            ("/api/v1", None),
            ("/", None),
            ("", None),
        ] {
            assert_eq!(allowed(path), methods, "{path}");
        }
    }
}
