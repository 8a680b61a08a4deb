//! The embedded database with the template's tables.

use local_stack::{Error, dynamo::Dynamo, engine::Engine, seed, template::Template};
use serde_json::{Value, json};

fn template() -> Template {
    Template::load(concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml")).unwrap()
}

#[tokio::test]
async fn the_database_has_the_templates_tables_and_the_demo_keys() {
    let engine = Engine::start(None, 0).await.unwrap();
    let dynamo = Dynamo::new(engine.endpoint());
    dynamo.create_tables(template().tables()).await.unwrap();
    seed::demo_data(&dynamo, "WorkspacesTable").await.unwrap();

    let table = dynamo
        .call("DescribeTable", &json!({"TableName": "BansTable"}))
        .await
        .unwrap();
    let indexes = table
        .pointer("/Table/GlobalSecondaryIndexes")
        .unwrap()
        .as_array()
        .unwrap();
    assert_eq!(indexes.len(), 7);
    assert!(table.pointer("/Table/LatestStreamArn").is_some());
    let ttl = json!({"TableName": "BansTable"});
    let ttl = dynamo.call("DescribeTimeToLive", &ttl).await.unwrap();
    assert_eq!(
        ttl.pointer("/TimeToLiveDescription/AttributeName"),
        Some(&json!("ttl"))
    );

    let query = json!({
        "TableName": "WorkspacesTable",
        "IndexName": "keys-by-workspace",
        "KeyConditionExpression": "workspace_tag = :prefix",
        "ExpressionAttributeValues": {":prefix": {"S": "00000001"}},
    });
    let keys = dynamo.call("Query", &query).await.unwrap();
    assert_eq!(keys["Count"], 2);
}

#[tokio::test]
async fn creating_the_tables_again_keeps_their_items() {
    let folder = tempfile::tempdir().unwrap();
    let get = json!({"TableName": "BansTable", "Key": {"pk": {"S": "a"}, "sk": {"S": "b"}}});
    {
        let engine = Engine::start(Some(folder.path()), 0).await.unwrap();
        let dynamo = Dynamo::new(engine.endpoint());
        dynamo.create_tables(template().tables()).await.unwrap();
        let put = json!({"TableName": "BansTable", "Item": {"pk": {"S": "a"}, "sk": {"S": "b"}}});
        dynamo.call("PutItem", &put).await.unwrap();
    }
    let engine = Engine::start(Some(folder.path()), 0).await.unwrap();
    let dynamo = Dynamo::new(engine.endpoint());
    dynamo.create_tables(template().tables()).await.unwrap();
    let item = dynamo.call("GetItem", &get).await.unwrap();
    assert_eq!(item["Item"]["sk"]["S"], Value::from("b"));
}

#[tokio::test]
async fn imported_items_are_in_the_table_and_its_indexes() {
    let engine = Engine::start(None, 0).await.unwrap();
    let dynamo = Dynamo::new(engine.endpoint());
    dynamo.create_tables(template().tables()).await.unwrap();
    let item = |number: u32| {
        let number = format!("{number:03}");
        json!({
            "pk": {"S": number}, "sk": {"S": "b"},
            "ledger": {"S": "all"}, "guid_key": {"S": number},
        })
    };
    let items: Vec<_> = (0..100).map(item).collect();
    engine.import("BansTable", items.clone()).unwrap();
    // A second import changes nothing.
    engine.import("BansTable", items).unwrap();
    let get = json!({"TableName": "BansTable", "Key": {"pk": {"S": "042"}, "sk": {"S": "b"}}});
    let found = dynamo.call("GetItem", &get).await.unwrap();
    assert_eq!(found["Item"], item(42));
    let query = json!({
        "TableName": "BansTable",
        "IndexName": "by-workspace",
        "KeyConditionExpression": "ledger = :all AND guid_key < :end",
        "ExpressionAttributeValues": {":all": {"S": "all"}, ":end": {"S": "010"}},
    });
    assert_eq!(dynamo.call("Query", &query).await.unwrap()["Count"], 10);
    assert!(
        engine
            .import("BansTable", vec![json!({"pk": {"S": "a"}})])
            .is_err()
    );
}

#[tokio::test]
async fn a_port_in_use_is_reported_with_its_setting() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = Engine::start(None, port).await.unwrap_err();
    let text = format!("port {port} is in use; set DYNAMODB_PORT to another one");
    assert_eq!(error.to_string(), text);
}

#[tokio::test]
async fn an_error_of_the_database_keeps_its_name() {
    let engine = Engine::start(None, 0).await.unwrap();
    let dynamo = Dynamo::new(engine.endpoint());
    let error = dynamo
        .call("DescribeTable", &json!({"TableName": "Nothing"}))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Database { kind, .. } if kind == "ResourceNotFoundException"));
}
