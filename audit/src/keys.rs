//! The key set: which log, whose cosignatures, how many. All that an auditor pins.
//!
//! The file form is a C2SP tlog-policy with an empty set of logs and one group, so that other
//! tools of the ecosystem read it; the origin stands in a comment they skip:
//!
//! ```text
//! # akashi-origin kagami.example/e1/g0
//! witness tokyo/n1 n1.kagami.example+1b2c3d4e+BAEC…
//! witness tokyo/n2 n2.kagami.example+…
//! witness osaka/n3 n3.kagami.example+…
//! group replicas 2 tokyo/n1 tokyo/n2 osaka/n3
//! quorum replicas
//! ```
//!
//! Where it departs from the specification, and why: there is no `log` line, since no single key
//! speaks for the log (the replicas do so together), and a file with one is refused rather than
//! half obeyed; groups in groups, URLs and `quorum none` are refused for the same reason; and the
//! quorum must be a majority, so that two quorums always share a cosigner, whose two signatures
//! would convict it.
//!
//! # Sources
//!
//! <https://c2sp.org/tlog-policy>.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use thiserror::Error;

use crate::cosign::{CosignerKey, KeyError};
use crate::head::{Origin, OriginError};
use crate::text::parse_decimal;

/// Most cosigners of one set: the specification asks readers to manage 32; clusters have 3 to 7.
pub const COSIGNERS_MAX: usize = 32;

/// Longest name of a site or a cosigner in bytes: a DNS label.
const NAME_BYTES_MAX: usize = 63;

/// Name of the one group in files written here.
const GROUP_NAME: &str = "replicas";

/// The first word of the comment that holds the origin.
const ORIGIN_WORD: &str = "akashi-origin";

/// One replica whose cosignature counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigner {
    /// Name of the replica inside its site: lower-case letters, digits, `.` and `-`.
    pub name: String,
    /// Where it stands; the same characters.
    pub site: String,
    /// Its key.
    pub key: CosignerKey,
}

impl Cosigner {
    /// Gives the name used in key set files: `<site>/<name>`.
    #[must_use]
    pub fn policy_name(&self) -> String {
        format!("{}/{}", self.site, self.name)
    }
}

/// What is wrong with a key set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeySetFault {
    /// The origin is malformed.
    #[error("origin is malformed")]
    Origin(#[source] OriginError),
    /// There is no comment `# akashi-origin <origin>` before the end, or there are two.
    #[error("exactly one origin comment is needed")]
    OriginCount,
    /// The line starts with a word that is not known, or with `log`.
    #[error("keyword is not supported")]
    Keyword,
    /// The line has too few or too many words.
    #[error("wrong number of items")]
    Items,
    /// The line holds a control character other than tab and newline.
    #[error("control characters are not allowed")]
    Control,
    /// A name is not `<site>/<name>`, or has characters that are not allowed.
    #[error("name is malformed")]
    Name,
    /// A verifier key is refused.
    #[error("verifier key is refused")]
    Key(#[source] KeyError),
    /// Two cosigners have one name, one public key, or one key name and id.
    #[error("cosigner is defined twice")]
    Repeated,
    /// There are no cosigners, or more than [`COSIGNERS_MAX`].
    #[error("number of cosigners is out of range")]
    CosignerCount,
    /// The group does not list every cosigner exactly once, or comes before them or twice.
    #[error("group must list every cosigner once")]
    Group,
    /// The quorum is no number, no majority, or more than there are cosigners.
    #[error("quorum must be a majority of the cosigners")]
    Quorum,
    /// The `quorum` line is missing, repeated, not last, or names no group.
    #[error("exactly one quorum line naming the group is needed at the end")]
    QuorumLine,
}

/// What is wrong with a key set file, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("key set line {line}: {fault}")]
pub struct KeySetError {
    /// Number of the line, from 1; the one behind the last when something is missing.
    pub line: usize,
    /// What is wrong there.
    pub fault: KeySetFault,
}

/// The cosigners of one log epoch and the quorum among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySet {
    origin: Origin,
    cosigners: Vec<Cosigner>,
    quorum: usize,
}

