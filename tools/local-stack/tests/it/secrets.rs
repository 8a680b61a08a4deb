//! Secrets Manager as the AWS SDK sees it.

use aws_sdk_secretsmanager::{
    Client,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
    error::ProvideErrorMetadata,
};
use aws_smithy_http_client::Builder;
use local_stack::{CREDENTIAL, REGION, secrets::Secrets};

#[tokio::test]
async fn a_secret_is_read_by_name_and_a_missing_one_is_not_found() {
    let secrets = Secrets::start(0).await.unwrap();
    let config = aws_sdk_secretsmanager::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(Builder::new().build_http())
        .region(Region::new(REGION))
        .credentials_provider(Credentials::new(CREDENTIAL, CREDENTIAL, None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(secrets.endpoint())
        .build();
    let client = Client::from_conf(config);
    let get = |name: &str| client.get_secret_value().secret_id(name).send();

    for value in ["first", "second"] {
        secrets.set("portcullis/local/roblox", value);
        let found = get("portcullis/local/roblox").await.unwrap();
        assert_eq!(found.secret_string(), Some(value));
    }
    let missing = get("none").await.unwrap_err().into_service_error();
    assert!(missing.is_resource_not_found_exception());
    let message = Some("Secrets Manager can't find the specified secret.");
    assert_eq!(missing.message(), message);
}
