//! A node that is brought into a running cluster: its directory, made from that of a founding node.

use std::fs;
use std::path::Path;

use akashi_merkle::{CosignerKey, CosignerSecret};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::{NodeSpec, listening, write_pair};
use crate::entropy;
use crate::error::Error;
use crate::files::{self, Mode};
use crate::operator::NewMember;
use crate::pki::{Authority, Role};

/// What is read of a node's configuration.
#[derive(Debug, Deserialize)]
struct File {
    node: Node,
    cluster: Cluster,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: u64,
    name: String,
    site: String,
}

#[derive(Debug, Deserialize)]
struct Cluster {
    #[serde(default)]
    replicas: Vec<Replica>,
    join: Option<Join>,
}

#[derive(Debug, Deserialize)]
struct Replica {
    id: u64,
}

#[derive(Debug, Deserialize)]
struct Join {
    peer_address: String,
    client_address: String,
    cosigner: String,
}

/// Makes the directory of a node that joins the cluster below `directory`, and gives its id: `id`, or one more
/// than the largest that a node's directory has.
///
/// # Errors
///
/// [`Error::Exists`] if the node has a directory; [`Error::Usage`] for an id that is taken;
/// [`Error::File`] and [`Error::Malformed`] if there is no founding node's directory to go by.
pub fn create(
    directory: &Path,
    cluster: &str,
    node: &NodeSpec,
    id: Option<u64>,
) -> Result<u64, Error> {
    let nodes = directory.join("nodes");
    let own = nodes.join(&node.name);
    files::must_be_absent_or_empty(&own)?;
    let (founders, known) = founders(&nodes)?;
    let next = known.iter().max().map_or(1, |last| last.saturating_add(1));
    let id = id.unwrap_or(next);
    if id == 0 || known.contains(&id) {
        return Err(Error::usage(
            "id: a node of this directory has it, or it is 0",
        ));
    }
    let ca_key = files::read_text(&directory.join("ca/ca.key"))?;
    let authority = Authority::from_key(cluster, &ca_key)?;
    let ca_pem = files::read_text(&directory.join("ca/ca.pem"))?;
    let seed = zeroize::Zeroizing::new(entropy::random::<32>()?);
    let secret = CosignerSecret::from_seed(&node.name, &seed)
        .map_err(|bad| Error::usage(format!("node {}: {bad}", node.name)))?;
    let role = Role::Node {
        id,
        hosts: vec![node.host.clone()],
    };
    files::private_directory(&own)?;
    write_pair(&own, "node", &authority.issue(&role)?)?;
    files::write_new(&own.join("ca.pem"), ca_pem.as_bytes(), Mode::Public)?;
    let text = zeroize::Zeroizing::new(STANDARD.encode(seed.as_slice()) + "\n");
    files::write_new(&own.join("cosign.key"), text.as_bytes(), Mode::Private)?;
    let settings = format!(
        "# Settings of a replica that joins a running cluster; paths are relative to this file.\n\
         # Made by `akashi ops join`.\n\
         [node]\nid = {id}\nname = \"{}\"\nsite = \"{}\"\ndata_dir = \"data\"\n\n\
         # As the cluster was founded.\n{founders}\
         [cluster.join]\npeer_address = \"{}\"\nclient_address = \"{}\"\ncosigner = \"{}\"\n\n{}",
        node.name,
        node.site,
        node.peer_address(),
        node.client_address(),
        secret.public().to_vkey(),
        listening(node, None, false),
    );
    files::write_new(&own.join("node.toml"), settings.as_bytes(), Mode::Public)?;
    Ok(id)
}

