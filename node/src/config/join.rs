//! `[cluster.join]`: what a node says of itself that was not there when the cluster was founded.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{Commit, Config, ConfigError, Replica, value};

/// A node that is brought into a running cluster. Its id, name and site stand in `[node]`; the founding
/// replicas, and only they, in `[[cluster.replicas]]`: the cluster's number follows from them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Join {
    /// Where other replicas reach it: host and port.
    pub peer_address: String,
    /// Where clients reach it: host and port.
    pub client_address: String,
    /// Its cosigning key as a C2SP verifier key.
    pub cosigner: String,
}

impl Config {
    /// This node among the founding replicas, or as it joins.
    #[must_use]
    pub fn this_replica(&self) -> Option<Replica> {
        let (node, cluster) = (&self.node, &self.cluster);
        if let Some(join) = &cluster.join {
            return Some(Replica {
                id: node.id,
                name: node.name.clone(),
                site: node.site.clone(),
                peer_address: join.peer_address.clone(),
                client_address: join.client_address.clone(),
                cosigner: join.cosigner.clone(),
            });
        }
        let own = cluster
            .replicas
            .iter()
            .find(|replica| replica.id == node.id);
        own.cloned()
    }

    pub(super) fn check_own(&self) -> Result<(), ConfigError> {
        let own = self.this_replica().ok_or(value(
            "node.id",
            "must be the id of one of cluster.replicas",
        ))?;
        if own.name != self.node.name || own.site != self.node.site {
            return Err(value(
                "node.name",
                "name and site must be those of cluster.replicas",
            ));
        }
        if self.node.priority > PRIORITY_MAX {
            return Err(value("node.priority", "must be at most 100"));
        }
        let sites: BTreeSet<_> = founders(self).map(|replica| &replica.site).collect();
        if self.cluster.commit == Commit::TwoSites && sites.len() < 2 {
            return Err(value(
                "cluster.commit",
                "two_sites needs replicas of two sites",
            ));
        }
        if self.cluster.join.is_none() {
            return Ok(());
        }
        let founders = &self.cluster.replicas;
        let ids: BTreeSet<_> = founders.iter().map(|replica| replica.id).collect();
        if own.id == 0 || ids.contains(&own.id) {
            return Err(value(
                "node.id",
                "must be one that no founding replica has when the node joins",
            ));
        }
        own.check()
    }
}

fn founders(config: &Config) -> impl Iterator<Item = &Replica> {
    config.cluster.replicas.iter()
}

/// Highest `node.priority`: more than the nodes of any cluster.
const PRIORITY_MAX: u32 = 100;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const JOIN: &str = "[cluster.join]\npeer_address = \"127.0.0.1:7451\"\n\
        client_address = \"127.0.0.1:7450\"\n\
        cosigner = \"n1+2aebef98+BIqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c\"\n[listen]";

    fn joining(id: &str) -> Result<Config, ConfigError> {
        let text = Config::EXAMPLE
            .replacen("id = 1\nname = \"n1\"\nsite = \"a\"\ndata", id, 1)
            .replacen("[listen]", JOIN, 1);
        Config::parse(&text, Path::new("/etc/akashi"))
    }

    #[test]
    fn a_node_that_joins_is_no_founder_and_speaks_for_itself() {
        let config = joining("id = 4\nname = \"n1\"\nsite = \"c\"\ndata").unwrap();
        let own = config.this_replica().unwrap();
        assert_eq!((own.id, own.site.as_str()), (4, "c"));
        assert_eq!(own.peer_address, "127.0.0.1:7451");
        assert_eq!(config.cluster.replicas.len(), 3);
    }

    #[test]
    fn two_sites_need_replicas_of_two() {
        let two = Config::EXAMPLE.replacen("commit = \"majority\"", "commit = \"two_sites\"", 1);
        let config = Config::parse(&two, Path::new("")).unwrap();
        assert_eq!(config.cluster.commit, Commit::TwoSites);
        let one = two.replace("site = \"b\"", "site = \"a\"");
        match Config::parse(&one, Path::new("")) {
            Err(ConfigError::Value { key, .. }) => assert_eq!(key, "cluster.commit"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_node_that_joins_under_a_founders_id_or_with_another_name_is_refused() {
        for (node, key) in [
            ("id = 2\nname = \"n1\"\nsite = \"c\"\ndata", "node.id"),
            ("id = 0\nname = \"n1\"\nsite = \"c\"\ndata", "node.id"),
            (
                "id = 4\nname = \"n4\"\nsite = \"c\"\ndata",
                "cluster.replicas.cosigner",
            ),
        ] {
            match joining(node) {
                Err(ConfigError::Value { key: found, .. }) => assert_eq!(found, key),
                other => panic!("{key}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_priority_beyond_100_is_refused() {
        let text = Config::EXAMPLE.replacen("\npriority = 0\n", "\npriority = 101\n", 1);
        match Config::parse(&text, Path::new("/etc/akashi")) {
            Err(ConfigError::Value { key, .. }) => assert_eq!(key, "node.priority"),
            other => panic!("{other:?}"),
        }
    }
}
