//! Tests of where the key for the API comes from.

use std::path::Path;

use crate::harness::{answered, assert_refused, command, stderr};
use end_to_end::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn key_comes_from_a_variable_a_file_a_context_or_standard_input() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let folder = tempfile::tempdir().unwrap();
    let (right, wrong) = (
        folder.path().join("right.key"),
        folder.path().join("wrong.key"),
    );
    write(&right, workspace.secret_key());
    write(&wrong, "sentinelAPI.00000000-0000-4000-8000-000000000009");
    let config = folder.path().join("config.toml");
    let text = format!(
        "[contexts.file]\napi = \"{0}/api/v1\"\nkey-file = \"right.key\"\n[contexts.variable]\napi = \"{0}\"\n\
         key-variable = \"MOD_KEY\"\n",
        app.address()
    );
    write(&config, &text);
    let shown = |path: &Path| path.display().to_string();
    let run = |variables: &[(&str, &str)], more: &[&str], typed: &str| {
        let mut command = command();
        command
            .env("PORTCULLIS_CONFIG", &config)
            .envs(variables.iter().copied());
        answered(
            {
                command.args(["bans", "list"]).args(more);
                command
            },
            typed,
        )
    };
    let works = |variables: &[(&str, &str)], more: &[&str], typed: &str| {
        let done = run(variables, more, typed);
        assert_eq!(
            done.status.code(),
            Some(0),
            "{variables:?} {more:?}: {}",
            stderr(&done)
        );
        assert!(!stderr(&done).contains("sentinelAPI"), "{}", stderr(&done));
    };
    let api = ("PORTCULLIS_API", app.address());
    let (right, wrong) = (shown(&right), shown(&wrong));
    let key = ("PORTCULLIS_KEY", workspace.secret_key());
    works(&[api, key], &[], "");
    works(&[api], &["--key-file", &right], "");
    works(&[api, ("PORTCULLIS_KEY_FILE", &right)], &[], "");
    works(
        &[api],
        &["--key-file", "-"],
        &format!("{}\n", workspace.secret_key()),
    );
    works(&[("PORTCULLIS_CONTEXT", "file")], &[], "");
    works(
        &[("PORTCULLIS_CONTEXT", "variable"), ("MOD_KEY", key.1)],
        &[],
        "",
    );
    // An argument overrides the variable, which overrides the context.
    assert_refused(&run(&[api, key], &["--key-file", &wrong], ""), 1, &wrong);
    let refused = run(
        &[
            ("PORTCULLIS_CONTEXT", "file"),
            ("PORTCULLIS_KEY_FILE", &wrong),
        ],
        &[],
        "",
    );
    assert_refused(&refused, 1, "does not accept the key");
    works(&[("PORTCULLIS_CONTEXT", "file"), key], &[], "");

    assert_refused(&run(&[api], &[], ""), 2, "no API key given");
    assert_refused(
        &run(&[("PORTCULLIS_CONTEXT", "variable")], &[], ""),
        1,
        "MOD_KEY",
    );
    assert_refused(
        &run(&[api], &["--key-file", key.1], ""),
        2,
        "not the key itself",
    );
    let said = stderr(&run(&[api], &["--key-file", key.1], ""));
    assert!(!said.contains(key.1), "{said}");
    assert_refused(
        &run(&[api, ("PORTCULLIS_KEY", "secret")], &[], ""),
        1,
        "is not an API key",
    );
    assert_refused(
        &run(&[key], &["--api", "http://bans.example.com"], ""),
        2,
        "not encrypted",
    );
    // Other users must not read the file.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&right, PermissionsExt::from_mode(0o644)).unwrap();
        let warned = run(&[api], &["--key-file", &right], "");
        assert!(stderr(&warned).contains("chmod 600"), "{}", stderr(&warned));
    }
}

/// Writes a file that only its owner can read.
fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
    }
}
