//! The directory that `akashi ops init` makes: certificates, node configurations, the key set.
//!
//! | path | content |
//! |---|---|
//! | `akashi.toml` | the context file of the `akashi` command |
//! | `cluster.keys` | public: who must cosign, and how many; all that an offline check needs |
//! | `ca/ca.pem`, `ca/ca.key` | the certificate authority; keep the key away from the nodes |
//! | `nodes/<name>/` | what one node gets: configuration, certificate, key, cosigning key |
//! | `clients/` | operator, auditor, platform; `clients/agents/<handle>`; `clients/processors/<name>`; the tenant's keys for tags and numbers |
//! | `phones/` | simulated phones, one directory each |

pub mod join;

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use akashi_merkle::{Cosigner, CosignerSecret, KeySet, Origin};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::entropy;
use crate::error::Error;
use crate::files::{self, Mode};
pub use crate::handle::is_handle;
use crate::order::RecipientSecret;
use crate::pki::{Authority, Issued, Role};

/// Client port of a node that names none.
pub const CLIENT_PORT: u16 = 7420;
/// Name of the context file.
pub const CONTEXT_FILE: &str = "akashi.toml";
/// Name of the processor of orders that a new directory has.
pub const PROCESSOR: &str = "warehouse";
/// Most nodes of a cluster: votes and cosignatures grow with each.
pub const NODES_MAX: usize = 7;

/// One replica to be set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSpec {
    /// Its name: lower-case letters, digits, `-`.
    pub name: String,
    /// Where it stands; the same characters.
    pub site: String,
    /// Host name or address under which clients and peers reach it.
    pub host: String,
    /// Port for clients; peers use the next, administration the one after.
    pub port: u16,
}

impl NodeSpec {
    /// Reads `name[@site]=host[:port]`, for example `n1@tokyo=10.0.0.1:7420`.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] says what is wrong.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bad = || Error::usage(format!("node {text}: expected NAME[@SITE]=HOST[:PORT]"));
        let (who, address) = text.split_once('=').ok_or_else(bad)?;
        let (name, site) = who.split_once('@').unwrap_or((who, "a"));
        let (host, port) = match address.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_not_a_port| bad())?),
            None => (address, CLIENT_PORT),
        };
        let host_is_sound = !host.is_empty()
            && host
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
        if !is_name(name) || !is_name(site) || !host_is_sound || port > u16::MAX - 2 || port == 0 {
            return Err(bad());
        }
        Ok(Self {
            name: name.to_owned(),
            site: site.to_owned(),
            host: host.to_owned(),
            port,
        })
    }

    /// Where clients reach it.
    #[must_use]
    pub fn client_address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    fn peer_address(&self) -> String {
        format!("{}:{}", self.host, self.port.saturating_add(1))
    }
}

/// What to set up.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Name of the cluster: lower-case letters, digits, `-`, `.`.
    pub cluster: String,
    /// Its replicas, three to seven, an odd number.
    pub nodes: Vec<NodeSpec>,
    /// The address that nodes listen on; each node's own host if none.
    pub listen: Option<IpAddr>,
    /// The tenant whose platform gets a certificate.
    pub tenant: String,
    /// Agents who get one.
    pub agents: Vec<String>,
    /// Whether nodes describe their services to anybody who asks (for development).
    pub reflection: bool,
}