impl KeySet {
    /// Puts a key set together.
    ///
    /// # Errors
    ///
    /// [`KeySetFault::Name`], [`KeySetFault::Repeated`], [`KeySetFault::CosignerCount`] and
    /// [`KeySetFault::Quorum`].
    pub fn new(
        origin: Origin,
        cosigners: Vec<Cosigner>,
        quorum: usize,
    ) -> Result<Self, KeySetFault> {
        if cosigners.is_empty() || cosigners.len() > COSIGNERS_MAX {
            return Err(KeySetFault::CosignerCount);
        }
        let mut seen = Seen::default();
        for cosigner in &cosigners {
            seen.admit(cosigner)?;
        }
        if quorum > cosigners.len() || quorum <= cosigners.len() / 2 {
            return Err(KeySetFault::Quorum);
        }
        Ok(Self {
            origin,
            cosigners,
            quorum,
        })
    }

    /// Gives the log the set is for.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Gives the epoch of that log.
    #[must_use]
    pub const fn epoch(&self) -> u32 {
        self.origin.epoch()
    }

    /// Gives the cosigners, in the order of the file.
    #[must_use]
    pub fn cosigners(&self) -> &[Cosigner] {
        &self.cosigners
    }

    /// Gives the number of distinct cosigners a head needs.
    #[must_use]
    pub const fn quorum(&self) -> usize {
        self.quorum
    }

    /// Finds the cosigner whose key has this name and id.
    #[must_use]
    pub fn cosigner(&self, key_name: &str, key_id: [u8; 4]) -> Option<&Cosigner> {
        self.cosigners
            .iter()
            .find(|c| c.key.key_id() == key_id && c.key.name() == key_name)
    }

    /// Writes the key set file.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("# {ORIGIN_WORD} {}\n", self.origin);
        let mut members = String::new();
        for cosigner in &self.cosigners {
            let name = cosigner.policy_name();
            text.push_str(&format!("witness {name} {}\n", cosigner.key.to_vkey()));
            members.push_str(&format!(" {name}"));
        }
        text.push_str(&format!("group {GROUP_NAME} {}{members}\n", self.quorum));
        text.push_str(&format!("quorum {GROUP_NAME}\n"));
        text
    }

    /// Reads a key set file.
    ///
    /// # Errors
    ///
    /// [`KeySetError`], with the line where it went wrong.
    pub fn parse(text: &str) -> Result<Self, KeySetError> {
        let mut draft = Draft::default();
        let mut line = 0;
        for content in text.split('\n') {
            line += 1;
            draft
                .line(content)
                .map_err(|fault| KeySetError { line, fault })?;
        }
        draft.finish().map_err(|fault| KeySetError { line, fault })
    }
}

/// What must not occur twice in a key set.
#[derive(Default)]
struct Seen {
    names: BTreeSet<String>,
    keys: BTreeSet<[u8; 32]>,
    key_ids: BTreeSet<(String, [u8; 4])>,
}

impl Seen {
    fn admit(&mut self, cosigner: &Cosigner) -> Result<(), KeySetFault> {
        if !name_is_well_formed(&cosigner.name) || !name_is_well_formed(&cosigner.site) {
            return Err(KeySetFault::Name);
        }
        let key = &cosigner.key;
        let fresh = self.names.insert(cosigner.policy_name())
            && self.keys.insert(*key.public_key())
            && self.key_ids.insert((key.name().to_owned(), key.key_id()));
        if fresh {
            Ok(())
        } else {
            Err(KeySetFault::Repeated)
        }
    }
}

fn name_is_well_formed(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && name
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-'))
}

/// A key set file, read up to some line.
#[derive(Default)]
struct Draft {
    origin: Option<Origin>,
    cosigners: Vec<Cosigner>,
    seen: Seen,
    group: Option<(String, usize)>,
    closed: bool,
}

