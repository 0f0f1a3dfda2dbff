//! Certificates change without a restart: files are looked at again and swapped when they differ.
//!
//! New connections get the new certificate, living ones keep theirs. Files that do not fit together
//! (one of the two is being written) are left alone until they do.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use tokio::sync::watch;

use super::tls::{ClientCertificates, server_config};
use crate::config::Tls;
use crate::telemetry::cause;

/// How often the files are looked at: certificates live for hours, so a few seconds are soon.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The files of one listener, and what was last read from them.
#[derive(Debug)]
pub struct CertificateFiles {
    files: Tls,
    clients: ClientCertificates,
    seen: Option<[u8; 32]>,
}

impl CertificateFiles {
    /// Starts from the files as they are.
    pub async fn new(files: Tls, clients: ClientCertificates) -> Self {
        let seen = print(&files).await;
        Self {
            files,
            clients,
            seen,
        }
    }

    /// New settings, if the files have changed and fit together.
    pub async fn changed(&mut self) -> Option<ServerConfig> {
        let now = print(&self.files).await;
        if now.is_none() || now == self.seen {
            return None;
        }
        match server_config(&self.files, self.clients) {
            Ok(config) => {
                self.seen = now;
                tracing::info!("certificates reloaded");
                Some(config)
            }
            Err(error) => {
                tracing::warn!(error = cause(&error), "certificates not reloaded");
                None
            }
        }
    }
}

/// Keeps `current` in step with the files until `shutdown` says so.
pub async fn keep_fresh(
    mut files: CertificateFiles,
    current: Arc<ArcSwap<ServerConfig>>,
    mut shutdown: watch::Receiver<bool>,
) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            _ = look.tick() => {}
            _ = shutdown.wait_for(|down| *down) => return,
        }
        if let Some(config) = files.changed().await {
            current.store(Arc::new(config));
        }
    }
}

/// SHA-256 over the three files; none while one of them cannot be read.
async fn print(files: &Tls) -> Option<[u8; 32]> {
    use sha2::Digest as _;
    let mut hash = sha2::Sha256::new();
    for path in [&files.ca, &files.certificate, &files.key] {
        hash.update(tokio::fs::read(path).await.ok()?);
    }
    Some(hash.finalize().into())
}
