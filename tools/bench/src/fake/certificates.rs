//! A certificate authority for one run: root, intermediate and server certificate, like the chain of an AWS
//! endpoint.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// The name on the server's certificate.
pub const HOST: &str = "localhost";

/// The TLS configuration of both sides.
pub struct Certificates {
    pub server: Arc<ServerConfig>,
    /// For the bare client.
    pub client: Arc<ClientConfig>,
    /// The root in PEM.
    root: String,
}

impl Certificates {
    pub fn generate() -> anyhow::Result<Self> {
        let root = CertifiedIssuer::self_signed(authority("root"), KeyPair::generate()?)?;
        let between =
            CertifiedIssuer::signed_by(authority("intermediate"), KeyPair::generate()?, &root)?;
        let key = KeyPair::generate()?;
        let leaf = CertificateParams::new([HOST.to_owned()])?.signed_by(&key, &between)?;

        let chain = vec![leaf.der().clone(), between.der().clone()];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        let mut roots = RootCertStore::empty();
        roots.add(root.der().clone())?;
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            server: Arc::new(server),
            client: Arc::new(client),
            root: root.pem(),
        })
    }

    /// Writes a CA bundle with the root and the roots that a function trusts otherwise.
    pub fn write_bundle(&self, file: &Path, others: &str) -> anyhow::Result<()> {
        let bundle = format!("{others}\n{}", self.root);
        std::fs::write(file, bundle).with_context(|| file.display().to_string())
    }
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let kind = rcgen::DnType::CommonName;
    params.distinguished_name.push(kind, name);
    params
}
