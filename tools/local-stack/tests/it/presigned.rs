//! What the object store enforces for presigned uploads and downloads, and for roles.

use std::time::{Duration, SystemTime};

use aws_sdk_s3::{
    Client,
    error::ProvideErrorMetadata as _,
    presigning::{PresignedRequest, PresigningConfig},
    primitives::ByteStream,
    types::ChecksumMode,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use hyper::{Request, Response};
use local_stack::{
    CREDENTIAL, http,
    object_store::ObjectStore,
    template::{Bucket, Function, Template},
};
use sha2::{Digest, Sha256};

use crate::object_store::client;

const BUCKET: &str = "evidence";
const KEY: &str = "00000001/156/one";
const BYTES: &[u8] = b"what the moderator saw";

pub(crate) fn sha256(bytes: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(bytes))
}

pub(crate) async fn store(functions: &[Function]) -> ObjectStore {
    ObjectStore::start(None, &[Bucket::named(BUCKET)], functions)
        .await
        .unwrap()
}

fn a_minute() -> PresigningConfig {
    PresigningConfig::expires_in(Duration::from_mins(1)).unwrap()
}

/// A link that was signed a minute ago and worked for half of it.
fn expired() -> PresigningConfig {
    PresigningConfig::builder()
        .start_time(SystemTime::now() - Duration::from_mins(1))
        .expires_in(Duration::from_secs(30))
        .build()
        .unwrap()
}

pub(crate) async fn put_link(
    client: &Client,
    (length, sha256): (usize, String),
    signing: PresigningConfig,
) -> PresignedRequest {
    client
        .put_object()
        .bucket(BUCKET)
        .key(KEY)
        .content_length(i64::try_from(length).unwrap())
        .content_type("image/png")
        .checksum_sha256(sha256)
        .if_none_match("*")
        .presigned(signing)
        .await
        .unwrap()
}

/// A request as the link demands it, with some headers replaced (`Some`) or left out (`None`).
async fn send(
    link: &PresignedRequest,
    body: &'static [u8],
    changes: &[(&str, Option<&str>)],
) -> Response<Bytes> {
    let mut request = Request::builder().method(link.method()).uri(link.uri());
    for (name, value) in link.headers() {
        // The client counts the body.
        if name != "content-length" && !changes.iter().any(|(changed, _)| *changed == name) {
            request = request.header(name, value);
        }
    }
    for (name, value) in changes {
        if let Some(value) = value {
            request = request.header(*name, *value);
        }
    }
    let request = request.body(Bytes::from_static(body)).unwrap();
    http::Client::new().send(request).await.unwrap()
}

