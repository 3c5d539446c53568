//! The machine's TLS: its CA certificates, read once for all clients that share it.
//!
//! To read them takes milliseconds, and to keep them a hundred kilobytes: a hundred tenants, with two clients each, would
//! begin half a second later.

use std::sync::{Arc, OnceLock};

use rustls::ClientConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls_platform_verifier::BuilderVerifierExt;

/// Set up when the first client needs it; all clones share it.
#[derive(Debug, Clone, Default)]
pub struct SharedTls(Arc<OnceLock<ClientConfig>>);

impl SharedTls {
    /// One that is set up already.
    pub(super) fn of(config: ClientConfig) -> Self {
        Self(Arc::new(OnceLock::from(config)))
    }

    /// What reqwest would make for each client by itself.
    pub(super) fn config(&self) -> Result<ClientConfig, rustls::Error> {
        if let Some(config) = self.0.get() {
            return Ok(config.clone());
        }
        let config = machine()?;
        Ok(self.0.get_or_init(|| config).clone())
    }
}

pub(super) fn provider() -> Arc<CryptoProvider> {
    CryptoProvider::get_default().cloned().unwrap_or_else(|| Arc::new(aws_lc_rs::default_provider()))
}

fn machine() -> Result<ClientConfig, rustls::Error> {
    let provider = provider();
    let versions = ClientConfig::builder_with_provider(provider).with_protocol_versions(rustls::ALL_VERSIONS)?;
    let mut config = versions.with_platform_verifier()?.with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_set_up_once() {
        let tls = SharedTls::default();
        let (one, other) = (tls.config().unwrap(), tls.clone().config().unwrap());
        assert!(Arc::ptr_eq(one.crypto_provider(), other.crypto_provider()));
        assert_eq!(one.alpn_protocols, [&b"h2"[..], b"http/1.1"]);
        assert!(one.enable_sni);
    }
}
