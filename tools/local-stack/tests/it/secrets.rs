//! Secrets Manager as the AWS SDK sees it.

use aws_sdk_secretsmanager::{
    Client,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
    error::ProvideErrorMetadata,
    primitives::Blob,
};
use aws_smithy_http_client::Builder;
use local_stack::{
    CREDENTIAL, REGION,
    secrets::{SecretCall, Secrets},
};

fn client(secrets: &Secrets) -> Client {
    let config = aws_sdk_secretsmanager::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(Builder::new().build_http())
        .region(Region::new(REGION))
        .credentials_provider(Credentials::new(CREDENTIAL, CREDENTIAL, None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(secrets.endpoint())
        .build();
    Client::from_conf(config)
}

/// The value of a secret at a stage, or the kind of the error.
async fn value(client: &Client, id: &str, stage: Option<&str>) -> Result<String, String> {
    let get = client.get_secret_value().secret_id(id);
    match get.set_version_stage(stage.map(str::to_owned)).send().await {
        Ok(answer) => Ok(answer.secret_string().unwrap().to_owned()),
        Err(error) => Err(error.code().unwrap_or("none").to_owned()),
    }
}

#[tokio::test]
async fn a_secret_has_a_value_and_the_one_before_it() {
    let secrets = Secrets::start(None, 0).await.unwrap();
    let client = client(&secrets);
    let name = "portcullis/open-cloud/1818";
    let create = || client.create_secret().name(name).secret_string("first");
    let made = create().description("a key").send().await.unwrap();
    let arn = made.arn().unwrap();
    assert!(arn.starts_with("arn:aws:secretsmanager:us-east-1:000000000000:secret:portcullis/"));
    let (short, _) = arn.rsplit_once('-').unwrap();
    for id in [name, arn, short] {
        assert_eq!(value(&client, id, None).await.as_deref(), Ok("first"));
    }
    let again = create().send().await.unwrap_err();
    assert_eq!(again.code(), Some("ResourceExistsException"));
    let previous = value(&client, name, Some("AWSPREVIOUS")).await;
    assert_eq!(previous, Err("ResourceNotFoundException".to_owned()));

    let put = || client.put_secret_value().secret_id(arn);
    let token = "11111111-2222-4333-8444-555555555555";
    for _ in 0..2 {
        let second = put().secret_string("second").client_request_token(token);
        let answer = second.send().await.unwrap();
        assert_eq!(answer.version_id(), Some(token));
    }
    let other = put().secret_string("other").client_request_token(token);
    let other = other.send().await.unwrap_err();
    assert_eq!(other.code(), Some("ResourceExistsException"));
    assert_eq!(value(&client, name, None).await.as_deref(), Ok("second"));
    let previous = value(&client, name, Some("AWSPREVIOUS")).await;
    assert_eq!(previous.as_deref(), Ok("first"));

    let described = client
        .describe_secret()
        .secret_id(name)
        .send()
        .await
        .unwrap();
    assert_eq!(described.description(), Some("a key"));
    let stages = &described.version_ids_to_stages().unwrap()[token];
    assert_eq!(*stages, ["AWSCURRENT"]);
    assert!(described.deleted_date().is_none() && described.created_date().is_some());
}

#[tokio::test]
async fn what_is_not_there_or_not_allowed_is_said_as_the_service_says_it() {
    let secrets = Secrets::start(None, 0).await.unwrap();
    let client = client(&secrets);
    let missing = client.get_secret_value().secret_id("none").send().await;
    let missing = missing.unwrap_err().into_service_error();
    assert!(missing.is_resource_not_found_exception());
    assert_eq!(
        missing.message(),
        Some("Secrets Manager can't find the specified secret.")
    );
    let put = client
        .put_secret_value()
        .secret_id("none")
        .secret_string("x");
    assert_eq!(
        put.send().await.unwrap_err().code(),
        Some("ResourceNotFoundException")
    );
    let bad = client.create_secret().name("a b").secret_string("x");
    assert_eq!(
        bad.send().await.unwrap_err().code(),
        Some("ValidationException")
    );
    let long = client
        .create_secret()
        .name("a")
        .secret_string("x".repeat(65_537));
    assert_eq!(
        long.send().await.unwrap_err().code(),
        Some("InvalidParameterException")
    );

    secrets.set("a", "hush").unwrap();
    secrets.refuse(Some("AccessDeniedException"));
    let denied = value(&client, "a", None).await;
    assert_eq!(denied, Err("AccessDeniedException".to_owned()));
    secrets.refuse(None);
    assert_eq!(value(&client, "a", None).await.as_deref(), Ok("hush"));
    let get = |secret: &str| SecretCall {
        operation: "GetSecretValue".to_owned(),
        secret: secret.to_owned(),
    };
    let calls = secrets.calls();
    assert_eq!(calls.len(), 6);
    assert_eq!(
        [&calls[0], &calls[4], &calls[5]],
        [&get("none"), &get("a"), &get("a")]
    );
    assert!(!format!("{secrets:?}").contains("hush"));
}

#[tokio::test]
async fn a_deleted_secret_can_be_had_back_unless_it_was_forced() {
    let secrets = Secrets::start(None, 0).await.unwrap();
    let client = client(&secrets);
    let bytes = Blob::new(b"\x00\xff");
    let create = client
        .create_secret()
        .name("a")
        .secret_binary(bytes.clone());
    create.send().await.unwrap();
    let get = client
        .get_secret_value()
        .secret_id("a")
        .send()
        .await
        .unwrap();
    assert_eq!(get.secret_binary(), Some(&bytes));

    let delete = || client.delete_secret().secret_id("a");
    delete().send().await.unwrap();
    let gone = client.get_secret_value().secret_id("a").send().await;
    assert_eq!(gone.unwrap_err().code(), Some("InvalidRequestException"));
    let again = client
        .create_secret()
        .name("a")
        .secret_string("x")
        .send()
        .await;
    assert_eq!(again.unwrap_err().code(), Some("InvalidRequestException"));
    client.restore_secret().secret_id("a").send().await.unwrap();
    let get = client
        .get_secret_value()
        .secret_id("a")
        .send()
        .await
        .unwrap();
    assert_eq!(get.secret_binary(), Some(&bytes));

    delete()
        .force_delete_without_recovery(true)
        .send()
        .await
        .unwrap();
    let gone = value(&client, "a", None).await;
    assert_eq!(gone, Err("ResourceNotFoundException".to_owned()));
}

#[tokio::test]
async fn secrets_are_kept_in_a_file_that_only_its_owner_reads() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("data/secrets.json");
    let first = Secrets::start(Some(&file), 0).await.unwrap();
    let arn = first.set("a", "one").unwrap();
    let update = client(&first)
        .update_secret()
        .secret_id("a")
        .secret_string("two");
    update.send().await.unwrap();
    first.set("b", "gone").unwrap();
    first.remove("b");
    drop(first);

    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let second = Secrets::start(Some(&file), 0).await.unwrap();
    assert_eq!(second.get(&arn).as_deref(), Some("two"));
    assert_eq!(second.get("b"), None);
    std::fs::write(&file, "{").unwrap();
    assert!(Secrets::start(Some(&file), 0).await.is_err());
}
