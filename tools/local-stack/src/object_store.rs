//! A fake S3: `s3s-fs` over a folder, with path-style addresses and presigned links.
//!
//! `s3s` checks signatures and expiry. [`checked`] adds what S3 checks beyond that, [`rights`] the roles of the
//! functions, and [`settings`] the settings of the buckets.

mod browsers;
mod checked;
mod rights;
mod settings;
mod staging;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::{
    CREDENTIAL, Error, Result,
    http::{self, Guard},
    template::{Bucket, Function},
};
use checked::Checked;
use rights::{Requests, Rights};

/// A running object store. It stops, and deletes its temporary folder, when this is dropped.
#[derive(Debug)]
pub struct ObjectStore {
    endpoint: String,
    root: PathBuf,
    rights: Arc<Rights>,
    _server: Guard,
    _temporary: Option<TempDir>,
}

impl ObjectStore {
    /// Starts a store with buckets on a free port, in `folder` or in a temporary folder. The access key
    /// [`CREDENTIAL`] may do everything, and the name of a function what its role allows.
    pub async fn start(
        folder: Option<&Path>,
        buckets: &[Bucket],
        functions: &[Function],
    ) -> Result<Self> {
        let temporary = match folder {
            Some(_) => None,
            None => Some(TempDir::new().map_err(Error::file(std::env::temp_dir()))?),
        };
        let root = folder
            .or(temporary.as_ref().map(TempDir::path))
            .unwrap_or(Path::new("."));
        for bucket in buckets {
            let path = root.join(&bucket.name);
            std::fs::create_dir_all(&path).map_err(Error::file(&path))?;
        }
        let mut keys = SimpleAuth::from_single(CREDENTIAL, CREDENTIAL);
        for function in functions {
            keys.register(function.name.clone(), CREDENTIAL.into());
        }
        let rights = Arc::new(Rights::new(functions));
        let mut builder = S3ServiceBuilder::new(Checked::new(root, buckets, Arc::clone(&rights))?);
        builder.set_auth(keys);
        builder.set_access(Requests(Arc::clone(&rights)));
        let service = builder.build();

        let (listener, port) = http::listen(0, "").await?;
        let server = Guard::new(serve(listener, service));
        let endpoint = format!("http://127.0.0.1:{port}");
        Ok(Self {
            endpoint,
            root: root.to_owned(),
            rights,
            _server: server,
            _temporary: temporary,
        })
    }
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The names of the objects in a folder of a bucket, in no particular order.
    pub fn names(&self, folder: &str) -> io::Result<Vec<String>> {
        let entries = match std::fs::read_dir(self.root.join(folder)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        names.collect()
    }

    /// The requests of functions that their roles do not allow, in order.
    pub fn denied(&self) -> Vec<String> {
        self.rights.denied()
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
            let service = service_fn(move |request| browsers::answer(request, service.clone()));
            let _ = builder
                .serve_connection(TokioIo::new(socket), service)
                .await;
        });
    }
}
