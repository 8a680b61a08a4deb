//! What each function's role allows, and nothing else.

mod roles;

use std::collections::BTreeSet;

use end_to_end::template;
use local_stack::roles::Access;
use local_stack::template::Grant;
use serde_json::{Value, json};
use shared::api::FromRequest as _;
use shared::api::auth::{RobloxNotification, UnverifiedKey};
use shared::api::discord::SignedInteraction;
use shared::store::FirstRead;

use self::roles::{BANS, FILES, SNAPSHOTS, STREAM, WORKSPACES, roles};

#[test]
fn each_function_has_exactly_the_permissions_it_uses() {
    let named: BTreeSet<_> = roles().map(|(function, _)| *function).collect();
    let functions = template().functions();
    assert_eq!(
        named,
        functions
            .iter()
            .map(|function| function.name.as_str())
            .collect()
    );
    for (name, grants) in roles() {
        let expected: BTreeSet<_> = grants
            .iter()
            .flat_map(|(resource, actions)| actions.iter().map(|action| (*action, *resource)))
            .collect();
        let function = template().function(name).unwrap();
        let granted: BTreeSet<_> = function
            .grants
            .iter()
            .map(|grant| (grant.action.as_str(), grant.resource.as_str()))
            .map(|(action, resource)| {
                let is_stream = resource.starts_with("dynamodb:table/BansTable/stream/");
                (action, if is_stream { STREAM } else { resource })
            })
            .collect();
        assert_eq!(granted, expected, "{name}");
    }
}

/// A function that may not make it would pay for the handshake in its first request.
#[test]
fn each_route_may_perform_its_warm_up_read() {
    for function in template()
        .functions()
        .iter()
        .filter(|it| !it.routes.is_empty())
    {
        let read = match function.name.as_str() {
            "roblox-webhook" => RobloxNotification::FIRST_READ,
            "console" | "console-settings" => Some(FirstRead::Session),
            "discord-interactions" => SignedInteraction::FIRST_READ,
            _ => UnverifiedKey::FIRST_READ,
        };
        let Some(read) = read else { continue };
        let partition = read.partition();
        let partitions = [format!("\"{partition}\""), format!("\"{partition}*\"")];
        let permits = |grant: &&Grant| {
            grant.action == read.action()
                && grant.resource == WORKSPACES
                && partitions.iter().any(|it| grant.condition.contains(it))
        };
        let permitting = function.grants.iter().filter(permits).count();
        assert_eq!(permitting, 1, "{}", function.name);
    }
}

/// Two functions or more share a managed policy; the test above shows that each needs all of it.
#[test]
fn every_managed_policy_is_shared() {
    let resources = template().resources();
    let of_type = |kind: &'static str| resources.iter().filter(move |(_, it)| it["Type"] == kind);
    let managed: Vec<_> = of_type("AWS::IAM::ManagedPolicy").map(|it| it.0).collect();
    assert!(!managed.is_empty());
    for name in managed {
        let uses = of_type("AWS::Serverless::Function").filter(|(_, function)| {
            let policies = function["Properties"]["Policies"].as_array();
            policies.is_some_and(|policies| policies.iter().any(|it| it == name))
        });
        assert!(uses.count() > 1, "{name}");
    }
}