/// Names that stand in URIs, file names and configuration files.
#[must_use]
pub fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 32
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Writes the directory. Nothing is overwritten: it must be absent or empty.
///
/// # Errors
///
/// [`Error::Usage`] for a plan that makes no sense, [`Error::Exists`], [`Error::File`],
/// [`Error::Certificate`], [`Error::Entropy`].
pub fn create(directory: &Path, plan: &Plan) -> Result<(), Error> {
    check(plan)?;
    files::must_be_absent_or_empty(directory)?;
    files::private_directory(directory)?;
    let (authority, ca_pem, ca_key) = Authority::create(&plan.cluster)?;
    let ca = directory.join("ca");
    files::private_directory(&ca)?;
    files::write_new(&ca.join("ca.pem"), ca_pem.as_bytes(), Mode::Public)?;
    files::write_new(&ca.join("ca.key"), ca_key.as_bytes(), Mode::Private)?;

    let seeds = plan
        .nodes
        .iter()
        .map(|_| entropy::random())
        .collect::<Result<Vec<_>, _>>()?;
    let cosigners = plan
        .nodes
        .iter()
        .zip(&seeds)
        .map(|(node, seed)| cosigner(node, seed))
        .collect::<Result<Vec<_>, _>>()?;
    let origin = Origin::new(&plan.cluster, 1, 0)
        .map_err(|bad| Error::usage(format!("cluster name: {bad}")))?;
    let quorum = plan.nodes.len() / 2 + 1;
    let keys = KeySet::new(origin, cosigners, quorum)
        .map_err(|bad| Error::usage(format!("nodes: {bad}")))?;
    files::write_new(
        &directory.join("cluster.keys"),
        keys.to_text().as_bytes(),
        Mode::Public,
    )?;

    for ((number, node), seed) in (1_u64..).zip(&plan.nodes).zip(&seeds) {
        let own = directory.join("nodes").join(&node.name);
        files::private_directory(&own)?;
        let role = Role::Node {
            id: number,
            hosts: vec![node.host.clone()],
        };
        write_pair(&own, "node", &authority.issue(&role)?)?;
        files::write_new(&own.join("ca.pem"), ca_pem.as_bytes(), Mode::Public)?;
        let seed = zeroize::Zeroizing::new(STANDARD.encode(seed) + "\n");
        files::write_new(&own.join("cosign.key"), seed.as_bytes(), Mode::Private)?;
        let settings = node_settings(plan, &keys, number, node);
        files::write_new(&own.join("node.toml"), settings.as_bytes(), Mode::Public)?;
    }
    clients(directory, plan, &authority)?;
    files::private_directory(&directory.join("phones"))?;
    files::write_new(
        &directory.join(CONTEXT_FILE),
        context(plan).as_bytes(),
        Mode::Public,
    )
}

/// Issues an agent's certificate into `<agents>/<agent>.pem` and `.key`; gives its SHA-256.
///
/// # Errors
///
/// [`Error::Exists`] if the agent has one already, and as [`create`].
pub fn issue_agent(
    authority: &Authority,
    agents: &Path,
    tenant: &str,
    agent: &str,
) -> Result<[u8; 32], Error> {
    let role = Role::Agent {
        tenant: tenant.to_owned(),
        agent: agent.to_owned(),
    };
    let issued = authority.issue(&role)?;
    files::private_directory(agents)?;
    write_pair(agents, agent, &issued)?;
    Ok(issued.certificate_sha256)
}

/// Makes a processor's key and a certificate for it: `<processors>/<name>.hpke`, `.pem` and `.key`; gives
/// the public key.
///
/// # Errors
///
/// [`Error::Usage`] for a name that is none, [`Error::Exists`] if there is one of that name, and as
/// [`create`].
pub fn issue_processor(
    authority: &Authority,
    processors: &Path,
    tenant: &str,
    name: &str,
) -> Result<[u8; 32], Error> {
    if !is_name(name) {
        return Err(Error::usage(
            "processor: 1 to 32 lower-case letters, digits and '-'",
        ));
    }
    let secret = RecipientSecret::generate()?;
    let recipient = secret.public();
    let role = Role::Processor {
        tenant: tenant.to_owned(),
        recipient,
    };
    let issued = authority.issue(&role)?;
    files::private_directory(processors)?;
    secret.write(&processors.join(format!("{name}.hpke")))?;
    write_pair(processors, name, &issued)?;
    Ok(recipient)
}

/// The directory of one node.
#[must_use]
pub fn node_directory(directory: &Path, name: &str) -> PathBuf {
    directory.join("nodes").join(name)
}

fn check(plan: &Plan) -> Result<(), Error> {
    let cluster_is_sound = plan.cluster.split('.').all(is_name) && plan.cluster.len() <= 64;
    if !cluster_is_sound {
        return Err(Error::usage(
            "cluster: lower-case letters, digits, '-' and '.' are allowed",
        ));
    }
    if !is_name(&plan.tenant) {
        return Err(Error::usage(
            "tenant: 1 to 32 lower-case letters, digits and '-'",
        ));
    }
    if let Some(agent) = plan.agents.iter().find(|agent| !is_handle(agent)) {
        return Err(Error::usage(format!(
            "agent {agent}: not an opaque handle of 8 to 64 characters"
        )));
    }
    let count = plan.nodes.len();
    if count == 0 || count > NODES_MAX || count.is_multiple_of(2) {
        return Err(Error::usage(
            "nodes: 1, 3, 5 or 7 are needed; an even number adds no safety",
        ));
    }
    for (position, node) in plan.nodes.iter().enumerate() {
        let earlier = plan.nodes.iter().take(position);
        if earlier.clone().any(|other| other.name == node.name) {
            return Err(Error::usage(format!(
                "nodes: the name {} occurs twice",
                node.name
            )));
        }
        if earlier
            .clone()
            .any(|o| o.host == node.host && o.port.abs_diff(node.port) < 3)
        {
            return Err(Error::usage(format!(
                "nodes: the ports of {} overlap",
                node.name
            )));
        }
    }
    Ok(())
}

