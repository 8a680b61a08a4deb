//! Calls to hostile servers on this machine.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::*;

const QUICK: Duration = Duration::from_millis(400);

/// Serves each connection with `answer` after reading the request's head, and counts them.
fn server(
    answer: impl Fn(&mut TcpStream) -> io::Result<()> + Send + Sync + 'static,
) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let (answer, connections) = (Arc::new(answer), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&connections);
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let Ok(mut connection) = connection else {
                break;
            };
            count.fetch_add(1, Ordering::SeqCst);
            let answer = Arc::clone(&answer);
            std::thread::spawn(move || {
                let mut read = [0; 4096];
                if connection.read(&mut read).is_ok() {
                    let _ = answer(&mut connection);
                }
            });
        }
    });
    (address, connections)
}

fn says(text: &'static str) -> impl Fn(&mut TcpStream) -> io::Result<()> + Send + Sync {
    move |connection| connection.write_all(text.as_bytes())
}

async fn post_to<L: Lookup>(
    outbound: PublicHttpClient<L>,
    url: &str,
) -> Result<HttpResponse, Failure> {
    let target = Target::parse(url).unwrap();
    let body = Bytes::from_static(b"{}");
    outbound
        .session()
        .post(&target, HeaderMap::new(), body)
        .await
}

fn local() -> PublicHttpClient {
    let outbound = PublicHttpClient::new(AddressPolicy::PublicAndLoopback).unwrap();
    outbound.within(QUICK)
}

async fn post(address: SocketAddr) -> Result<HttpResponse, Failure> {
    post_to(local(), &format!("http://{address}/hook")).await
}

/// Answers each look-up with the next of these, and then always with the last.
#[derive(Clone)]
struct Names(Arc<Mutex<Vec<Vec<IpAddr>>>>);

impl Names {
    fn new(answers: &[&[&str]]) -> Self {
        let parse = |answer: &&[&str]| answer.iter().map(|text| text.parse().unwrap()).collect();
        Self(Arc::new(Mutex::new(answers.iter().map(parse).collect())))
    }
}

impl Lookup for Names {
    async fn lookup(&self, _: String) -> io::Result<Vec<IpAddr>> {
        let mut answers = self.0.lock().unwrap();
        Ok(match answers.len() {
            1 => answers[0].clone(),
            _ => answers.remove(0),
        })
    }
}

async fn post_named(
    reach: AddressPolicy,
    answers: &[&[&str]],
    url: &str,
) -> Result<HttpResponse, Failure> {
    let outbound = PublicHttpClient::resolving(Names::new(answers), reach).unwrap();
    post_to(outbound.within(QUICK), url).await
}

