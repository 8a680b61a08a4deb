//! A fake S3: `s3s-fs` over a folder, with path-style addresses and presigned links.

use std::path::Path;

use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::{
    CREDENTIAL, Error, Result,
    http::{self, Guard},
};

/// A running object store. It stops, and deletes its temporary folder, when this is dropped.
#[derive(Debug)]
pub struct ObjectStore {
    endpoint: String,
    _server: Guard,
    _temporary: Option<TempDir>,
}

impl ObjectStore {
    /// Starts a store with buckets on a free port, in `folder` or in a temporary folder.
    pub async fn start(folder: Option<&Path>, buckets: &[String]) -> Result<Self> {
        let temporary = match folder {
            Some(_) => None,
            None => Some(TempDir::new().map_err(Error::file(std::env::temp_dir()))?),
        };
        let root = folder
            .or(temporary.as_ref().map(TempDir::path))
            .unwrap_or(Path::new("."));
        for bucket in buckets {
            let path = root.join(bucket);
            std::fs::create_dir_all(&path).map_err(Error::file(&path))?;
        }
        let files =
            FileSystem::new(root).map_err(|e| Error::Tool(format!("the object store: {e:?}")))?;
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single(CREDENTIAL, CREDENTIAL));
        let service = builder.build();

        let (listener, port) = http::listen(0, "").await?;
        let server = Guard::new(serve(listener, service));
        let endpoint = format!("http://127.0.0.1:{port}");
        Ok(Self {
            endpoint,
            _server: server,
            _temporary: temporary,
        })
    }
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}

async fn serve(listener: TcpListener, service: s3s::service::S3Service) {
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            continue;
        };
        let service = service.clone();
        tokio::spawn(async move {
            let builder = Builder::new(TokioExecutor::new());
            // A client may go away at any time.
            let _ = builder
                .serve_connection(TokioIo::new(socket), service)
                .await;
        });
    }
}
