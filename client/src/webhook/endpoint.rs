//! An endpoint: where a receiver is, what it wants to hear, and the keys that sign for it.
//!
//! It is one JSON file with secrets in it (mode 0600). Only the command writes it; the process that
//! delivers looks at it every second, so a rotation needs no restart.

use std::path::Path;

use akashi_merkle::Leaf;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::address::Target;
use super::send::Sender;
use super::sign::Generation;
use crate::error::Error;
use crate::event;
use crate::files;

/// Most generations of keys that are kept: the newest, and what a rotation left in force.
pub const GENERATIONS_MAX: usize = 4;
/// Most patterns of one endpoint.
const PATTERNS_MAX: usize = 64;

/// Which leaves a receiver hears of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Names of events, `verdict.reached`, or beginnings, `order.*`; none means every event.
    #[serde(default)]
    pub events: Vec<String>,
    /// The tenant's number; none means every tenant and the cluster itself.
    #[serde(default)]
    pub tenant: Option<u32>,
}

impl Filter {
    /// A filter whose patterns each name an event that there is.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] names the pattern that does not.
    pub fn new(events: Vec<String>, tenant: Option<u32>) -> Result<Self, Error> {
        if events.len() > PATTERNS_MAX {
            return Err(Error::usage("more than 64 patterns of events"));
        }
        for pattern in &events {
            if !event::named().any(|name| matches(pattern, &name)) {
                return Err(Error::usage(format!(
                    "event {pattern}: no event has this name; docs/events.md lists them"
                )));
            }
        }
        Ok(Self { events, tenant })
    }

    /// Whether a leaf passes.
    #[must_use]
    pub fn passes(&self, leaf: &Leaf) -> bool {
        let name = event::name(leaf.kind);
        let wanted = self.events.is_empty() || self.events.iter().any(|p| matches(p, &name));
        wanted && self.tenant.is_none_or(|tenant| tenant == leaf.tenant)
    }
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => pattern == name,
    }
}

/// One receiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// Where messages are posted.
    pub url: String,
    /// What is sent.
    pub filter: Filter,
    /// Index of the first leaf that is sent.
    pub from: u64,
    /// Whether addresses of this machine and its network are allowed.
    #[serde(default)]
    pub allow_private: bool,
    /// Whether plain http is allowed.
    #[serde(default)]
    pub allow_http: bool,
    /// The authorities trusted for it (PEM), instead of the machine's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// Its keys, the newest last.
    pub keys: Vec<Generation>,
}

impl Endpoint {
    /// Reads an endpoint's file.
    ///
    /// # Errors
    ///
    /// [`Error::File`]; [`Error::Malformed`], without what the file holds.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = Zeroizing::new(files::read_text(path)?);
        let endpoint: Self = serde_json::from_str(&text).map_err(|bad| {
            // The text of the error could quote a secret.
            let what = format!(
                "not an endpoint: line {}, column {}",
                bad.line(),
                bad.column()
            );
            Error::malformed(path, what)
        })?;
        endpoint
            .sender()
            .map_err(|bad| Error::malformed(path, bad.to_string()))?;
        Ok(endpoint)
    }

    /// Writes it, in place of an earlier one.
    ///
    /// # Errors
    ///
    /// [`Error::File`].
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let text = serde_json::to_vec_pretty(self)
            .map_err(|_unwritable| Error::malformed(path, "not JSON"))?;
        files::replace_private(path, &Zeroizing::new(text))
    }

    /// What sends to it.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] for a URL that is none, [`Error::Certificate`].
    pub fn sender(&self) -> Result<Sender, Error> {
        let target = Target::parse(&self.url, self.allow_http)?;
        Sender::new(
            target,
            self.allow_private,
            self.keys.clone(),
            self.ca.as_deref(),
        )
    }

    /// The newest keys.
    #[must_use]
    pub fn newest(&self) -> Option<&Generation> {
        self.keys.last()
    }

    /// Makes new keys; those in force until now sign beside them for `overlap_s` seconds more.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if too many generations are in force already; [`Error::Entropy`].
    pub fn rotate(&mut self, now_s: u64, overlap_s: u64) -> Result<(), Error> {
        self.keys.retain(|generation| generation.in_force(now_s));
        if self.keys.len() >= GENERATIONS_MAX {
            return Err(Error::usage(
                "four generations of keys are in force; wait until one has ended",
            ));
        }
        let end = now_s.saturating_add(overlap_s);
        for generation in &mut self.keys {
            generation.until_s = Some(generation.until_s.map_or(end, |until| until.min(end)));
        }
        self.keys.push(Generation::fresh(now_s)?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint() -> Endpoint {
        Endpoint {
            url: "https://hooks.example/akashi".to_owned(),
            filter: Filter::default(),
            from: 0,
            allow_private: false,
            allow_http: false,
            ca: Some(crate::pki::Authority::create("dev").unwrap().1),
            keys: vec![Generation::fresh(1_000).unwrap()],
        }
    }

    fn leaf(kind: u16, tenant: u32) -> Leaf {
        Leaf {
            kind,
            tenant,
            ..Leaf::default()
        }
    }

    #[test]
    fn a_filter_lets_through_what_it_names() {
        let all = Filter::new(vec![], None).unwrap();
        assert!(all.passes(&leaf(33, 1)) && all.passes(&leaf(1, 0)));
        let mine = Filter::new(vec!["verdict.reached".into(), "order.*".into()], Some(1)).unwrap();
        assert!(mine.passes(&leaf(33, 1)) && mine.passes(&leaf(51, 1)));
        assert!(!mine.passes(&leaf(33, 2)), "another tenant");
        assert!(!mine.passes(&leaf(20, 1)), "another event");
        for bad in ["verdict", "verdict.reached.v1", "", "x*"] {
            assert!(Filter::new(vec![bad.to_owned()], None).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_rotation_keeps_the_old_keys_for_a_while() {
        let mut endpoint = endpoint();
        endpoint.rotate(2_000, 60).unwrap();
        assert_eq!(endpoint.keys.len(), 2);
        assert!(endpoint.keys[0].in_force(2_059) && !endpoint.keys[0].in_force(2_060));
        endpoint.rotate(2_030, 600).unwrap();
        assert_eq!(endpoint.keys[0].until_s, Some(2_060), "never prolonged");
        endpoint.rotate(2_040, 600).unwrap();
        assert!(endpoint.rotate(2_050, 600).is_err(), "four are in force");
        endpoint.rotate(2_061, 600).unwrap();
        assert_eq!(endpoint.keys.len(), 4, "the one that ended is gone");
    }

    #[test]
    fn a_file_is_private_and_a_damaged_one_is_named_without_its_secrets() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("endpoint.json");
        let endpoint = endpoint();
        endpoint.write(&path).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(Endpoint::read(&path).unwrap(), endpoint);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("whsec_", "whsec!")).unwrap();
        let error = Endpoint::read(&path).unwrap_err().to_string();
        assert!(
            error.contains("endpoint.json") && !error.contains("whsec"),
            "{error}"
        );
    }
}