#[tokio::test]
async fn answer_has_the_status_and_the_start_of_the_body() {
    let (address, _) = server(says(
        "HTTP/1.1 429 Slow\r\nretry-after: 7\r\ncontent-length: 4\r\n\r\nbusy",
    ));
    let answer = post(address).await.unwrap();
    assert_eq!(answer.status, 429);
    assert_eq!(answer.retry_after, Some(7));
    assert_eq!(answer.start, "busy");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (elsewhere, reached) = server(says("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
    let (address, _) = server(move |connection| {
        let there = format!("http://{elsewhere}/");
        let answer = format!("HTTP/1.1 307 x\r\nlocation: {there}\r\ncontent-length: 0\r\n\r\n");
        connection.write_all(answer.as_bytes())
    });
    assert_eq!(post(address).await.unwrap().status, 307);
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn slow_server_times_out() {
    let (address, _) = server(|connection| {
        connection.write_all(b"HTTP/1.1 200")?;
        std::thread::sleep(Duration::from_secs(3));
        Ok(())
    });
    let started = Instant::now();
    assert_eq!(post(address).await, Err(Failure::TimedOut));
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn trickling_headers_do_not_extend_the_time_limit() {
    let (address, _) = server(|connection| {
        connection.write_all(b"HTTP/1.1 200 OK\r\n")?;
        for _ in 0..60 {
            connection.write_all(b"x: y\r\n")?;
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    });
    assert_eq!(post(address).await, Err(Failure::TimedOut));
}

#[tokio::test]
async fn endless_body_is_read_up_to_a_limit() {
    let (address, _) = server(|connection| {
        connection.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        loop {
            connection.write_all(&[b'x'; 8192])?;
        }
    });
    let answer = post(address).await.unwrap();
    assert!(answer.is_success());
    assert_eq!(answer.start.len(), 200);
}

#[tokio::test]
async fn endless_headers_are_no_answer() {
    let (address, _) = server(|connection| {
        connection.write_all(b"HTTP/1.1 200 OK\r\n")?;
        loop {
            connection.write_all(b"x: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n")?;
        }
    });
    assert_eq!(post(address).await, Err(Failure::NoAnswer));
}

#[tokio::test]
async fn garbage_or_a_closed_connection_is_no_answer() {
    for text in [
        "",
        "\0\0\0",
        "SSH-2.0-OpenSSH_9.6\r\n",
        "HTTP/9.9 200 OK\r\n\r\n",
    ] {
        let (address, _) = server(says(text));
        assert_eq!(post(address).await, Err(Failure::NoAnswer), "{text:?}");
    }
}

#[tokio::test]
async fn truncated_body_keeps_the_status() {
    let (address, _) = server(says("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nok"));
    let answer = post(address).await.unwrap();
    assert_eq!((answer.status, answer.start.as_str()), (200, "ok"));
}

#[tokio::test]
async fn missing_tls_and_a_closed_port_are_distinguished() {
    let (address, _) = server(says("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
    let answer = post_to(local(), &format!("https://{address}/")).await;
    assert_eq!(answer, Err(Failure::Tls));
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    assert_eq!(post(address).await, Err(Failure::Connection));
}

#[tokio::test]
async fn this_machine_is_unreachable_unless_allowed() {
    let (address, connections) = server(says("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
    let public = || {
        PublicHttpClient::new(AddressPolicy::Public)
            .unwrap()
            .within(QUICK)
    };
    let port = address.port();
    for (url, why) in [
        (format!("http://127.0.0.1:{port}/"), Failure::RefusedUrl),
        (format!("http://localhost:{port}/"), Failure::RefusedUrl),
        (
            format!("https://127.0.0.1:{port}/"),
            Failure::RefusedAddress,
        ),
        (
            format!("https://2130706433:{port}/"),
            Failure::RefusedAddress,
        ),
        (
            format!("https://[::ffff:7f00:1]:{port}/"),
            Failure::RefusedAddress,
        ),
        (
            format!("https://localhost:{port}/"),
            Failure::RefusedAddress,
        ),
        (
            format!("https://localhost.:{port}/"),
            Failure::RefusedAddress,
        ),
    ] {
        assert_eq!(post_to(public(), &url).await, Err(why), "{url}");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_name_is_refused_if_any_of_its_addresses_is_not_public() {
    for reach in [AddressPolicy::Public, AddressPolicy::PublicAndLoopback] {
        for answer in [
            &["10.0.0.1"][..],
            &["169.254.169.254"],
            &["::ffff:10.0.0.1"],
            &["1.1.1.1", "169.254.169.254"],
            &["fd00:ec2::254", "1.1.1.1"],
            &["64:ff9b::a9fe:a9fe"],
        ] {
            let answer_of = post_named(reach, &[answer], "https://hook.example/").await;
            assert_eq!(answer_of, Err(Failure::RefusedAddress), "{answer:?}");
        }
        let none = post_named(reach, &[&[]], "https://hook.example/").await;
        assert_eq!(none, Err(Failure::NameNotFound));
    }
    let loopback = post_named(
        AddressPolicy::Public,
        &[&["127.0.0.1"]],
        "https://hook.example/",
    )
    .await;
    assert_eq!(loopback, Err(Failure::RefusedAddress));
}

#[tokio::test]
async fn dns_rebinding_does_not_reach_a_private_address() {
    let (address, connections) = server(says("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
    let url = format!("https://hook.example:{}/", address.port());
    // The first answer passes and is connected to, whatever the name resolves to a moment later: it
    // leads nowhere within the time limit. The second call resolves again, and is refused.
    let names = Names::new(&[&["2fff:ffff::1"], &["127.0.0.1"]]);
    let outbound = PublicHttpClient::resolving(names.clone(), AddressPolicy::Public).unwrap();
    let outbound = outbound.within(QUICK);
    let first = post_to(outbound.clone(), &url).await;
    assert!(
        matches!(first, Err(Failure::TimedOut | Failure::Connection)),
        "{first:?}"
    );
    let second = post_to(outbound, &url).await;
    assert_eq!(second, Err(Failure::RefusedAddress));
    assert_eq!(connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn name_is_resolved_once_per_connection() {
    let (address, connections) = server(says("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
    let names = Names::new(&[&["127.0.0.1"], &["10.0.0.1"]]);
    let outbound =
        PublicHttpClient::resolving(names.clone(), AddressPolicy::PublicAndLoopback).unwrap();
    let url = format!("http://hook.localhost:{}/", address.port());
    let answer = post_to(outbound.within(QUICK), &url).await.unwrap();
    assert!(answer.is_success());
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    assert_eq!(names.0.lock().unwrap().len(), 1, "only the first was taken");
}

#[tokio::test]
async fn local_name_with_another_address_is_refused() {
    let url = "http://hook.localhost:3000/";
    let answer = post_named(AddressPolicy::PublicAndLoopback, &[&["1.1.1.1"]], url).await;
    assert_eq!(answer, Err(Failure::RefusedAddress));
}
