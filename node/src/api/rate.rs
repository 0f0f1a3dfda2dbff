//! How fast one tenant, or one address without a certificate, may ask one node.
//!
//! A token bucket each, as the one number it needs: the time at which it would be full again (GCRA,
//! ITU-T I.371). Phones have no certificate, so anybody could name any tenant: they count by address,
//! and never against a tenant.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::config::Limits;
use crate::net::{Identity, Peer};

/// Buckets kept at most; beyond, those that are full are forgotten, and then nobody new is slowed.
const BUCKETS_MAX: usize = 65_536;
/// How much of its rate may be asked for at once: a second's worth.
const BURST_NS: u64 = 1_000_000_000;

/// Who is counted together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Tenant(String),
    Address(IpAddr),
}

/// The buckets of one node.
#[derive(Clone, Debug)]
pub struct Rates {
    limits: Limits,
    /// When each bucket would be full again, in nanoseconds.
    full_at: Arc<Mutex<BTreeMap<Key, u64>>>,
}

impl Rates {
    /// Starts with every bucket full.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            full_at: Arc::default(),
        }
    }

    /// Takes one request of `peer` at `now_us`.
    ///
    /// # Errors
    ///
    /// How long to wait until the next one may pass.
    pub fn take(&self, peer: &Peer, now_us: u64) -> Result<(), Duration> {
        let (key, per_second) = match &peer.identity {
            Some(
                Identity::Platform { tenant, .. }
                | Identity::Agent { tenant, .. }
                | Identity::Processor { tenant, .. },
            ) => (
                Key::Tenant(tenant.clone()),
                self.limits.tenant_requests_per_s,
            ),
            None => (
                Key::Address(peer.addr.ip().to_canonical()),
                self.limits.address_requests_per_s,
            ),
            // Few, and those who have to look when something is wrong.
            Some(Identity::Node { .. } | Identity::Operator { .. } | Identity::Auditor { .. }) => {
                return Ok(());
            }
        };
        let Some(cost_ns) = BURST_NS.checked_div(u64::from(per_second)) else {
            // Zero: no limit.
            return Ok(());
        };
        let now_ns = now_us.saturating_mul(1_000);
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() >= BUCKETS_MAX && !full_at.contains_key(&key) {
            full_at.retain(|_, at| *at > now_ns);
            if full_at.len() >= BUCKETS_MAX {
                return Ok(());
            }
        }
        let bucket = full_at.entry(key).or_insert(now_ns);
        let after = (*bucket).max(now_ns).saturating_add(cost_ns);
        match after.checked_sub(now_ns.saturating_add(BURST_NS)) {
            None | Some(0) => {
                *bucket = after;
                Ok(())
            }
            Some(too_early_ns) => Err(Duration::from_nanos(too_early_ns)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(identity: Option<Identity>, last: u8) -> Peer {
        Peer {
            certificate_sha256: identity.as_ref().map(|_| [7; 32]),
            identity,
            addr: ([192, 0, 2, last], 4_000).into(),
        }
    }

    fn platform(tenant: &str) -> Peer {
        let tenant = tenant.to_owned();
        let name = "cti".to_owned();
        peer(Some(Identity::Platform { tenant, name }), 1)
    }

    fn rates(tenant_requests_per_s: u32, address_requests_per_s: u32) -> Rates {
        Rates::new(Limits {
            tenant_requests_per_s,
            address_requests_per_s,
            ..Limits::default()
        })
    }

    #[test]
    fn a_tenant_has_a_second_at_once_and_then_its_rate_and_others_have_theirs() {
        let rates = rates(10, 0);
        for _ in 0..10 {
            assert_eq!(rates.take(&platform("a"), 1_000), Ok(()));
        }
        let wait = rates.take(&platform("a"), 1_000).unwrap_err();
        assert_eq!(wait, Duration::from_millis(100));
        assert_eq!(rates.take(&platform("b"), 1_000), Ok(()));
        assert!(rates.take(&platform("a"), 100_999).is_err());
        assert_eq!(rates.take(&platform("a"), 101_000), Ok(()));
        assert!(rates.take(&platform("a"), 101_000).is_err());
        // A second of silence, and the bucket is full again, but not fuller.
        let passed = (0..20).filter(|_| rates.take(&platform("a"), 9_000_000).is_ok());
        assert_eq!(passed.count(), 10);
        // A clock that was set back takes nothing back.
        assert!(rates.take(&platform("a"), 1_000).is_err());
    }

    #[test]
    fn phones_count_by_address_and_whoever_runs_the_cluster_is_not_counted() {
        let rates = rates(0, 2);
        for _ in 0..2 {
            assert_eq!(rates.take(&peer(None, 1), 0), Ok(()));
        }
        assert!(rates.take(&peer(None, 1), 0).is_err());
        assert_eq!(rates.take(&peer(None, 2), 0), Ok(()));
        let operator = peer(Some(Identity::Operator { name: "op".into() }), 1);
        for _ in 0..100 {
            assert_eq!(rates.take(&operator, 0), Ok(()));
            assert_eq!(rates.take(&platform("a"), 0), Ok(()), "zero is no limit");
        }
    }
}
