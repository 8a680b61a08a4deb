//! Codes: made on one side, typed on the other.

use std::time::Duration;

use end_to_end::{TestApp, now};
use futures::future::join_all;
use serde_json::{Value, json};
use shared::domain::account_links::LinkSide;
use shared::domain::ids::UserId;
use shared::store::admin::Unconfirmed;

use super::{
    DISCORD, OTHER_DISCORD, OTHER_ROBLOX, ROBLOX, agree, code_of, events, expected, import, link,
    linked, make, of_discord, of_roblox, redeem, stored, typed,
};

#[tokio::test]
async fn code_made_in_discord_is_shown_and_redeemed_in_the_game() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let wanted = json!({ "discordId": DISCORD, "discordName": " Ada " });
    let made = workspace.send(make(&wanted)).await.success();
    let expires = made["expires"].as_u64().unwrap();
    assert!((now() + 590..=now() + 600).contains(&expires), "{made}");
    let code = made["code"].as_str().unwrap();

    let preview = json!({ "code": code, "userId": ROBLOX, "preview": true });
    let shown = json!({
        "status": "ok", "discordId": DISCORD, "discordName": "Ada", "expires": expires,
    });
    for _ in 0..2 {
        assert_eq!(workspace.send(redeem(&preview)).await.success(), shown);
    }
    assert_eq!(linked(&workspace, ROBLOX).await, None);

    let spoken = code.replace('-', " ").to_lowercase();
    let body = json!({ "code": spoken, "userId": ROBLOX });
    let call = redeem(&body).prefer_representation().from_roblox();
    let answer = workspace.send(call).await;
    assert_eq!(
        answer.header("preference-applied"),
        Some("return=representation")
    );
    let answer = answer.success();
    assert_eq!(answer["link"]["discordId"], DISCORD);
    assert_eq!(
        linked(&workspace, ROBLOX).await,
        expected(ROBLOX, DISCORD, "code")
    );
    let of_both = [of_roblox("GET", ROBLOX), of_discord(DISCORD)];
    let [by_roblox, by_discord] = of_both.map(|call| workspace.send(call));
    assert_eq!(by_roblox.await.success(), by_discord.await.success());
    let data = json!({ "discordId": DISCORD, "method": "code" });
    let added = ("LINK_ADDED".to_owned(), ROBLOX, data);
    assert_eq!(events(&workspace, 1).await, [added]);
    assert_eq!(stored(&workspace, "account-link").await.len(), 2);
    assert_eq!(stored(&workspace, "link-code").await.len(), 0);
}

#[tokio::test]
async fn code_made_in_the_game_is_redeemed_in_discord() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let made = workspace.send(make(&json!({ "userId": ROBLOX }))).await;
    let code = made.success()["code"].clone();
    let preview = json!({ "code": code, "discordId": DISCORD, "preview": 1 });
    let shown = workspace.send(redeem(&preview)).await.success();
    assert_eq!(shown["robloxId"], ROBLOX);
    assert_eq!(shown.get("discordName"), None);
    let same_side = json!({ "code": code, "userId": OTHER_ROBLOX });
    let refused = workspace.send(redeem(&same_side)).await;
    refused.assert_error(404, "not_found");
    let body = json!({ "code": code, "discordId": DISCORD });
    workspace.send(redeem(&body)).await.assert_ok();
    assert_eq!(
        linked(&workspace, ROBLOX).await,
        expected(ROBLOX, DISCORD, "code")
    );
}

#[tokio::test]
async fn used_code_can_be_repeated_by_its_two_users_only_while_it_would_be_valid() {
    let app = TestApp::builder().moving_clock().start().await;
    let workspace = app.workspace().await;
    let begin = Duration::from_secs(now());
    app.set_clock(begin);
    let code = code_of(&workspace, DISCORD).await;
    typed(&workspace, &code, ROBLOX).await.assert_ok();
    typed(&workspace, &code, ROBLOX).await.assert_ok();
    let other = typed(&workspace, &code, OTHER_ROBLOX).await;
    other.assert_error(404, "not_found");
    let preview = json!({ "code": code, "userId": ROBLOX, "preview": true });
    let shown = workspace.send(redeem(&preview)).await.success();
    assert_eq!(shown["discordId"], DISCORD);
    app.set_clock(begin + Duration::from_secs(601));
    let late = typed(&workspace, &code, ROBLOX).await;
    late.assert_error(404, "not_found");
    assert_eq!(
        linked(&workspace, ROBLOX).await,
        expected(ROBLOX, DISCORD, "code")
    );
    assert_eq!(events(&workspace, 1).await.len(), 1);
}

#[tokio::test]
async fn code_expires_after_ten_minutes_and_is_replaced_by_the_next() {
    let app = TestApp::builder().moving_clock().start().await;
    let workspace = app.workspace().await;
    let begin = Duration::from_secs(now());
    app.set_clock(begin);
    let replaced = code_of(&workspace, DISCORD).await;
    let code = code_of(&workspace, DISCORD).await;
    assert_eq!(stored(&workspace, "link-code").await.len(), 1);
    let refused = typed(&workspace, &replaced, ROBLOX).await;
    refused.assert_error(404, "not_found");
    app.set_clock(begin + Duration::from_secs(598));
    let preview = json!({ "code": code, "userId": ROBLOX, "preview": true });
    workspace.send(redeem(&preview)).await.success();
    app.set_clock(begin + Duration::from_secs(602));
    let refused = typed(&workspace, &code, ROBLOX).await;
    refused.assert_error(404, "not_found");
    assert_eq!(linked(&workspace, ROBLOX).await, None);
}