#[test]
fn no_function_may_scan_and_few_may_delete() {
    for function in template().functions() {
        for grant in &function.grants {
            let action = &grant.action;
            assert!(
                !action.contains('*') && !action.contains("policy"),
                "{grant:?}"
            );
            // Only an erasure takes anything away; evidence is removed on request, and snapshots that
            // nobody asks for.
            let erases = function.name == "roblox-webhook" && grant.resource == BANS;
            let of_evidence =
                grant.resource == FILES || grant.condition.contains(r#"["????????#V#*"]"#);
            // A code that is used up or replaced, and a link.
            let of_links = [
                r#"["????????#Z#C#*"]"#,
                r#"["????????#Z#U#*","????????#Z#D#*"]"#,
            ]
            .iter()
            .any(|keys| grant.condition.contains(keys));
            // The end of a session, an invitation that is used up, a member's former accounts, and
            // the mirror of an experience that is unlinked, and a webhook.
            let of_members = grant.resource == WORKSPACES
                && [r#"["P#*"]"#, r#"["D#*","DR"]"#, r#"["M"]"#, r#"["V"]"#]
                    .iter()
                    .any(|keys| grant.condition.contains(keys));
            let of_settings = [r#"["????????#P","????????#X"]"#, r#"["????????#X"]"#]
                .iter()
                .any(|keys| grant.condition.contains(keys));
            let of_snapshots =
                grant.resource == SNAPSHOTS || grant.condition.contains(r#"["????????#J"]"#);
            assert!(
                !action.contains("Delete")
                    || erases
                    || of_evidence
                    || of_links
                    || of_members
                    || of_settings
                    || of_snapshots,
                "{grant:?}"
            );
            assert!(!action.contains("Scan"), "{grant:?}");
            assert_ne!(grant.resource, "*", "{grant:?}");
        }
    }
}

#[test]
fn the_stream_mapping_has_retries_bisection_and_a_failure_queue() {
    let (function, source) = template().stream_of("spread-decisions").unwrap();
    assert_eq!(function.name, "spread-decisions");
    assert!(source.bisect && source.reports_item_failures);
    assert_eq!(source.maximum_retries, Some(10));
    assert!(
        source
            .on_failure
            .as_ref()
            .is_some_and(|queue| queue.ends_with("FailureQueue"))
    );
    let pattern: Value =
        serde_json::json!({"dynamodb": {"NewImage": {"kind": {"S": ["global", "link"]}}}});
    assert_eq!(source.filters, [pattern]);
    // The function always answers before the platform cuts it off.
    for function in template().functions() {
        assert!(function.timeout.as_secs() >= 10, "{}", function.name);
        assert!(
            function.timeout.as_secs() < 30 || function.routes.is_empty(),
            "{}",
            function.name
        );
    }
}

#[test]
fn data_stores_are_retained_protected_and_recoverable() {
    for table in template().tables() {
        let resource = template().resource(&table.logical_id).unwrap();
        assert_eq!(resource["DeletionPolicy"], "Retain");
        assert_eq!(resource["UpdateReplacePolicy"], "Retain");
        let properties = &resource["Properties"];
        let recovery = &properties["PointInTimeRecoverySpecification"];
        assert_eq!(recovery["PointInTimeRecoveryEnabled"], true);
        let protected = &properties["DeletionProtectionEnabled"];
        assert!(*protected == true || protected == "true", "{protected}");
        assert_eq!(properties["BillingMode"], "PAY_PER_REQUEST");
    }
}

/// Whether a function's role allows everything that a request asks for.
fn may(function: &str, operation: &str, input: &Value) -> bool {
    let function = template().function(function).unwrap();
    let accesses = Access::of(operation, input);
    accesses.iter().all(|access| function.may(access))
}

fn key(pk: &str) -> Value {
    json!({ "pk": { "S": pk }, "sk": { "S": "x" } })
}

fn update(table: &str, pk: &str, attribute: &str) -> Value {
    json!({ "TableName": table, "Key": key(pk), "UpdateExpression": format!("SET {attribute} = :x") })
}

/// Partitions of a workspace whose prefix is 0a1b2c3d.
const PARTITIONS: [&str; 18] = [
    "0a1b2c3d#U#156",
    "0a1b2c3d#G#12",
    "0a1b2c3d#X",
    "0a1b2c3d#Y",
    "0a1b2c3d#S",
    "0a1b2c3d#L",
    "0a1b2c3d#W#deliver-1",
    "0a1b2c3d#W#M7",
    "0a1b2c3d#N",
    "0a1b2c3d#I#00",
    "0a1b2c3d#C#K#00",
    "0a1b2c3d#K#0123456789ab#28333333",
    "0a1b2c3d#P",
    "0a1b2c3d#D#1",
    "0a1b2c3d#Z#U#3",
    "0a1b2c3d#Z#D#3",
    "0a1b2c3d#Z#C#00",
    "0a1b2c3d#Z#T#R156",
];

/// The partitions of the bans table in which a function may set an attribute.
fn written(function: &str, attribute: &str) -> Vec<&'static str> {
    let may_set = |pk: &&str| may(function, "UpdateItem", &update("BansTable", pk, attribute));
    PARTITIONS.into_iter().filter(may_set).collect()
}

#[test]
fn read_routes_write_only_links_sightings_last_use_and_check_counts() {
    let polled = vec!["0a1b2c3d#X", "0a1b2c3d#Y", "0a1b2c3d#S"];
    let checks = "0a1b2c3d#K#0123456789ab#28333333";
    let expected = [
        ("is-banned", "count", vec![checks]),
        ("is-banned", "linked", vec![]),
        ("is-banned-batch", "count", vec![checks]),
        ("is-banned-batch", "linked", vec![]),
        ("pending-bans", "linked", polled.clone()),
        ("pending-unbans", "linked", polled),
        ("bans", "linked", vec![]),
        ("export-bans-json", "linked", vec![]),
        ("export-bans-csv", "linked", vec![]),
        ("ban-history", "linked", vec![]),
        ("events", "linked", vec![]),
        ("sync", "linked", vec![]),
        ("link-get", "linked", vec![]),
        ("links-lookup", "linked", vec![]),
    ];
    for (function, attribute, partitions) in expected {
        assert_eq!(written(function, attribute), partitions, "{function}");
        // Nothing that decides about a user, whatever the partition. A poll may take what has run out
        // from the index of pending bans.
        for attribute in ["ban", "report", "version", "unban_owed", "held_until"] {
            let none: [&str; 0] = [];
            assert_eq!(written(function, attribute), none, "{function}");
        }
        let swept: &[&str] = match function {
            "pending-bans" => &["0a1b2c3d#U#156"],
            _ => &[],
        };
        assert_eq!(written(function, "ban_owed"), swept, "{function}");
        for operation in ["PutItem", "DeleteItem"] {
            for pk in PARTITIONS {
                let input = json!({ "TableName": "BansTable", "Key": key(pk), "Item": key(pk) });
                assert!(
                    !may(function, operation, &input),
                    "{function} {operation} {pk}"
                );
            }
        }
        let of_key = |attribute| update("WorkspacesTable", "K#00", attribute);
        assert!(
            may(function, "UpdateItem", &of_key("last_used")),
            "{function}"
        );
        for attribute in ["scopes", "revoked", "expires", "checks_per_minute"] {
            assert!(
                !may(function, "UpdateItem", &of_key(attribute)),
                "{function}"
            );
        }
    }
}

#[test]
fn deliver_webhooks_writes_only_deliveries_and_its_lease() {
    let function = "deliver-webhooks";
    let (lease, deliveries) = ("0a1b2c3d#W#deliver-1", "0a1b2c3d#D#1");
    assert_eq!(written(function, "attempts"), [lease, deliveries]);
    assert_eq!(written(function, "ban"), Vec::<&str>::new());
    let query = |index: Option<&str>, pk: &str| {
        let mut input = json!({
            "TableName": "BansTable",
            "KeyConditionExpression": "p = :p",
            "ExpressionAttributeValues": { ":p": { "S": pk } },
        });
        if let Some(index) = index {
            input["IndexName"] = index.into();
        }
        input
    };
    for pk in PARTITIONS {
        let is_delivery = pk == deliveries;
        assert_eq!(
            may(function, "Query", &query(None, pk)),
            is_delivery,
            "{pk}"
        );
        assert_eq!(
            may(function, "Query", &query(Some("due"), pk)),
            is_delivery,
            "{pk}"
        );
        let get = json!({ "TableName": "BansTable", "Key": key(pk) });
        let is_read = is_delivery || pk == "0a1b2c3d#U#156";
        assert_eq!(may(function, "GetItem", &get), is_read, "{pk}");
    }
    // Bans that run out are in the same index, and no business of it.
    assert!(!may(function, "Query", &query(Some("due"), "T#1")));
    assert!(!may(
        function,
        "Query",
        &query(Some("by-workspace"), "0a1b2c3d#1")
    ));
    for operation in ["Scan", "PutItem", "DeleteItem", "BatchWriteItem"] {
        let input = json!({ "TableName": "BansTable", "Item": key(deliveries) });
        let batch = json!({ "RequestItems": { "BansTable": [
            { "DeleteRequest": { "Key": key(deliveries) } }] } });
        assert!(!may(
            function,
            operation,
            if operation.starts_with("Batch") {
                &batch
            } else {
                &input
            }
        ));
    }
    let workspaces = |pk: &str| json!({ "TableName": "WorkspacesTable", "Key": key(pk) });
    assert!(may(function, "GetItem", &workspaces("V")));
    for pk in ["K#00", "W#0a1b2c3d", "R", "M"] {
        assert!(!may(function, "GetItem", &workspaces(pk)), "{pk}");
    }
}
