//! Identities: exactly one SPIFFE URI per certificate, inside the cluster's trust domain.
//!
//! A certificate with none, with two, or of another domain names nobody; it is never guessed at.
//!
//! # Sources
//!
//! SPIFFE X.509-SVID, section 2: exactly one URI SAN.

use x509_parser::extensions::GeneralName;

/// Longest part of an identity in bytes: handles have 64 characters at most.
const PART_BYTES_MAX: usize = 64;

/// Whom a certificate names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// `/node/<id>`: a replica.
    Node {
        /// Its Raft id.
        id: u64,
    },
    /// `/tenant/<tenant>/platform/<name>`: a contact-centre platform.
    Platform {
        /// Its tenant.
        tenant: String,
        /// Its name.
        name: String,
    },
    /// `/tenant/<tenant>/agent/<agent>`: an agent's desktop.
    Agent {
        /// The agent's tenant.
        tenant: String,
        /// The agent's handle.
        agent: String,
    },
    /// `/tenant/<tenant>/processor/<key>`: a processor of a tenant's orders, by its public key.
    Processor {
        /// Its tenant.
        tenant: String,
        /// Its X25519 public key: what orders are sealed to.
        recipient: [u8; 32],
    },
    /// `/operator/<name>`: someone who runs the cluster.
    Operator {
        /// Who.
        name: String,
    },
    /// `/auditor/<name>`: someone who checks the log.
    Auditor {
        /// Who.
        name: String,
    },
}

/// Why a certificate names nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The certificate does not parse.
    #[error("the certificate does not parse")]
    Certificate,
    /// There is no URI among its names, or more than one.
    #[error("the certificate must have exactly one URI name")]
    Count,
    /// The URI is of another trust domain.
    #[error("the certificate is of another trust domain")]
    Domain,
    /// The URI is no identity.
    #[error("the certificate's URI is no identity")]
    Form,
}

impl Identity {
    /// Reads the identity from a certificate in DER.
    ///
    /// # Errors
    ///
    /// [`IdentityError`].
    pub fn of_certificate(der: &[u8], domain: &str) -> Result<Self, IdentityError> {
        let (rest, certificate) = x509_parser::parse_x509_certificate(der)
            .map_err(|_malformed| IdentityError::Certificate)?;
        if !rest.is_empty() {
            return Err(IdentityError::Certificate);
        }
        let names = certificate
            .subject_alternative_name()
            .map_err(|_malformed| IdentityError::Certificate)?
            .ok_or(IdentityError::Count)?;
        let mut uris = names
            .value
            .general_names
            .iter()
            .filter_map(|name| match name {
                GeneralName::URI(uri) => Some(*uri),
                GeneralName::OtherName(..)
                | GeneralName::RFC822Name(_)
                | GeneralName::DNSName(_)
                | GeneralName::X400Address(_)
                | GeneralName::DirectoryName(_)
                | GeneralName::EDIPartyName(_)
                | GeneralName::IPAddress(_)
                | GeneralName::RegisteredID(_)
                | GeneralName::Invalid(..) => None,
            });
        let (Some(uri), None) = (uris.next(), uris.next()) else {
            return Err(IdentityError::Count);
        };
        Self::parse(uri, domain)
    }

    /// Reads `spiffe://<domain>/…`.
    ///
    /// # Errors
    ///
    /// [`IdentityError::Domain`] and [`IdentityError::Form`].
    pub fn parse(uri: &str, domain: &str) -> Result<Self, IdentityError> {
        let path = uri
            .strip_prefix("spiffe://")
            .ok_or(IdentityError::Form)?
            .strip_prefix(domain)
            .ok_or(IdentityError::Domain)?;
        if !path.starts_with('/') {
            return Err(IdentityError::Domain);
        }
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        if !parts.iter().all(|part| is_part(part)) {
            return Err(IdentityError::Form);
        }
        match parts.as_slice() {
            ["node", id] => Ok(Self::Node {
                id: node_id(id).ok_or(IdentityError::Form)?,
            }),
            ["tenant", tenant, "platform", name] => Ok(Self::Platform {
                tenant: (*tenant).to_owned(),
                name: (*name).to_owned(),
            }),
            ["tenant", tenant, "agent", agent] => Ok(Self::Agent {
                tenant: (*tenant).to_owned(),
                agent: (*agent).to_owned(),
            }),
            ["tenant", tenant, "processor", key] => Ok(Self::Processor {
                tenant: (*tenant).to_owned(),
                recipient: public_key(key).ok_or(IdentityError::Form)?,
            }),
            ["operator", name] => Ok(Self::Operator {
                name: (*name).to_owned(),
            }),
            ["auditor", name] => Ok(Self::Auditor {
                name: (*name).to_owned(),
            }),
            _ => Err(IdentityError::Form),
        }
    }