/// The status and the error code of an answer.
fn said(answer: &Response<Bytes>) -> (u16, String) {
    let text = String::from_utf8_lossy(answer.body());
    let code = text.split_once("<Code>").map(|(_, rest)| rest);
    let code = code.and_then(|rest| rest.split('<').next());
    (
        answer.status().as_u16(),
        code.unwrap_or_default().to_owned(),
    )
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn presigned_upload_binds_its_headers() {
    let store = store(&[]).await;
    let client = client(store.endpoint(), CREDENTIAL);
    let link = put_link(&client, (BYTES.len(), sha256(BYTES)), a_minute()).await;
    let names: Vec<_> = link.headers().map(|(name, _)| name).collect();
    for name in [
        "content-length",
        "content-type",
        "if-none-match",
        "x-amz-checksum-sha256",
    ] {
        assert!(names.contains(&name), "{names:?}");
    }
    let other = sha256(b"other");
    for (name, value) in [
        ("content-type", Some("text/html")),
        ("content-type", None),
        ("x-amz-checksum-sha256", Some(other.as_str())),
        ("x-amz-checksum-sha256", None),
        ("if-none-match", None),
    ] {
        let answer = send(&link, BYTES, &[(name, value)]).await;
        assert_eq!(
            said(&answer),
            refused(403, "SignatureDoesNotMatch"),
            "{name}"
        );
    }
    let longer = send(&link, b"what the moderator saw, and more", &[]).await;
    assert_eq!(said(&longer), refused(403, "SignatureDoesNotMatch"));
    for header in [
        ("x-amz-acl", Some("public-read")),
        ("x-amz-meta-a", Some("b")),
    ] {
        let unsigned = send(&link, BYTES, &[header]).await;
        assert_eq!(said(&unsigned), refused(403, "AccessDenied"));
    }

    let stored = send(&link, BYTES, &[]).await;
    assert_eq!(stored.status(), 200, "{stored:?}");
    let head = client.head_object().bucket(BUCKET).key(KEY);
    let plain = head.clone().send().await.unwrap();
    assert_eq!(plain.checksum_sha256(), None);
    assert_eq!(plain.content_type(), Some("image/png"));
    let head = head.checksum_mode(ChecksumMode::Enabled).send().await;
    let head = head.unwrap();
    assert_eq!(head.checksum_sha256(), Some(sha256(BYTES).as_str()));
    assert_eq!(head.content_length(), i64::try_from(BYTES.len()).ok());
}

#[tokio::test]
async fn upload_with_wrong_bytes_stores_nothing() {
    let store = store(&[]).await;
    let client = client(store.endpoint(), CREDENTIAL);
    let link = put_link(&client, (BYTES.len(), sha256(BYTES)), a_minute()).await;
    let wrong = send(&link, b"what the moderator SAW", &[]).await;
    assert_eq!(said(&wrong), refused(400, "BadDigest"));
    let payload = "0f".repeat(32);
    let header = ("x-amz-content-sha256", Some(payload.as_str()));
    let wrong = send(&link, BYTES, &[header]).await;
    assert_eq!(said(&wrong), refused(400, "XAmzContentSHA256Mismatch"));
    let head = client.head_object().bucket(BUCKET).key(KEY).send().await;
    assert_eq!(head.unwrap_err().code(), Some("NotFound"));
    // The link still works for the right bytes.
    assert_eq!(send(&link, BYTES, &[]).await.status(), 200);
}

#[tokio::test]
async fn presigned_upload_works_once() {
    let store = store(&[]).await;
    let client = client(store.endpoint(), CREDENTIAL);
    let link = put_link(&client, (BYTES.len(), sha256(BYTES)), a_minute()).await;
    let both = futures::join!(send(&link, BYTES, &[]), send(&link, BYTES, &[]));
    let mut both = [said(&both.0), said(&both.1)];
    both.sort();
    assert_eq!(both, [refused(200, ""), refused(412, "PreconditionFailed")]);
    let again = send(&link, BYTES, &[]).await;
    assert_eq!(said(&again), refused(412, "PreconditionFailed"));
}

#[tokio::test]
async fn links_expire() {
    let store = store(&[]).await;
    let client = client(store.endpoint(), CREDENTIAL);
    let late = put_link(&client, (BYTES.len(), sha256(BYTES)), expired()).await;
    let answer = send(&late, BYTES, &[]).await;
    assert_eq!(said(&answer), refused(403, "AccessDenied"));
    assert!(String::from_utf8_lossy(answer.body()).contains("Request has expired"));
    let get = client.get_object().bucket(BUCKET).key(KEY);
    let late = get.presigned(expired()).await.unwrap();
    let answer = send(&late, b"", &[]).await;
    assert_eq!(said(&answer), refused(403, "AccessDenied"));
    let longer = late.uri().replace("X-Amz-Expires=30", "X-Amz-Expires=3000");
    let forged = Request::get(longer).body(Bytes::new()).unwrap();
    let answer = http::Client::new().send(forged).await.unwrap();
    assert_eq!(said(&answer), refused(403, "SignatureDoesNotMatch"));
}

#[tokio::test]
async fn presigned_download_has_the_signed_disposition_and_ranges() {
    let store = store(&[]).await;
    let client = client(store.endpoint(), CREDENTIAL);
    let body = ByteStream::from_static(BYTES);
    let put = client.put_object().bucket(BUCKET).key(KEY).body(body);
    put.content_type("text/plain").send().await.unwrap();
    let link = client
        .get_object()
        .bucket(BUCKET)
        .key(KEY)
        .response_content_disposition("attachment; filename=\"a.txt\"")
        .response_content_type("application/octet-stream")
        .presigned(a_minute())
        .await
        .unwrap();
    let whole = send(&link, b"", &[]).await;
    assert_eq!(whole.status(), 200);
    assert_eq!(whole.body(), BYTES);
    let header = |name| whole.headers().get(name).unwrap().to_str().unwrap();
    assert_eq!(
        header("content-disposition"),
        "attachment; filename=\"a.txt\""
    );
    assert_eq!(header("content-type"), "application/octet-stream");
    let part = send(&link, b"", &[("range", Some("bytes=5-"))]).await;
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()["content-range"], "bytes 5-21/22");
    assert_eq!(part.body(), &BYTES[5..]);
    let beyond = send(&link, b"", &[("range", Some("bytes=22-"))]).await;
    assert_eq!(said(&beyond), refused(416, "InvalidRange"));
    let forged = link.uri().replace("a.txt", "a.html");
    let forged = Request::get(forged).body(Bytes::new()).unwrap();
    let answer = http::Client::new().send(forged).await.unwrap();
    assert_eq!(said(&answer), refused(403, "SignatureDoesNotMatch"));
}

