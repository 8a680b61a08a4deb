//! Stylesheet, script and icon, compiled in and served under names that change with their content, so
//! that browsers keep them for a year.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::OnceLock;

use lambda_http::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use lambda_http::{Body, Response};

/// A file that pages refer to.
struct Asset {
    path: String,
    content_type: &'static str,
    body: &'static str,
}

/// The files of the console.
pub struct Assets {
    style: Asset,
    script: Asset,
    /// Only on a player's page.
    evidence_script: Asset,
    icon: Asset,
}

const FOLDER: &str = "/console/assets/";

impl Asset {
    fn new(extension: &str, content_type: &'static str, body: &'static str) -> Self {
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        Self {
            path: format!("{FOLDER}{:016x}.{extension}", hasher.finish()),
            content_type,
            body,
        }
    }
}

impl Assets {
    /// The files, named once per environment.
    pub fn get() -> &'static Self {
        static ASSETS: OnceLock<Assets> = OnceLock::new();
        ASSETS.get_or_init(|| Self {
            style: Asset::new(
                "css",
                "text/css; charset=utf-8",
                include_str!("../assets/console.css"),
            ),
            script: Asset::new(
                "js",
                "text/javascript; charset=utf-8",
                include_str!("../assets/console.js"),
            ),
            evidence_script: Asset::new(
                "js",
                "text/javascript; charset=utf-8",
                include_str!("../assets/evidence.js"),
            ),
            icon: Asset::new("svg", "image/svg+xml", include_str!("../assets/icon.svg")),
        })
    }

    pub fn style(&self) -> &str {
        &self.style.path
    }

    pub fn script(&self) -> &str {
        &self.script.path
    }

    pub fn evidence_script(&self) -> &str {
        &self.evidence_script.path
    }

    pub fn icon(&self) -> &str {
        &self.icon.path
    }

    /// The file under a path, if there is one.
    pub fn serve(&self, path: &str) -> Option<Response<Body>> {
        let files = [&self.style, &self.script, &self.evidence_script, &self.icon];
        let file = files.into_iter().find(|file| file.path == path)?;
        let mut response = Response::new(Body::from(file.body));
        for (name, value) in [
            (CONTENT_TYPE, file.content_type),
            (CACHE_CONTROL, "public, max-age=31536000, immutable"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ] {
            let value = HeaderValue::from_static(value);
            response.headers_mut().insert(name, value);
        }
        Some(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stylesheet and script may have in bytes together.
    const BUDGET: usize = 30_000;

    #[test]
    fn stylesheet_and_script_stay_in_their_budget() {
        let assets = Assets::get();
        let bytes = assets.style.body.len() + assets.script.body.len();
        assert!(bytes < BUDGET, "{bytes} bytes");
    }

    #[test]
    fn script_of_evidence_stays_in_its_own() {
        let bytes = Assets::get().evidence_script.body.len();
        assert!(bytes < 5_500, "{bytes} bytes");
    }

    #[test]
    fn file_is_served_under_its_own_name_alone() {
        let assets = Assets::get();
        let served = assets.serve(assets.style()).unwrap();
        assert_eq!(served.headers()[CONTENT_TYPE], "text/css; charset=utf-8");
        assert!(assets.serve("/console/assets/console.css").is_none());
        assert!(assets.serve("/console/assets/../main.rs").is_none());
    }

    #[test]
    fn files_name_no_other_host() {
        let assets = Assets::get();
        for file in [&assets.style, &assets.script, &assets.evidence_script] {
            assert!(!file.body.contains("://"), "{}", file.path);
        }
    }
}
