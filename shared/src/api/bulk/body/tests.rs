use std::sync::Arc;
use std::time::Instant;

use lambda_http::Request;
use serde_json::json;

use super::*;
use crate::api::{BanQuery, read_ban};
use crate::domain::clock::UnixSeconds;
use crate::domain::rules::{BanRequest, Length, Scope};
use crate::telemetry::{Environment, RequestLog};

fn parse(body: &Value) -> Result<BulkCall<BanRequest>, ApiError> {
    let request = Request::new(body.to_string().into());
    let environment = Environment::ready(Instant::now());
    let log = RequestLog::begin("bans-bulk", &request, &environment);
    let request = ApiRequest::new(request, Arc::new(log));
    let mut query = request.query();
    let flags = BanQuery::read(&mut query);
    BulkCall::parse(&request, query, |fields| {
        Ok(read_ban(fields, flags, UnixSeconds(1_800_000_000))?.0)
    })
}

fn errors(body: &Value) -> Vec<(String, String)> {
    let Err(ApiError::InvalidRequest(errors)) = parse(body) else {
        panic!("accepted: {body}");
    };
    let pair = |error: FieldError| (error.field.into_owned(), error.message);
    errors.into_iter().map(pair).collect()
}

fn fields(body: &Value) -> Vec<String> {
    errors(body).into_iter().map(|(field, _)| field).collect()
}

fn defaults() -> Value {
    json!({
        "banModerator": 9, "banType": "Experience", "banLengthType": "Temporary", "banLength": "7d",
        "banPrivateReason": "raid", "banPublicReason": "Raid",
    })
}

fn body(users: &Value) -> Value {
    json!({ "experienceId": 7, "defaults": defaults(), "users": users })
}

#[test]
fn user_is_an_id_or_overrides_the_defaults() {
    let users = json!([
        1,
        "2",
        { "userId": 3.0, "banLengthType": "Permanent", "banPublicReason": null, "overwrite": 1 },
        { "userId": 4, "banType": "Global", "experienceId": "7" },
    ]);
    let call = parse(&body(&users)).unwrap();
    assert!(!call.is_dry_run);
    let ids: Vec<_> = call.calls.iter().map(|ban| ban.user.get()).collect();
    assert_eq!(ids, [1, 2, 3, 4]);
    assert!(call.calls.iter().all(|ban| ban.place.get() == 7));
    assert!(call.calls.iter().all(|ban| ban.public_reason == "Raid"));
    let [first, _, third, fourth] = &call.calls[..] else {
        panic!()
    };
    assert_eq!(first.length, Length::For(7 * 86_400));
    assert_eq!((third.length, third.overwrite), (Length::Permanent, true));
    assert_eq!((fourth.scope, fourth.overwrite), (Scope::Global, false));
}

#[test]
fn defaults_may_be_absent_and_an_empty_object_may_be_an_array() {
    let mut user = defaults();
    user["userId"] = json!(1);
    for defaults in [json!(null), json!([]), json!({})] {
        let body = json!({ "experienceId": 7, "defaults": defaults, "users": [user] });
        assert_eq!(parse(&body).unwrap().calls.len(), 1);
    }
    assert_eq!(fields(&body(&json!([1, []]))), ["users[1].userId"]);
}

#[test]
fn defaults_of_a_wrong_type_are_the_only_error() {
    for defaults in [json!("x"), json!([1]), json!(7)] {
        let body = json!({ "experienceId": 7, "defaults": defaults, "users": [1, {}] });
        assert_eq!(fields(&body), ["defaults"]);
    }
}

#[test]
fn every_invalid_field_is_listed_with_its_index() {
    let users = json!([
        { "userId": 1, "banLength": "soon", "banType": "Local" },
        2,
        "x",
        { "banModerator": 0 },
        { "userId": 5, "experienceId": 8 },
    ]);
    assert_eq!(
        fields(&body(&users)),
        [
            "users[0].banType",
            "users[0].banLength",
            "users[2]",
            "users[3].userId",
            "users[3].banModerator",
            "users[4].experienceId",
        ]
    );
}

#[test]
fn invalid_default_is_listed_once_and_a_missing_field_for_each_user() {
    let mut wrong = body(&json!([1, 2, { "userId": 3, "banModerator": 4 }]));
    wrong["defaults"]["banModerator"] = json!(-1);
    wrong["defaults"]["banType"] = json!(null);
    assert_eq!(
        fields(&wrong),
        [
            "defaults.banModerator",
            "users[0].banType",
            "users[1].banType",
            "users[2].banType",
        ]
    );
}

#[test]
fn user_who_is_named_twice_is_refused_with_both_indexes() {
    let users = json!([1, 2, { "userId": "1" }, 1.0]);
    let says = |field: &str, first: usize| {
        (
            field.to_owned(),
            format!("is the same user as users[{first}]"),
        )
    };
    assert_eq!(
        errors(&body(&users)),
        [says("users[2].userId", 0), says("users[3]", 0)]
    );
}

#[test]
fn parts_of_the_whole_call_are_checked() {
    let none: &[u64] = &[];
    for users in [json!(null), json!(1), json!({}), json!(none)] {
        assert_eq!(fields(&body(&users)), ["users"], "{users}");
    }
    let ids = |most: u64| json!((1..=most).collect::<Vec<_>>());
    assert_eq!(parse(&body(&ids(100))).unwrap().calls.len(), 100);
    assert_eq!(fields(&body(&ids(101))), ["users"]);
    let mut wrong = body(&json!([true]));
    for (field, value) in [
        ("experienceId", json!(0)),
        ("overwrite", json!(2)),
        ("dryRun", json!("yes")),
    ] {
        wrong[field] = value;
    }
    let found = fields(&wrong);
    assert_eq!(
        found[..4],
        ["experienceId", "overwrite", "dryRun", "users[0]"]
    );
}
