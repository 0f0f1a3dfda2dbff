//! A small certificate authority for one cluster: ECDSA P-256, one URI name per certificate.
//!
//! Meant for development and for clusters without an authority of their own. The authority's key is
//! written with mode 0600 and never leaves its file but to sign.

use std::net::IpAddr;

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType, date_time_ymd,
};
use sha2::{Digest as _, Sha256};

use crate::clock;
use crate::error::Error;
use crate::identity::SERVER_NAME;

/// Days that the authority is valid: ten years, longer than any cluster's epoch should last.
const AUTHORITY_DAYS: u64 = 3_650;
/// Days that a certificate is valid: 398, what browsers accept at most, so that nobody forgets how
/// to renew.
const CERTIFICATE_DAYS: u64 = 398;

/// Who a certificate is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// A replica, reached under these host names or addresses.
    Node {
        /// Number of the replica.
        id: u64,
        /// DNS names and IP addresses beside `akashi` and `localhost`.
        hosts: Vec<String>,
    },
    /// A contact-centre platform of a tenant.
    Platform {
        /// The tenant.
        tenant: String,
        /// The platform's name.
        name: String,
    },
    /// An agent of a tenant.
    Agent {
        /// The tenant.
        tenant: String,
        /// The agent's opaque handle.
        agent: String,
    },
    /// A processor of a tenant's orders: it is its key.
    Processor {
        /// The tenant.
        tenant: String,
        /// Its X25519 public key.
        recipient: [u8; 32],
    },
    /// An operator of the cluster.
    Operator {
        /// The operator's name.
        name: String,
    },
    /// An auditor of the whole log.
    Auditor {
        /// The auditor's name.
        name: String,
    },
}

impl Role {
    /// The one URI that names the holder: `spiffe://<cluster>/…`.
    #[must_use]
    pub fn uri(&self, cluster: &str) -> String {
        match self {
            Self::Node { id, .. } => format!("spiffe://{cluster}/node/{id}"),
            Self::Platform { tenant, name } => {
                format!("spiffe://{cluster}/tenant/{tenant}/platform/{name}")
            }
            Self::Agent { tenant, agent } => {
                format!("spiffe://{cluster}/tenant/{tenant}/agent/{agent}")
            }
            Self::Processor { tenant, recipient } => {
                let key = hex::encode(recipient);
                format!("spiffe://{cluster}/tenant/{tenant}/processor/{key}")
            }
            Self::Operator { name } => format!("spiffe://{cluster}/operator/{name}"),
            Self::Auditor { name } => format!("spiffe://{cluster}/auditor/{name}"),
        }
    }
}

/// A certificate with its private key, both as PEM.
pub struct Issued {
    /// The certificate.
    pub certificate_pem: String,
    /// The private key; secret.
    pub key_pem: String,
    /// SHA-256 of the certificate's DER bytes.
    pub certificate_sha256: [u8; 32],
}