#[tokio::test]
async fn upload_without_a_length_is_refused() {
    let store = store(&[]).await;
    let client = client(store.endpoint(), CREDENTIAL);
    let link = client.put_object().bucket(BUCKET).key(KEY);
    let link = link.presigned(a_minute()).await.unwrap();
    let path = link.uri().strip_prefix(store.endpoint()).unwrap();
    let host = store.endpoint().strip_prefix("http://").unwrap();
    let head = format!("PUT {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n");
    let answer = crate::presigned_streams::talk(host, chunked.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 411"), "{answer}");
    // The connection ends before the declared length.
    let short = format!("{head}content-length: 10\r\n\r\nx");
    crate::presigned_streams::talk(host, short.as_bytes()).await;
    let head = client.head_object().bucket(BUCKET).key(KEY).send().await;
    assert_eq!(head.unwrap_err().code(), Some("NotFound"));
}

#[tokio::test]
async fn listing_continues_by_prefix_and_deleting_is_idempotent() {
    let store = store(&[]).await;
    let client = client(store.endpoint(), CREDENTIAL);
    for key in ["a/1", "a/2", "a/3", "b/1"] {
        let put = client.put_object().bucket(BUCKET).key(key);
        let put = put.body(ByteStream::from_static(BYTES));
        put.send().await.unwrap();
    }
    let list = client.list_objects_v2().bucket(BUCKET).prefix("a/");
    let first = list.clone().max_keys(2).send().await.unwrap();
    let keys = |page: &[aws_sdk_s3::types::Object]| -> Vec<String> {
        page.iter().map(|it| it.key().unwrap().to_owned()).collect()
    };
    assert_eq!(keys(first.contents()), ["a/1", "a/2"]);
    assert_eq!(first.is_truncated(), Some(true));
    let next = first.next_continuation_token().unwrap();
    let second = list.continuation_token(next).send().await.unwrap();
    assert_eq!(keys(second.contents()), ["a/3"]);
    assert_eq!(second.next_continuation_token(), None);
    let delete = client.delete_object().bucket(BUCKET);
    for key in ["a/1", "a/1", "a", "a/1/x"] {
        delete.clone().key(key).send().await.unwrap();
    }
    let left = client
        .list_objects_v2()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap();
    assert_eq!(keys(left.contents()), ["a/2", "a/3", "b/1"]);
    // A prefix is no object.
    let head = client.head_object().bucket(BUCKET).key("a").send().await;
    assert_eq!(head.unwrap_err().code(), Some("NotFound"));
}

/// Two functions: one writes below `00000001/`, one reads everything and lists.
const ROLES: &str = "
Resources:
  Bucket: {Type: AWS::S3::Bucket, Properties: {BucketName: evidence}}
  WriterFunction:
    Type: AWS::Serverless::Function
    Properties:
      Policies:
        - Statement:
            - {Effect: Allow, Action: ['s3:PutObject'], Resource: 'arn:aws:s3:::evidence/00000001/*'}
  ReaderFunction:
    Type: AWS::Serverless::Function
    Properties:
      Policies:
        - Statement:
            - {Effect: Allow, Action: ['s3:GetObject'], Resource: 'arn:aws:s3:::evidence/*'}
            - {Effect: Allow, Action: ['s3:ListBucket'], Resource: 'arn:aws:s3:::evidence'}
";

#[tokio::test]
async fn access_key_of_a_function_has_the_rights_of_its_role() {
    let template = Template::parse(ROLES).unwrap();
    let store = store(template.functions()).await;
    let writer = client(store.endpoint(), "writer");
    let reader = client(store.endpoint(), "reader");
    // A presigned link can do what its signer may do.
    let link = put_link(&writer, (BYTES.len(), sha256(BYTES)), a_minute()).await;
    assert_eq!(send(&link, BYTES, &[]).await.status(), 200);
    let body = ByteStream::from_static(BYTES);
    let outside = writer.put_object().bucket(BUCKET).key("2/x").body(body);
    let outside = outside.send().await.unwrap_err();
    assert_eq!(outside.code(), Some("AccessDenied"));
    let get = |client: &Client, key: &str| client.get_object().bucket(BUCKET).key(key).send();
    let unread = get(&writer, KEY).await.unwrap_err();
    assert_eq!(unread.code(), Some("AccessDenied"));
    get(&reader, KEY).await.unwrap();
    let delete = reader.delete_object().bucket(BUCKET).key(KEY).send().await;
    assert_eq!(delete.unwrap_err().code(), Some("AccessDenied"));
    assert_eq!(
        get(&reader, "2/x").await.unwrap_err().code(),
        Some("NoSuchKey")
    );
    reader
        .list_objects_v2()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap();
    let list = writer.list_objects_v2().bucket(BUCKET).send().await;
    assert_eq!(list.unwrap_err().code(), Some("AccessDenied"));
    let denied = store.denied();
    assert_eq!(denied.len(), 4, "{denied:#?}");
    assert!(denied.iter().any(|one| one.starts_with("reader: ")));
}

#[tokio::test]
async fn missing_object_is_hidden_from_roles_that_may_not_list() {
    let without_list = ROLES.replace("'s3:ListBucket'", "'s3:GetBucketLocation'");
    let template = Template::parse(&without_list).unwrap();
    let store = store(template.functions()).await;
    let reader = client(store.endpoint(), "reader");
    let get = reader.get_object().bucket(BUCKET).key(KEY).send().await;
    assert_eq!(get.unwrap_err().code(), Some("AccessDenied"));
    let head = reader.head_object().bucket(BUCKET).key(KEY).send().await;
    let status = head
        .unwrap_err()
        .raw_response()
        .map(|it| it.status().as_u16());
    assert_eq!(status, Some(403));
    // The role allows the request, so no test fails for it.
    assert_eq!(store.denied(), Vec::<String>::new());
}
