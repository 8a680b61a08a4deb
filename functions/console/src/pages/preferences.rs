//! Stores how a person wants the console to look.

use lambda_http::{Body, Response};
use shared::domain::error::ApiError;

use crate::headers;
use crate::look::Look;
use crate::visit::Visit;

pub fn save(visit: &Visit) -> Result<Response<Body>, ApiError> {
    let form = visit.form()?;
    let back = headers::see_other(way_back(form.text("back")));
    Ok(headers::with_cookie(back, &Look::of_form(&form).cookie()))
}

/// The page from which the form came, if that is one of the console's.
fn way_back(address: &str) -> &str {
    let is_own = address.starts_with("/console/") && address.bytes().all(|b| b.is_ascii_graphic());
    if is_own { address } else { "/console/bans" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn way_back_leads_to_the_console_alone() {
        assert_eq!(way_back("/console/players/1?a=b"), "/console/players/1?a=b");
        for address in [
            "",
            "//evil.example",
            "https://evil.example",
            "/console",
            "/console/\n",
        ] {
            assert_eq!(way_back(address), "/console/bans", "{address:?}");
        }
    }
}