/// The certificate authority of one cluster.
pub struct Authority {
    cluster: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Makes a new authority; gives its certificate and its private key as PEM.
    ///
    /// # Errors
    ///
    /// [`Error::Certificate`].
    pub fn create(cluster: &str) -> Result<(Self, String, String), Error> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(unmakable)?;
        let key_pem = key.serialize_pem();
        let params = authority_params(cluster);
        let certificate = params.self_signed(&key).map_err(unmakable)?;
        let authority = Self {
            cluster: cluster.to_owned(),
            issuer: Issuer::new(params, key),
        };
        Ok((authority, certificate.pem(), key_pem))
    }

    /// Takes up an authority again from its private key.
    ///
    /// # Errors
    ///
    /// [`Error::Certificate`] if `key_pem` is no private key.
    pub fn from_key(cluster: &str, key_pem: &str) -> Result<Self, Error> {
        let key = KeyPair::from_pem(key_pem).map_err(unmakable)?;
        let issuer = Issuer::new(authority_params(cluster), key);
        Ok(Self {
            cluster: cluster.to_owned(),
            issuer,
        })
    }

    /// Issues a certificate with a fresh key.
    ///
    /// # Errors
    ///
    /// [`Error::Certificate`], for instance for a host that is no name.
    pub fn issue(&self, role: &Role) -> Result<Issued, Error> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(unmakable)?;
        let uri = role.uri(&self.cluster);
        let mut params = CertificateParams::default();
        params.distinguished_name = name(uri.rsplit('/').next().unwrap_or_default());
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.subject_alt_names = vec![SanType::URI(text(&uri)?)];
        if let Role::Node { hosts, .. } = role {
            params
                .extended_key_usages
                .push(ExtendedKeyUsagePurpose::ServerAuth);
            let names = [SERVER_NAME, "localhost"].into_iter();
            for host in names.chain(hosts.iter().map(String::as_str)) {
                let san = match host.parse::<IpAddr>() {
                    Ok(address) => SanType::IpAddress(address),
                    Err(_name) => SanType::DnsName(text(host)?),
                };
                if !params.subject_alt_names.contains(&san) {
                    params.subject_alt_names.push(san);
                }
            }
        }
        set_validity(&mut params, CERTIFICATE_DAYS);
        let certificate = params.signed_by(&key, &self.issuer).map_err(unmakable)?;
        Ok(Issued {
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            certificate_sha256: Sha256::digest(certificate.der()).into(),
        })
    }
}

fn authority_params(cluster: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = name(&format!("akashi {cluster}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_validity(&mut params, AUTHORITY_DAYS);
    params
}

/// Valid from yesterday, so that a clock that is a little behind does not refuse it.
fn set_validity(params: &mut CertificateParams, days: u64) {
    let today = clock::unix_us() / 86_400_000_000;
    let begin = clock::day_of(today.saturating_sub(1));
    let end = clock::day_of(today + days);
    params.not_before = date_time_ymd(begin.year, begin.month, begin.day);
    params.not_after = date_time_ymd(end.year, end.month, end.day);
}

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}

fn text(value: &str) -> Result<Ia5String, Error> {
    value.to_owned().try_into().map_err(unmakable)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "used as the function of map_err"
)]
fn unmakable(error: rcgen::Error) -> Error {
    Error::Certificate {
        what: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_are_written_as_the_nodes_expect_them() {
        let role = |role: Role| role.uri("dev");
        assert_eq!(
            role(Role::Node {
                id: 3,
                hosts: vec![]
            }),
            "spiffe://dev/node/3"
        );
        let platform = Role::Platform {
            tenant: "demo".into(),
            name: "centre".into(),
        };
        assert_eq!(role(platform), "spiffe://dev/tenant/demo/platform/centre");
        let agent = Role::Agent {
            tenant: "demo".into(),
            agent: "agent-01".into(),
        };
        assert_eq!(role(agent), "spiffe://dev/tenant/demo/agent/agent-01");
        assert_eq!(
            role(Role::Operator { name: "o".into() }),
            "spiffe://dev/operator/o"
        );
        assert_eq!(
            role(Role::Auditor { name: "a".into() }),
            "spiffe://dev/auditor/a"
        );
    }

    #[test]
    fn an_authority_taken_up_again_issues_under_the_same_name_and_key() {
        let (_, ca, key) = Authority::create("dev").unwrap();
        let again = Authority::from_key("dev", &key).unwrap();
        let role = Role::Node {
            id: 1,
            hosts: vec!["127.0.0.1".into(), "n1".into()],
        };
        let issued = again.issue(&role).unwrap();
        assert!(
            issued
                .certificate_pem
                .starts_with("-----BEGIN CERTIFICATE-----")
        );
        assert!(issued.key_pem.contains("PRIVATE KEY"));
        assert_ne!(issued.certificate_pem, ca);
        assert!(Authority::from_key("dev", "nonsense").is_err());
    }
}
