//! Certificates for one test: an authority, and whom it names.

use std::path::Path;

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use tonic::transport::{Certificate, ClientTlsConfig, Identity};

/// The cluster of these tests.
pub(crate) const CLUSTER: &str = "dev";

/// An authority.
pub(crate) struct Authority {
    pub(crate) certificate_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate with its key.
#[derive(Clone)]
pub(crate) struct Issued {
    pub(crate) certificate_pem: String,
    pub(crate) key_pem: String,
    pub(crate) der: Vec<u8>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let certificate = params.self_signed(&key).unwrap();
        Self {
            certificate_pem: certificate.pem(),
            issuer: Issuer::new(params, key),
        }
    }

    /// A certificate for these paths of the cluster's trust domain; every caller has one.
    pub(crate) fn issue(&self, paths: &[&str]) -> Issued {
        let uris: Vec<String> = paths
            .iter()
            .map(|path| format!("spiffe://{CLUSTER}{path}"))
            .collect();
        self.issue_uris(&uris)
    }

    /// One that ran out long ago.
    pub(crate) fn issue_expired(&self, path: &str) -> Issued {
        self.issued(&[format!("spiffe://{CLUSTER}{path}")], Some((2020, 2021)))
    }

    pub(crate) fn issue_uris(&self, uris: &[String]) -> Issued {
        self.issued(uris, None)
    }

    fn issued(&self, uris: &[String], years: Option<(i32, i32)>) -> Issued {
        let key = KeyPair::generate().unwrap();
        let mut params =
            CertificateParams::new(vec!["akashi".to_owned(), "localhost".to_owned()]).unwrap();
        for uri in uris {
            let uri = Ia5String::try_from(uri.as_str()).unwrap();
            params.subject_alt_names.push(SanType::URI(uri));
        }
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        if let Some((from, to)) = years {
            params.not_before = rcgen::date_time_ymd(from, 1, 1);
            params.not_after = rcgen::date_time_ymd(to, 1, 1);
        }
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Issued {
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            der: certificate.der().to_vec(),
        }
    }

    /// How a caller with (or without) a certificate talks to a node.
    pub(crate) fn client(&self, own: Option<&Issued>) -> ClientTlsConfig {
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(&self.certificate_pem))
            .domain_name("akashi");
        match own {
            Some(own) => tls.identity(Identity::from_pem(&own.certificate_pem, &own.key_pem)),
            None => tls,
        }
    }
}

impl Issued {
    /// Writes the three files that a node reads.
    pub(crate) fn write(&self, authority: &Authority, folder: &Path) {
        std::fs::write(folder.join("ca.pem"), &authority.certificate_pem).unwrap();
        std::fs::write(folder.join("node.pem"), &self.certificate_pem).unwrap();
        std::fs::write(folder.join("node.key"), &self.key_pem).unwrap();
    }
}