fn cosigner(node: &NodeSpec, seed: &[u8; 32]) -> Result<Cosigner, Error> {
    let secret = CosignerSecret::from_seed(&node.name, seed)
        .map_err(|bad| Error::usage(format!("node {}: {bad}", node.name)))?;
    Ok(Cosigner {
        name: node.name.clone(),
        site: node.site.clone(),
        key: secret.public().clone(),
    })
}

fn clients(directory: &Path, plan: &Plan, authority: &Authority) -> Result<(), Error> {
    let clients = directory.join("clients");
    files::private_directory(&clients)?;
    let operator = Role::Operator {
        name: "operator".to_owned(),
    };
    write_pair(&clients, "operator", &authority.issue(&operator)?)?;
    let auditor = Role::Auditor {
        name: "auditor".to_owned(),
    };
    write_pair(&clients, "auditor", &authority.issue(&auditor)?)?;
    let platform = Role::Platform {
        tenant: plan.tenant.clone(),
        name: "centre".to_owned(),
    };
    write_pair(&clients, "platform", &authority.issue(&platform)?)?;
    let agents = clients.join("agents");
    files::private_directory(&agents)?;
    for agent in &plan.agents {
        issue_agent(authority, &agents, &plan.tenant, agent)?;
    }
    issue_processor(
        authority,
        &clients.join("processors"),
        &plan.tenant,
        PROCESSOR,
    )?;
    for name in ["tags.key", "numbers.key"] {
        let key = zeroize::Zeroizing::new(entropy::random::<32>()?);
        let key = zeroize::Zeroizing::new(hex::encode(key.as_slice()) + "\n");
        files::write_new(&clients.join(name), key.as_bytes(), Mode::Private)?;
    }
    Ok(())
}

fn write_pair(directory: &Path, name: &str, issued: &Issued) -> Result<(), Error> {
    let certificate = directory.join(format!("{name}.pem"));
    files::write_new(
        &certificate,
        issued.certificate_pem.as_bytes(),
        Mode::Public,
    )?;
    files::write_new(
        &directory.join(format!("{name}.key")),
        issued.key_pem.as_bytes(),
        Mode::Private,
    )
}

/// The configuration file of one node. Every name in it was checked before, so nothing needs quoting.
fn node_settings(plan: &Plan, keys: &KeySet, number: u64, node: &NodeSpec) -> String {
    let NodeSpec { name, site, .. } = node;
    let mut text = format!(
        "# Settings of one replica; paths are relative to this file. Made by `akashi ops init`.\n\
         [node]\nid = {number}\nname = \"{name}\"\nsite = \"{site}\"\ndata_dir = \"data\"\n\n\
         [cluster]\nname = \"{}\"\nquorum = {}\n\n",
        plan.cluster,
        keys.quorum(),
    );
    let replicas = (1_u64..).zip(&plan.nodes).zip(keys.cosigners());
    for ((id, replica), cosigner) in replicas {
        text.push_str(&format!(
            "[[cluster.replicas]]\nid = {id}\nname = \"{}\"\nsite = \"{}\"\n\
             peer_address = \"{}\"\nclient_address = \"{}\"\ncosigner = \"{}\"\n\n",
            replica.name,
            replica.site,
            replica.peer_address(),
            replica.client_address(),
            cosigner.key.to_vkey(),
        ));
    }
    text.push_str(&listening(node, plan.listen, plan.reflection));
    text
}

/// The sections of a node's configuration from `[listen]` on.
fn listening(node: &NodeSpec, listen: Option<IpAddr>, reflection: bool) -> String {
    let port = node.port;
    let listen = match (listen, node.host.parse::<IpAddr>()) {
        (Some(listen), _) => listen.to_string(),
        (None, Ok(own)) => own.to_string(),
        (None, Err(_name)) => "0.0.0.0".to_owned(),
    };
    let (peer, admin) = (port.saturating_add(1), port.saturating_add(2));
    format!(
        "[listen]\nclient = \"{listen}:{port}\"\npeer = \"{listen}:{peer}\"\n\
         admin = \"{listen}:{admin}\"\n\n\
         [tls]\nca = \"ca.pem\"\ncertificate = \"node.pem\"\nkey = \"node.key\"\n\n\
         [cosign]\nkey = \"cosign.key\"\n\n\
         [telemetry]\nlog = \"info\"\nlog_format = \"text\"\notlp_endpoint = \"\"\n\n\
         [api]\nreflection = {reflection}\n"
    )
}

