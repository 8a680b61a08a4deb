use super::*;
use crate::output::Printable;
use settings::BucketLifecycle;

/// The evidence bucket as the template sets it up by default.
fn by_default() -> BucketSettings {
    BucketSettings {
        blocks_public_access: true,
        is_versioned: false,
        lock: None,
        lifecycle: BucketLifecycle {
            expiration_days: None,
            removes_remains: true,
            aborts_uploads: true,
        },
        denials: DENIALS.map(str::to_owned).to_vec(),
    }
}

fn lock(days: i32, is_governance: bool) -> BucketSettings {
    BucketSettings {
        is_versioned: true,
        lock: Some(BucketLock {
            days,
            is_governance,
        }),
        ..by_default()
    }
}

fn scanning() -> BucketSettings {
    let mut settings = by_default();
    settings.denials.push(CLEAN_FILES_ONLY.to_owned());
    settings
}

fn of_stack(lock_days: i32, scans: bool) -> EvidenceParameters {
    EvidenceParameters { lock_days, scans }
}

/// The checks that are not ok, with their results.
fn problems(findings: &[Finding]) -> Vec<String> {
    let fields = findings.iter().map(Printable::fields);
    let results = fields.map(|fields| format!("{}: {}", fields[0].1, fields[1].1));
    results.filter(|result| !result.ends_with(": ok")).collect()
}

#[test]
fn what_the_template_sets_up_is_ok() {
    let parameters = |lock_days, scans| Some(of_stack(lock_days, scans));
    for (settings, parameters) in [
        (by_default(), None),
        (by_default(), parameters(0, false)),
        (lock(30, true), None),
        (lock(30, true), parameters(30, false)),
        (scanning(), None),
        (scanning(), parameters(0, true)),
    ] {
        let found = evidence("files", &settings, parameters);
        assert_eq!(problems(&found), Vec::<String>::new(), "{settings:?}");
    }
}

#[test]
fn each_difference_from_the_template_is_found() {
    let parameters = |lock_days, scans| Some(of_stack(lock_days, scans));
    let public = BucketSettings {
        blocks_public_access: false,
        ..by_default()
    };
    let versioned = BucketSettings {
        is_versioned: true,
        ..by_default()
    };
    let unlocked = BucketSettings {
        is_versioned: false,
        ..lock(30, true)
    };
    let expiring = BucketSettings {
        lifecycle: BucketLifecycle {
            expiration_days: Some(60),
            ..by_default().lifecycle
        },
        ..by_default()
    };
    let without_rules = BucketSettings {
        lifecycle: BucketLifecycle::default(),
        ..by_default()
    };
    let open = BucketSettings {
        denials: Vec::new(),
        ..by_default()
    };
    for (settings, parameters, problem) in [
        (public, None, "public access to the evidence bucket: failed"),
        (versioned, None, "versions of the evidence bucket: warning"),
        (unlocked, None, "versions of the evidence bucket: warning"),
        (
            by_default(),
            parameters(30, false),
            "versions of the evidence bucket: failed",
        ),
        (
            lock(30, true),
            parameters(0, false),
            "versions of the evidence bucket: failed",
        ),
        (
            lock(30, false),
            parameters(30, false),
            "versions of the evidence bucket: failed",
        ),
        (expiring, None, "lifecycle of the evidence bucket: failed"),
        (
            without_rules,
            None,
            "lifecycle of the evidence bucket: warning",
        ),
        (open, None, "policy of the evidence bucket: failed"),
        (
            by_default(),
            parameters(0, true),
            "malware scans of evidence: failed",
        ),
        (
            scanning(),
            parameters(0, false),
            "malware scans of evidence: failed",
        ),
    ] {
        let found = evidence("files", &settings, parameters);
        assert_eq!(problems(&found), [problem], "{settings:?} {parameters:?}");
    }
}

#[test]
fn exports_must_be_private_and_expire() {
    let ends_after = |days| BucketSettings {
        lifecycle: BucketLifecycle {
            expiration_days: days,
            ..BucketLifecycle::default()
        },
        ..by_default()
    };
    let problems = |settings| problems(&exports("exports", &settings));
    assert_eq!(problems(ends_after(Some(1))), Vec::<String>::new());
    assert_eq!(
        problems(ends_after(Some(30))),
        ["lifecycle of the exports bucket: warning"]
    );
    assert_eq!(
        problems(ends_after(None)),
        ["lifecycle of the exports bucket: failed"]
    );
    let public = BucketSettings {
        blocks_public_access: false,
        ..ends_after(Some(1))
    };
    assert_eq!(
        problems(public),
        ["public access to the exports bucket: failed"]
    );
}

#[test]
fn versions_of_snapshots_would_outlive_an_erasure() {
    assert_eq!(
        problems(&snapshots("s", &by_default())),
        Vec::<String>::new()
    );
    let versioned = BucketSettings {
        is_versioned: true,
        blocks_public_access: false,
        ..by_default()
    };
    let expected = [
        "public access to the snapshot bucket: failed",
        "versions of the snapshot bucket: failed",
    ];
    assert_eq!(problems(&snapshots("s", &versioned)), expected);
}
