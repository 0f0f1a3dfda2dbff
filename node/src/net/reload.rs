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

/// Keeps `current` in step with the files until `shutdown` says so.
pub async fn keep_fresh(
    files: Tls,
    clients: ClientCertificates,
    current: Arc<ArcSwap<ServerConfig>>,
    mut shutdown: watch::Receiver<bool>,
) {
    let mut seen = print(&files).await;
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            _ = look.tick() => {}
            _ = shutdown.wait_for(|down| *down) => return,
        }
        let now = print(&files).await;
        if now.is_none() || now == seen {
            continue;
        }
        match server_config(&files, clients) {
            Ok(config) => {
                current.store(Arc::new(config));
                seen = now;
                tracing::info!("certificates reloaded");
            }
            Err(error) => {
                tracing::warn!(error = cause(&error), "certificates not reloaded");
            }
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