    /// The path of the identity's URI: the same text for the same caller, whatever certificate is
    /// shown.
    #[must_use]
    pub fn path(&self) -> String {
        match self {
            Self::Node { id } => format!("/node/{id}"),
            Self::Platform { tenant, name } => format!("/tenant/{tenant}/platform/{name}"),
            Self::Agent { tenant, agent } => format!("/tenant/{tenant}/agent/{agent}"),
            Self::Processor { tenant, recipient } => {
                format!("/tenant/{tenant}/processor/{}", hex::encode(recipient))
            }
            Self::Operator { name } => format!("/operator/{name}"),
            Self::Auditor { name } => format!("/auditor/{name}"),
        }
    }
}

fn is_part(part: &str) -> bool {
    !part.is_empty()
        && part.len() <= PART_BYTES_MAX
        && part
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

/// 64 lower-case hexadecimal digits: one text per key.
fn public_key(text: &str) -> Option<[u8; 32]> {
    let mut key = [0; 32];
    hex::decode_to_slice(text, &mut key).ok()?;
    (hex::encode(key) == text).then_some(key)
}

/// A decimal number without sign or leading zeros: one text per node.
fn node_id(text: &str) -> Option<u64> {
    let id: u64 = text.parse().ok()?;
    (id != 0 && id.to_string() == text).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_reads_back_from_its_uri() {
        for path in [
            "/node/3",
            "/tenant/retail/platform/cti",
            "/tenant/retail/agent/agent-0042",
            "/tenant/retail/processor/00ff4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e",
            "/operator/alice",
            "/auditor/firm",
        ] {
            let identity = Identity::parse(&format!("spiffe://dev{path}"), "dev").unwrap();
            assert_eq!(identity.path(), path);
        }
    }

    #[test]
    fn other_domains_and_odd_paths_name_nobody() {
        for (uri, error) in [
            ("https://dev/node/1", IdentityError::Form),
            ("spiffe://prod/node/1", IdentityError::Domain),
            ("spiffe://dev.example/node/1", IdentityError::Domain),
            ("spiffe://device/node/1", IdentityError::Domain),
            ("spiffe://dev", IdentityError::Domain),
            ("spiffe://dev/", IdentityError::Form),
            ("spiffe://dev/node", IdentityError::Form),
            ("spiffe://dev/node/0", IdentityError::Form),
            ("spiffe://dev/node/01", IdentityError::Form),
            ("spiffe://dev/node/+1", IdentityError::Form),
            ("spiffe://dev/node/1/", IdentityError::Form),
            ("spiffe://dev/tenant/t/operator/x", IdentityError::Form),
            ("spiffe://dev/tenant/../platform/x", IdentityError::Form),
            ("spiffe://dev/operator/a%20b", IdentityError::Form),
            ("spiffe://dev/operator/", IdentityError::Form),
            (
                "spiffe://dev/tenant/t/processor/warehouse",
                IdentityError::Form,
            ),
            (
                "spiffe://dev/tenant/t/processor/00FF4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e",
                IdentityError::Form,
            ),
        ] {
            // ".." is made of allowed characters, and is a name like any other.
            if uri.contains("..") {
                assert!(Identity::parse(uri, "dev").is_ok());
                continue;
            }
            assert_eq!(Identity::parse(uri, "dev"), Err(error), "{uri}");
        }
    }
}
