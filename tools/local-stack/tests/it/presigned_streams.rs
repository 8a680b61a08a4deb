//! Large uploads and downloads through presigned links, in constant memory.

use std::{fmt::Write as _, time::Duration};

use aws_sdk_s3::presigning::PresigningConfig;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use local_stack::CREDENTIAL;
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    object_store::client,
    presigned::{put_link, store},
};

const CHUNK: usize = 1024 * 1024;
const CHUNKS: usize = 100;

/// Sends bytes, ends the sending direction and returns the answer.
pub(crate) async fn talk(host: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(host).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    answer
}

/// The largest resident size of this process so far, in MiB.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap();
    let kib = line.split_whitespace().nth(1).unwrap();
    kib.parse::<usize>().unwrap() / 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundred_mebibytes_pass_without_being_held_in_memory() {
    let store = store(&[]).await;
    let client = client(store.endpoint(), CREDENTIAL);
    let host = store.endpoint().strip_prefix("http://").unwrap();
    let signing = || PresigningConfig::expires_in(Duration::from_mins(2)).unwrap();
    let chunk = |number: usize| vec![u8::try_from(number % 251).unwrap(); CHUNK];
    let mut hash = Sha256::new();
    for number in 0..CHUNKS {
        hash.update(chunk(number));
    }
    let hash = STANDARD.encode(hash.finalize());
    let link = put_link(&client, (CHUNK * CHUNKS, hash.clone()), signing()).await;
    let before = peak();

    let mut stream = TcpStream::connect(host).await.unwrap();
    let path = link.uri().strip_prefix(store.endpoint()).unwrap();
    let mut head = format!("PUT {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    for (name, value) in link.headers() {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    stream
        .write_all(format!("{head}\r\n").as_bytes())
        .await
        .unwrap();
    for number in 0..CHUNKS {
        stream.write_all(&chunk(number)).await.unwrap();
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    let get = client
        .get_object()
        .bucket("evidence")
        .key("00000001/156/one");
    let mut body = get.send().await.unwrap().body;
    let (mut read, mut hash_of_read) = (0, Sha256::new());
    while let Some(bytes) = body.next().await {
        let bytes = bytes.unwrap();
        read += bytes.len();
        hash_of_read.update(&bytes);
    }
    assert_eq!(read, CHUNK * CHUNKS);
    assert_eq!(STANDARD.encode(hash_of_read.finalize()), hash);
    let used = peak() - before;
    assert!(used < 40, "{used} MiB");
}