impl Draft {
    fn line(&mut self, content: &str) -> Result<(), KeySetFault> {
        if content.chars().any(|c| c.is_control() && c != '\t') {
            return Err(KeySetFault::Control);
        }
        let items: Vec<&str> = content
            .split([' ', '\t'])
            .filter(|s| !s.is_empty())
            .collect();
        match items.as_slice() {
            [] => Ok(()),
            ["#", word, rest @ ..] if *word == ORIGIN_WORD => self.origin(rest),
            [comment, ..] if comment.starts_with('#') => Ok(()),
            _ if self.closed => Err(KeySetFault::QuorumLine),
            ["witness", rest @ ..] => self.witness(rest),
            ["group", rest @ ..] => self.group(rest),
            ["quorum", rest @ ..] => self.quorum(rest),
            [_, ..] => Err(KeySetFault::Keyword),
        }
    }

    fn origin(&mut self, items: &[&str]) -> Result<(), KeySetFault> {
        let &[origin] = items else {
            return Err(KeySetFault::Items);
        };
        if self.origin.is_some() {
            return Err(KeySetFault::OriginCount);
        }
        self.origin = Some(Origin::parse(origin).map_err(KeySetFault::Origin)?);
        Ok(())
    }

    fn witness(&mut self, items: &[&str]) -> Result<(), KeySetFault> {
        let &[policy_name, vkey] = items else {
            return Err(KeySetFault::Items);
        };
        if self.group.is_some() {
            return Err(KeySetFault::Group);
        }
        if self.cosigners.len() >= COSIGNERS_MAX {
            return Err(KeySetFault::CosignerCount);
        }
        let (site, name) = policy_name.split_once('/').ok_or(KeySetFault::Name)?;
        let key = CosignerKey::from_vkey(vkey).map_err(KeySetFault::Key)?;
        let cosigner = Cosigner {
            name: name.to_owned(),
            site: site.to_owned(),
            key,
        };
        self.seen.admit(&cosigner)?;
        self.cosigners.push(cosigner);
        Ok(())
    }

    fn group(&mut self, items: &[&str]) -> Result<(), KeySetFault> {
        let [name, threshold, members @ ..] = items else {
            return Err(KeySetFault::Items);
        };
        if !name_is_well_formed(name) || *name == "none" {
            return Err(KeySetFault::Name);
        }
        let listed: BTreeSet<&str> = members.iter().copied().collect();
        let every_cosigner_once = members.len() == self.cosigners.len()
            && listed.len() == members.len()
            && self
                .cosigners
                .iter()
                .all(|c| listed.contains(c.policy_name().as_str()));
        if self.group.is_some() || members.is_empty() || !every_cosigner_once {
            return Err(KeySetFault::Group);
        }
        let count = members.len();
        let quorum = match *threshold {
            "all" => count,
            "any" => 1,
            k => parse_decimal(k)
                .and_then(|k| k.try_into().ok())
                .ok_or(KeySetFault::Quorum)?,
        };
        if quorum > count || quorum <= count / 2 {
            return Err(KeySetFault::Quorum);
        }
        self.group = Some(((*name).to_owned(), quorum));
        Ok(())
    }

    fn quorum(&mut self, items: &[&str]) -> Result<(), KeySetFault> {
        let &[name] = items else {
            return Err(KeySetFault::Items);
        };
        self.closed = self.group.as_ref().is_some_and(|(group, _)| group == name);
        if self.closed {
            Ok(())
        } else {
            Err(KeySetFault::QuorumLine)
        }
    }

    fn finish(self) -> Result<KeySet, KeySetFault> {
        let origin = self.origin.ok_or(KeySetFault::OriginCount)?;
        match self.group {
            Some((_, quorum)) if self.closed => KeySet::new(origin, self.cosigners, quorum),
            Some(_) | None => Err(KeySetFault::QuorumLine),
        }
    }
}
