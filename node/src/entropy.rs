//! The machine's randomness: the only file of the node that asks for it.
//!
//! Used by the leader (one value per entry), by elections, and for the challenges of phone sessions.
//! Verification never needs any.

/// The operating system gave no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gives no random bytes")]
pub struct NoEntropy;

/// `N` fresh random bytes from the operating system.
///
/// # Errors
///
/// [`NoEntropy`]; whoever asked must stop what it was about to do.
pub fn bytes<const N: usize>() -> Result<[u8; N], NoEntropy> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_no_more_is_known| NoEntropy)?;
    Ok(bytes)
}

/// A fresh random number.
///
/// # Errors
///
/// [`NoEntropy`].
pub fn number() -> Result<u64, NoEntropy> {
    bytes::<8>().map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_values_differ() {
        assert_ne!(bytes::<32>().unwrap(), bytes::<32>().unwrap());
        assert_ne!(number().unwrap(), number().unwrap());
    }
}
