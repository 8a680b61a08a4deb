//! The receiver's end of a connection, down to what is no HTTP.

use std::{
    future::poll_fn,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use futures::FutureExt;
use http_body_util::{BodyExt, Limited};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::{
    Answer, State,
    answer::{Body, GARBAGE},
};

/// The longest body that is read.
const LONGEST: usize = 8 * 1024 * 1024;

pub(super) async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((socket, _)): io::Result<(_, SocketAddr)> = listener.accept().await else {
            continue;
        };
        state.got.send_modify(|got| got.connections += 1);
        let _ = socket.set_nodelay(true);
        connections.spawn(converse(socket, Arc::clone(&state)));
        while connections.try_join_next().is_some() {}
    }
}

async fn converse(socket: TcpStream, state: Arc<State>) {
    let is_garbage = Arc::new(AtomicBool::new(false));
    let wish = Arc::clone(&is_garbage);
    let service =
        service_fn(move |request| answer(Arc::clone(&state), Arc::clone(&wish), request).boxed());
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(socket), service);
    // An error of the service is how a connection is cut; the socket is still there then.
    let _ = poll_fn(|context| connection.poll_without_shutdown(context)).await;
    let mut socket = connection.into_parts().io.into_inner();
    if is_garbage.load(Ordering::Relaxed) {
        let _ = socket.write_all(GARBAGE).await;
    }
    let _ = socket.shutdown().await;
}

async fn answer(
    state: Arc<State>,
    is_garbage: Arc<AtomicBool>,
    request: Request<Incoming>,
) -> io::Result<Response<Body>> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, LONGEST).collect().await;
    let body = body.map_err(io::Error::other)?.to_bytes();
    let answer = state.take(&parts.method, parts.uri.path(), parts.headers, body);
    is_garbage.store(answer == Answer::Garbage, Ordering::Relaxed);
    answer.play().await
}