fn context(plan: &Plan) -> String {
    let nodes: Vec<String> = plan
        .nodes
        .iter()
        .map(|node| format!("\"{}\"", node.client_address()))
        .collect();
    format!(
        "# Context of the `akashi` command: pass it with --context or AKASHI_CONTEXT.\n\
         # Paths are relative to this file.\n\
         cluster = \"{}\"\ntenant = \"{}\"\npolicy = \"basic\"\nnodes = [{}]\n\
         ca = \"ca/ca.pem\"\nca_key = \"ca/ca.key\"\nkeys = \"cluster.keys\"\n\
         clients = \"clients\"\nphones = \"phones\"\n",
        plan.cluster,
        plan.tenant,
        nodes.join(", "),
    )
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn plan() -> Plan {
        let nodes = ["n1@a=127.0.0.1:7420", "n2@a=127.0.0.1:7430", "n3@b=n3"];
        Plan {
            cluster: "dev".into(),
            nodes: nodes
                .iter()
                .map(|text| NodeSpec::parse(text).unwrap())
                .collect(),
            listen: None,
            tenant: "demo".into(),
            agents: vec!["agent-01".into()],
            reflection: true,
        }
    }

    #[test]
    fn a_node_is_written_as_name_site_host_and_port() {
        let node = NodeSpec::parse("n1@tokyo=10.0.0.1:7000").unwrap();
        assert_eq!(
            (node.name.as_str(), node.site.as_str(), node.port),
            ("n1", "tokyo", 7000)
        );
        assert_eq!(
            NodeSpec::parse("n1=n1").unwrap().client_address(),
            "n1:7420"
        );
        for bad in [
            "",
            "n1",
            "n1=",
            "=h",
            "N1=h",
            "n1@=h",
            "n1=h:0",
            "n1=h:99999",
            "n1=a\"b",
        ] {
            assert!(NodeSpec::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_handle_that_names_a_person_is_refused() {
        for good in ["cust-0001", "Ab_3.x-9", "agent-01"] {
            assert!(is_handle(good), "{good}");
        }
        for bad in [
            "short",
            "taro@example.com",
            "090-1234-5678",
            "+819012345678",
            "../../etc/x",
        ] {
            assert!(!is_handle(bad), "{bad}");
        }
    }

    #[test]
    fn a_directory_is_made_once_with_private_keys_private() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("cluster");
        create(&directory, &plan()).unwrap();
        assert!(matches!(
            create(&directory, &plan()),
            Err(Error::Exists { .. })
        ));
        for secret in [
            "ca/ca.key",
            "nodes/n1/node.key",
            "nodes/n2/cosign.key",
            "clients/platform.key",
            "clients/tags.key",
            "clients/numbers.key",
            "clients/agents/agent-01.key",
            "clients/processors/warehouse.key",
            "clients/processors/warehouse.hpke",
        ] {
            let mode = fs::metadata(directory.join(secret))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600, "{secret}");
        }
        let keys = KeySet::parse(&fs::read_to_string(directory.join("cluster.keys")).unwrap());
        let keys = keys.unwrap();
        assert_eq!((keys.quorum(), keys.cosigners().len()), (2, 3));
        assert_eq!(keys.origin().to_string(), "dev/e1/g0");
    }

    #[test]
    fn a_nodes_settings_are_valid_toml_and_name_every_replica() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("cluster");
        create(&directory, &plan()).unwrap();
        let text = fs::read_to_string(directory.join("nodes/n3/node.toml")).unwrap();
        let settings: toml::Table = text.parse().unwrap();
        assert_eq!(settings["node"]["id"].as_integer(), Some(3));
        assert_eq!(settings["listen"]["client"].as_str(), Some("0.0.0.0:7420"));
        let replicas = settings["cluster"]["replicas"].as_array().unwrap();
        assert_eq!(replicas.len(), 3);
        assert_eq!(replicas[0]["peer_address"].as_str(), Some("127.0.0.1:7421"));
    }

    #[test]
    fn plans_that_make_no_sense_leave_nothing_behind() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("cluster");
        let mut two = plan();
        two.nodes.pop();
        let mut twins = plan();
        twins.nodes[1].name = "n1".into();
        let mut overlap = plan();
        overlap.nodes[1].port = 7421;
        let mut person = plan();
        person.agents = vec!["taro@example.com".into()];
        for bad in [two, twins, overlap, person] {
            assert!(matches!(create(&directory, &bad), Err(Error::Usage { .. })));
            assert!(!directory.exists());
        }
    }
}