/// What the founding nodes' configurations say of the cluster, and every id that a node's directory has.
fn founders(nodes: &Path) -> Result<(String, Vec<u64>), Error> {
    let mut ids = Vec::new();
    let mut founders = None;
    for entry in fs::read_dir(nodes).map_err(Error::file(nodes))? {
        let path = entry.map_err(Error::file(nodes))?.path().join("node.toml");
        if !path.is_file() {
            continue;
        }
        let text = files::read_text(&path)?;
        let file = parse(&text, &path)?;
        ids.push(file.node.id);
        ids.extend(file.cluster.replicas.iter().map(|replica| replica.id));
        if file.cluster.join.is_none() {
            let section = text
                .find("[cluster]")
                .zip(text.find("[listen]"))
                .and_then(|(from, to)| text.get(from..to));
            founders = founders.or(section.map(str::to_owned));
        }
    }
    let founders = founders.ok_or_else(|| {
        Error::malformed(
            nodes,
            "no founding node's directory with [cluster] and [listen]",
        )
    })?;
    Ok((founders, ids))
}

/// Reads who a node is that joins, from its configuration file or the directory that holds it.
///
/// # Errors
///
/// [`Error::File`]; [`Error::Malformed`] if it is not the configuration of a node that joins.
pub fn read(path: &Path) -> Result<NewMember, Error> {
    let path = if path.is_dir() {
        path.join("node.toml")
    } else {
        path.to_owned()
    };
    let File { node, cluster } = parse(&files::read_text(&path)?, &path)?;
    let join = cluster
        .join
        .ok_or_else(|| Error::malformed(&path, "no [cluster.join]: not a node that joins"))?;
    let key = CosignerKey::from_vkey(&join.cosigner)
        .map_err(|bad| Error::malformed(&path, format!("cluster.join.cosigner: {bad}")))?;
    if key.name() != node.name {
        return Err(Error::malformed(
            &path,
            "cluster.join.cosigner: another name than node.name",
        ));
    }
    Ok(NewMember {
        id: node.id,
        name: node.name,
        site: node.site,
        peer_address: join.peer_address,
        client_address: join.client_address,
        cosigner: *key.public_key(),
    })
}

fn parse(text: &str, path: &Path) -> Result<File, Error> {
    toml::from_str(text).map_err(|bad| Error::malformed(path, bad.message()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::{self, Plan};

    fn founded() -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        let nodes = ["n1@a=127.0.0.1:7420", "n2@a=127.0.0.1:7430", "n3@b=n3"];
        let plan = Plan {
            cluster: "dev".into(),
            nodes: nodes
                .iter()
                .map(|text| NodeSpec::parse(text).unwrap())
                .collect(),
            listen: None,
            tenant: "demo".into(),
            agents: Vec::new(),
            reflection: false,
        };
        layout::create(&home.path().join("dev"), &plan).unwrap();
        home
    }

    #[test]
    fn a_node_that_joins_names_the_founders_and_speaks_for_itself() {
        let home = founded();
        let dir = home.path().join("dev");
        let spec = NodeSpec::parse("n4@c=127.0.0.1:7450").unwrap();
        assert_eq!(create(&dir, "dev", &spec, None).unwrap(), 4);
        let member = read(&dir.join("nodes/n4")).unwrap();
        assert_eq!((member.id, member.name.as_str()), (4, "n4"));
        assert_eq!(member.client_address, "127.0.0.1:7450");
        assert_eq!(member.peer_address, "127.0.0.1:7451");
        let text = fs::read_to_string(dir.join("nodes/n4/node.toml")).unwrap();
        assert_eq!(text.matches("[[cluster.replicas]]").count(), 3);
        assert!(text.contains("[listen]") && text.contains("[cosign]"));
        // The next one has the next id, and no directory is overwritten.
        let next = NodeSpec::parse("n5@c=127.0.0.1:7460").unwrap();
        assert_eq!(create(&dir, "dev", &next, None).unwrap(), 5);
        assert!(create(&dir, "dev", &spec, None).is_err());
        let taken = NodeSpec::parse("n6@c=127.0.0.1:7470").unwrap();
        assert!(create(&dir, "dev", &taken, Some(2)).is_err());
        assert_eq!(create(&dir, "dev", &taken, Some(12)).unwrap(), 12);
    }

    #[test]
    fn a_founder_is_not_added() {
        let home = founded();
        assert!(read(&home.path().join("dev/nodes/n1")).is_err());
    }
}