#[tokio::test]
async fn account_that_is_linked_elsewhere_has_to_be_unlinked_first() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    link(&workspace, ROBLOX, DISCORD).await;
    agree(&workspace, DISCORD).await;
    let code = code_of(&workspace, OTHER_DISCORD).await;
    let refused = typed(&workspace, &code, ROBLOX).await;
    refused.assert_error(409, "already_linked");
    let again = code_of(&workspace, DISCORD).await;
    let refused = typed(&workspace, &again, OTHER_ROBLOX).await;
    refused.assert_error(409, "already_linked");

    workspace
        .send(of_roblox("DELETE", ROBLOX))
        .await
        .assert_ok();
    assert_eq!(linked(&workspace, ROBLOX).await, None);
    // The consent ends with the link.
    assert_eq!(stored(&workspace, "link-consent").await.len(), 0);
    // The refused codes are not used up.
    typed(&workspace, &code, ROBLOX).await.assert_ok();
    typed(&workspace, &again, OTHER_ROBLOX).await.assert_ok();
    let other = expected(ROBLOX, OTHER_DISCORD, "code");
    assert_eq!(linked(&workspace, ROBLOX).await, other);
    assert_eq!(events(&workspace, 4).await[1].0, "LINK_REMOVED");
}

#[tokio::test]
async fn imported_link_is_proven_by_a_code_and_then_confirmed() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let (store, prefix) = (app.store(), workspace.id().prefix());
    let account = LinkSide::Roblox(UserId::new(ROBLOX).unwrap());
    let confirm = async || {
        let confirming = store.confirm_account_link(prefix, account);
        confirming.await.unwrap()
    };
    assert_eq!(confirm().await, Err(Unconfirmed::NotLinked));
    workspace.send(import(ROBLOX, DISCORD)).await.assert_ok();
    assert_eq!(
        linked(&workspace, ROBLOX).await,
        expected(ROBLOX, DISCORD, "import")
    );
    assert_eq!(confirm().await, Err(Unconfirmed::Imported));

    link(&workspace, ROBLOX, DISCORD).await;
    assert_eq!(
        linked(&workspace, ROBLOX).await,
        expected(ROBLOX, DISCORD, "code")
    );
    assert!(confirm().await.unwrap().may_be_basis());
    // Proving it again changes nothing.
    link(&workspace, ROBLOX, DISCORD).await;
    workspace.send(import(ROBLOX, DISCORD)).await.assert_ok();
    let shown = workspace.send(of_discord(DISCORD)).await.success();
    assert_eq!(
        (&shown["method"], &shown["confirmed"]),
        (&json!("code"), &json!(true))
    );
    assert_eq!(events(&workspace, 2).await.len(), 2);
}

#[tokio::test]
async fn idempotency_key_makes_one_code_and_redeems_once() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let named = |name: &str| make(&json!({ "discordId": DISCORD })).header("idempotency-key", name);
    let first = workspace.send(named("a")).await.success();
    assert_eq!(workspace.send(named("a")).await.success(), first);
    assert_ne!(
        workspace.send(named("b")).await.success()["code"],
        first["code"]
    );
    let other = make(&json!({ "discordId": OTHER_DISCORD })).header("idempotency-key", "a");
    let refused = workspace.send(other).await;
    refused.assert_wrong_fields(&["idempotency-key"]);

    let code = code_of(&workspace, DISCORD).await;
    let body = json!({ "code": code, "userId": ROBLOX });
    let once = || redeem(&body).header("idempotency-key", "c");
    workspace.send(once()).await.assert_ok();
    workspace
        .send(of_roblox("DELETE", ROBLOX))
        .await
        .assert_ok();
    workspace.send(once()).await.assert_ok();
    assert_eq!(linked(&workspace, ROBLOX).await, None);
}

#[tokio::test]
async fn code_that_many_redeem_at_once_makes_one_link() {
    let app = TestApp::builder().instances(8).start().await;
    let workspace = app.workspace().await;
    for round in 0..5 {
        let discord = (80_351_110_224_679_000_u64 + round).to_string();
        let code = code_of(&workspace, &discord).await;
        let users = (0..8).map(|user| 1_000 * (round + 1) + user);
        let answers = join_all(users.clone().map(|user| typed(&workspace, &code, user))).await;
        let ok: Vec<_> = users
            .zip(&answers)
            .filter(|(_, answer)| answer.status == 200)
            .map(|(user, _)| user)
            .collect();
        let [user] = ok[..] else {
            panic!("{ok:?} of {answers:?}");
        };
        for answer in answers.iter().filter(|it| it.status != 200) {
            answer.assert_error(404, "not_found");
        }
        assert_eq!(
            linked(&workspace, user).await,
            expected(user, &discord, "code")
        );
    }
    assert_eq!(stored(&workspace, "account-link").await.len(), 10);
    assert_eq!(stored(&workspace, "activity").await.len(), 5);
}

#[tokio::test]
async fn only_the_hash_of_a_code_is_stored() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let wanted = json!({ "discordId": DISCORD, "discordName": "Ada" });
    let call = make(&wanted).header("idempotency-key", "a");
    let made = workspace.send(call).await;
    let code = made.success()["code"].as_str().unwrap().to_owned();
    let text = Value::from(workspace.stored().await).to_string();
    assert!(!text.contains(&code) && !text.contains(&code.replace('-', "")));
    let line = app.log_of("link-codes", &made).await.to_string();
    assert!(!line.contains(&code) && !line.contains("Ada"), "{line}");
}
