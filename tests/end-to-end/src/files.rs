//! The repository's files that tests read.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use local_stack::template::Template;
use serde_json::Value;

/// A path in the repository.
pub fn repository(path: impl AsRef<Path>) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

/// The parsed `template.yaml`, with the console.
pub fn template() -> &'static Template {
    static TEMPLATE: LazyLock<Template> = LazyLock::new(|| {
        Template::load_with_console(repository("template.yaml")).expect("template.yaml")
    });
    &TEMPLATE
}

/// What `observability.yaml` defines, with the parameters that `template.yaml` gives it.
pub fn observability() -> &'static Template {
    template()
        .nested("Observability")
        .expect("observability.yaml")
}

/// `openapi.yaml` as JSON.
pub fn openapi() -> &'static Value {
    static OPENAPI: LazyLock<Value> = LazyLock::new(|| {
        let text = std::fs::read_to_string(repository("openapi.yaml")).expect("openapi.yaml");
        yaml_serde::from_str(&text).expect("openapi.yaml is YAML")
    });
    &OPENAPI
}
