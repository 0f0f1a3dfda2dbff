//! Who may connect: places of one port, in all and per address.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many connections each address has.
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    counts: Arc<Mutex<BTreeMap<IpAddr, usize>>>,
    max: usize,
}

impl Addresses {
    /// At most `max` connections per address.
    pub(super) fn new(max: usize) -> Self {
        Self {
            counts: Arc::default(),
            max,
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<IpAddr, usize>> {
        // A count is never half written.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more connection of `address`, until the place is dropped; none if it has as many as it may.
    pub(super) fn take(&self, address: IpAddr) -> Option<Place> {
        let address = address.to_canonical();
        let mut counts = self.lock();
        let count = counts.entry(address).or_default();
        if *count >= self.max {
            return None;
        }
        *count = count.saturating_add(1);
        Some(Place {
            of: self.clone(),
            address,
        })
    }
}

/// One connection of one address.
#[derive(Debug)]
pub(super) struct Place {
    of: Addresses,
    address: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.of.lock();
        if let Some(count) = counts.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_places_and_no_more_and_gives_them_back() {
        let addresses = Addresses::new(2);
        let (one, other): (IpAddr, IpAddr) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        let first = addresses.take(one).unwrap();
        let _second = addresses.take(one).unwrap();
        assert!(addresses.take(one).is_none());
        let mapped: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
        assert!(addresses.take(mapped).is_none(), "the same in other words");
        let third = addresses.take(other).unwrap();
        drop(first);
        let again = addresses.take(one).unwrap();
        assert!(addresses.take(one).is_none());
        drop((again, third));
        assert_eq!(
            addresses.lock().len(),
            1,
            "nobody is remembered for nothing"
        );
    }
}
