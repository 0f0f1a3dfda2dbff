//! The context file of the command: which cluster, with which identities.

use std::path::{Path, PathBuf};

use akashi_merkle::KeySet;
use serde::Deserialize;

use crate::agent::Agent;
use crate::auditor::Auditor;
use crate::clock::Deadline;
use crate::connection::Connection;
use crate::error::Error;
use crate::files;
use crate::identity::Identity;
use crate::layout;
use crate::number::NumberKey;
use crate::operator::Operator;
use crate::order::RecipientSecret;
use crate::platform::Platform;
use crate::processor::Processor;
use crate::tag::TagKey;
use crate::trust::{HISTORY_FILE, Trust};

/// What `akashi.toml` says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    cluster: String,
    tenant: String,
    policy: String,
    nodes: Vec<String>,
    ca: PathBuf,
    ca_key: Option<PathBuf>,
    keys: PathBuf,
    clients: PathBuf,
    phones: PathBuf,
}

/// A context with its paths made absolute or relative to the working directory.
#[derive(Clone, Debug)]
pub struct Context {
    file: File,
}

impl Context {
    /// Reads a context file; `path` may also be the directory that holds it.
    ///
    /// # Errors
    ///
    /// [`Error::File`] and [`Error::Malformed`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        let path = if path.is_dir() {
            path.join(layout::CONTEXT_FILE)
        } else {
            path.to_owned()
        };
        let text = files::read_text(&path)?;
        let mut file: File =
            toml::from_str(&text).map_err(|bad| Error::malformed(&path, bad.message()))?;
        let base = path.parent().unwrap_or_else(|| Path::new(""));
        for own in [
            &mut file.ca,
            &mut file.keys,
            &mut file.clients,
            &mut file.phones,
        ] {
            *own = base.join(&own);
        }
        file.ca_key = file.ca_key.map(|own| base.join(own));
        Ok(Self { file })
    }

    /// Name of the cluster.
    #[must_use]
    pub fn cluster(&self) -> &str {
        &self.file.cluster
    }

    /// The tenant.
    #[must_use]
    pub fn tenant(&self) -> &str {
        &self.file.tenant
    }

    /// The policy used when none is named.
    #[must_use]
    pub fn policy(&self) -> &str {
        &self.file.policy
    }

    /// Addresses of the nodes.
    #[must_use]
    pub fn nodes(&self) -> &[String] {
        &self.file.nodes
    }

    /// Where the simulated phones are.
    #[must_use]
    pub fn phones(&self) -> &Path {
        &self.file.phones
    }

    /// The authority's private key, if it is at hand.
    #[must_use]
    pub fn ca_key(&self) -> Option<&Path> {
        self.file.ca_key.as_deref()
    }

    /// The certificate authority's certificate.
    #[must_use]
    pub fn ca(&self) -> &Path {
        &self.file.ca
    }

    /// Where agents' certificates are.
    #[must_use]
    pub fn agents(&self) -> PathBuf {
        self.file.clients.join("agents")
    }

    /// Where processors' keys and certificates are.
    #[must_use]
    pub fn processors(&self) -> PathBuf {
        self.file.clients.join("processors")
    }

    /// A processor of orders.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] for a name that is none, and as [`Context::operator`].
    pub fn processor(&self, name: &str) -> Result<Processor, Error> {
        if !layout::is_name(name) {
            return Err(Error::usage(
                "processor: 1 to 32 lower-case letters, digits and '-'",
            ));
        }
        let processors = self.processors();
        Ok(Processor::new(
            self.connection(&processors, name)?,
            self.file.tenant.clone(),
            self.trust()?,
            RecipientSecret::read(&processors.join(format!("{name}.hpke")))?,
        ))
    }

    /// The key-set file.
    #[must_use]
    pub fn keys_path(&self) -> &Path {
        &self.file.keys
    }

    /// The newest key set that is known here: the pinned one, or what it led to.
    ///
    /// # Errors
    ///
    /// [`Error::File`] and [`Error::Malformed`].
    pub fn key_set(&self) -> Result<KeySet, Error> {
        Ok(self.trust()?.newest())
    }

    /// The pinned key set, and those that it led to as far as they are kept beside it.
    ///
    /// # Errors
    ///
    /// [`Error::File`] and [`Error::Malformed`].
    pub fn trust(&self) -> Result<Trust, Error> {
        let kept = self.file.keys.with_file_name(HISTORY_FILE);
        Trust::kept_at(key_set(&self.file.keys)?, kept)
    }

    /// The newest key set there is: asks the cluster what followed the one that is known here.
    ///
    /// # Errors
    ///
    /// As [`Trust::follow`].
    pub async fn current_keys(
        &self,
        connection: &Connection,
        deadline: Deadline,
    ) -> Result<KeySet, Error> {
        let trust = self.trust()?;
        trust.follow(connection, deadline).await?;
        Ok(trust.newest())
    }

    /// The operator.
    ///
    /// # Errors
    ///
    /// [`Error`] of reading the certificate or making the connection.
    pub fn operator(&self) -> Result<Operator, Error> {
        Ok(Operator::new(
            self.connection(&self.file.clients, "operator")?,
        ))
    }

    /// The operator, who asks only these nodes: one that is not in the context file, or a certain one.
    ///
    /// # Errors
    ///
    /// As [`Context::operator`].
    pub fn operator_at(&self, addresses: &[String]) -> Result<Operator, Error> {
        let identity = self.identity(&self.file.clients, "operator")?;
        Ok(Operator::new(Connection::new(addresses, &identity)?))
    }

    /// The auditor.
    ///
    /// # Errors
    ///
    /// As [`Context::operator`].
    pub fn auditor(&self) -> Result<Auditor, Error> {
        Ok(Auditor::new(
            self.connection(&self.file.clients, "auditor")?,
            self.trust()?,
        ))
    }

    /// The tenant's platform.
    ///
    /// # Errors
    ///
    /// As [`Context::operator`].
    pub fn platform(&self) -> Result<Platform, Error> {
        let path = self.file.clients.join("tags.key");
        let tags = TagKey::from_text(&files::read_text(&path)?)
            .ok_or_else(|| Error::malformed(&path, "not 64 hexadecimal digits"))?;
        let connection = self.connection(&self.file.clients, "platform")?;
        Ok(Platform::new(connection, self.file.tenant.clone(), tags))
    }

    /// The tenant's key for pseudonyms of telephone numbers.
    ///
    /// # Errors
    ///
    /// [`Error::File`] and [`Error::Malformed`].
    pub fn number_key(&self) -> Result<NumberKey, Error> {
        let path = self.file.clients.join("numbers.key");
        Ok(NumberKey::from_bytes(*files::read_secret(&path)?))
    }

    /// The desktop of one agent.
    ///
    /// # Errors
    ///
    /// As [`Context::operator`].
    pub fn agent(&self, agent: &str) -> Result<Agent, Error> {
        if !layout::is_handle(agent) {
            return Err(Error::usage(
                "agent: not an opaque handle of 8 to 64 characters",
            ));
        }
        Ok(Agent::new(self.connection(&self.agents(), agent)?))
    }

    /// A connection with the certificate of one agent.
    ///
    /// # Errors
    ///
    /// As [`Context::operator`].
    pub fn agent_connection(&self, agent: &str) -> Result<Connection, Error> {
        if !layout::is_handle(agent) {
            return Err(Error::usage(
                "agent: not an opaque handle of 8 to 64 characters",
            ));
        }
        self.connection(&self.agents(), agent)
    }

    /// A connection of phones: server-authenticated TLS only.
    ///
    /// # Errors
    ///
    /// As [`Context::operator`].
    pub fn phone_connection(&self) -> Result<Connection, Error> {
        Connection::new(&self.file.nodes, &Identity::phone(&self.file.ca)?)
    }

    fn connection(&self, directory: &Path, name: &str) -> Result<Connection, Error> {
        Connection::new(&self.file.nodes, &self.identity(directory, name)?)
    }

    fn identity(&self, directory: &Path, name: &str) -> Result<Identity, Error> {
        Identity::with_certificate(
            &self.file.ca,
            &directory.join(format!("{name}.pem")),
            &directory.join(format!("{name}.key")),
        )
    }
}

/// Reads a key-set file.
///
/// # Errors
///
/// [`Error::File`] and [`Error::Malformed`].
pub fn key_set(path: &Path) -> Result<KeySet, Error> {
    KeySet::parse(&files::read_text(path)?).map_err(|bad| Error::malformed(path, bad.to_string()))
}
