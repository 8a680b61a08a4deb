//! The object store as the AWS SDK sees it.

use std::time::Duration;

use aws_sdk_s3::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
    presigning::PresigningConfig,
    primitives::ByteStream,
    types::{CompletedMultipartUpload, CompletedPart},
};
use aws_smithy_http_client::{Builder, tls};
use bytes::Bytes;
use hyper::Request;
use local_stack::{CREDENTIAL, REGION, http, object_store::ObjectStore, template::Bucket};

pub(crate) fn client(endpoint: &str, access_key: &str) -> Client {
    let provider = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(Builder::new().tls_provider(provider).build_https())
        .region(Region::new(REGION))
        .credentials_provider(Credentials::new(access_key, CREDENTIAL, None, None, "test"))
        .endpoint_url(endpoint)
        .build();
    Client::from_conf(config)
}

#[tokio::test]
async fn a_multipart_upload_is_read_through_a_presigned_link() {
    let store = ObjectStore::start(None, &[Bucket::named("exports")], &[])
        .await
        .unwrap();
    let client = client(store.endpoint(), CREDENTIAL);
    let disposition = "attachment; filename=\"bans.csv\"";
    let upload = client
        .create_multipart_upload()
        .bucket("exports")
        .key("a/bans.csv")
        .content_type("text/csv; charset=utf-8")
        .content_disposition(disposition)
        .send()
        .await
        .unwrap();
    let id = upload.upload_id().unwrap();
    let mut parts = Vec::new();
    for (number, size) in [(1, 5 * 1024 * 1024), (2, 10)] {
        let part = client
            .upload_part()
            .bucket("exports")
            .key("a/bans.csv")
            .upload_id(id)
            .part_number(number)
            .body(ByteStream::from(vec![b'x'; size]))
            .send()
            .await
            .unwrap();
        let etag = part.e_tag().unwrap();
        parts.push(
            CompletedPart::builder()
                .part_number(number)
                .e_tag(etag)
                .build(),
        );
    }
    client
        .complete_multipart_upload()
        .bucket("exports")
        .key("a/bans.csv")
        .upload_id(id)
        .multipart_upload(
            CompletedMultipartUpload::builder()
                .set_parts(Some(parts))
                .build(),
        )
        .send()
        .await
        .unwrap();

    let link = client
        .get_object()
        .bucket("exports")
        .key("a/bans.csv")
        .presigned(PresigningConfig::expires_in(Duration::from_mins(1)).unwrap())
        .await
        .unwrap();
    let get = |uri: &str| Request::get(uri).body(Bytes::new()).unwrap();
    let answer = http::Client::new().send(get(link.uri())).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.body().len(), 5 * 1024 * 1024 + 10);
    assert_eq!(answer.headers()["content-type"], "text/csv; charset=utf-8");
    assert_eq!(answer.headers()["content-disposition"], disposition);

    let unsigned = link.uri().split('?').next().unwrap();
    let refused = http::Client::new().send(get(unsigned)).await.unwrap();
    assert_eq!(refused.status(), 403);
    let forged = link.uri().replace("bans.csv", "bens.csv");
    assert_eq!(
        http::Client::new()
            .send(get(&forged))
            .await
            .unwrap()
            .status(),
        403
    );
}
