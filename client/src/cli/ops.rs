//! `akashi ops`: setting a cluster up.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Global;
use super::output::Output;
use crate::error::Error;
use crate::layout::{self, NodeSpec, Plan};

/// Set a cluster up
#[derive(Debug, Args)]
pub(super) struct Ops {
    #[command(subcommand)]
    verb: OpsVerb,
}

#[derive(Debug, Subcommand)]
enum OpsVerb {
    Init(Init),
    Join(Join),
}

/// Make keys, certificate and configuration for a node that joins a running cluster
#[derive(Debug, Args)]
#[command(after_help = "\
Run it where `akashi ops init` was run: it needs the authority's key and a founding node's directory.
Copy the new directory to the machine, start `akashi-node --config node.toml --format-new` there, and add
it with `akashi cluster add`. A machine that lost its disk joins as a new node, under another id.

Example:
  akashi ops join --context ./prod --node n4@osaka=10.0.2.4")]
struct Join {
    /// The node. Client port (default 7420), peers +1, administration +2
    #[arg(long, value_name = "NAME[@SITE]=HOST[:PORT]")]
    node: String,
    /// Raft id, one that no node has or had; default: one more than the largest here
    #[arg(long, value_name = "NUMBER")]
    id: Option<u64>,
}

/// Make keys, certificates and configurations for a new cluster
#[derive(Debug, Args)]
#[command(after_help = "\
Writes a certificate authority, one directory per node to be copied to it, the certificates of an
operator, an auditor, the tenant's platform and its agents, the public key set `cluster.keys`, and
the context file `akashi.toml`. Nothing is ever overwritten.

Example:
  akashi ops init --dir ./prod --cluster kagami.example \\
    --node n1@tokyo=10.0.1.1 --node n2@osaka=10.0.2.1 --node n3@fukuoka=10.0.3.1")]
struct Init {
    /// Directory to make; must be absent or empty
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Name of the cluster
    #[arg(long, value_name = "NAME")]
    cluster: String,
    /// A node; repeat it 3, 5 or 7 times. Client port (default 7420), peers +1, administration +2
    #[arg(long = "node", required = true, value_name = "NAME[@SITE]=HOST[:PORT]")]
    nodes: Vec<String>,
    /// Address that every node listens on, for example 0.0.0.0 in containers
    #[arg(long, value_name = "IP")]
    listen: Option<IpAddr>,
    /// The first tenant
    #[arg(long, default_value = "demo", value_name = "NAME")]
    tenant: String,
    /// Handle of an agent who gets a certificate; may be repeated
    #[arg(long = "agent", value_name = "HANDLE")]
    agents: Vec<String>,
    /// Let nodes describe their services to anybody who asks
    #[arg(long)]
    reflection: bool,
}

impl Ops {
    pub(super) fn run(self, global: &Global, output: Output) -> Result<(), Error> {
        match self.verb {
            OpsVerb::Init(init) => init.run(output),
            OpsVerb::Join(join) => join.run(global, output),
        }
    }
}

impl Join {
    fn run(self, global: &Global, output: Output) -> Result<(), Error> {
        let context = global.context()?;
        let home = context
            .keys_path()
            .parent()
            .ok_or_else(|| Error::usage("context: no directory around the key set"))?;
        let node = NodeSpec::parse(&self.node)?;
        let id = layout::join::create(home, context.cluster(), &node, self.id)?;
        let own = home.join("nodes").join(&node.name);
        output.data(&own.display().to_string());
        output.note(&format!(
            "Made node {} with id {id}.\n\
             next: copy the directory to its machine, start `akashi-node --config node.toml --format-new`,\n      \
             then: akashi cluster add {} --wait",
            node.name,
            own.display(),
        ));
        Ok(())
    }
}

impl Init {
    fn run(self, output: Output) -> Result<(), Error> {
        let nodes = self
            .nodes
            .iter()
            .map(|text| NodeSpec::parse(text))
            .collect::<Result<Vec<_>, _>>()?;
        let plan = Plan {
            cluster: self.cluster,
            nodes,
            listen: self.listen,
            tenant: self.tenant,
            agents: self.agents,
            reflection: self.reflection,
        };
        layout::create(&self.dir, &plan)?;
        let dir = self.dir.display();
        output.data(&self.dir.join(layout::CONTEXT_FILE).display().to_string());
        output.note(&format!(
            "Made the keys of cluster {} with {} nodes.\n\
             next: copy {dir}/nodes/<name> to each node and start\n      `akashi-node --config node.toml --format-new`, later without --format-new\n\
             then: akashi cluster bootstrap --context {dir}\n\
             keep {dir}/ca/ca.key away from the nodes; give {dir}/cluster.keys to auditors",
            plan.cluster,
            plan.nodes.len(),
        ));
        Ok(())
    }
}
