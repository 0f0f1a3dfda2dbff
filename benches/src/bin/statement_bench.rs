//! Measures statements: a log of many leaves, one tenant's contacts in it, made into a statement on
//! disk, and that checked from the disk as `akashi statement verify` does.
//!
//! One thread. The tree is made up in memory; a node reads its nodes from disk, which is not measured.
//!
//! Usage: `statement_bench [CONTACTS [LEAVES PER CONTACT [FILE TO WRITE THE SECTION INTO]]]`.

#![expect(clippy::print_stdout, reason = "the figures are this program's output")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::error::Error;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Write as _};
use std::time::Instant;

use akashi_client::statement;
use akashi_merkle::processed::{CONTACT_PROCESSED, Care, Processed, TENANT_CREATED, column, flag};
use akashi_merkle::statement::{Part, StatementScope, Totals};
use akashi_merkle::{
    Cosigner, CosignerSecret, Extensions, Frontier, Hash, Head, KeySet, Leaf, NodeReader, Origin,
    SignedHead, inclusion_proof, leaf_hash, multi_inclusion_proof, verify_inclusion,
};

/// When the log begins: 2026-11-22 00:00:00 UTC, in seconds.
const START_S: u64 = 1_795_305_600;
/// Contacts of one part, as the SDK asks for them.
const PART: usize = 2_048;
/// Where the section of the figures begins and ends in a file.
const MARKS: [&str; 2] = [
    "<!-- statements: written by make bench-statement -->",
    "<!-- end of statements -->",
];

/// A log in memory: every node by level.
#[derive(Default)]
struct Nodes(Vec<Vec<Hash>>);

impl NodeReader for Nodes {
    type Error = Infallible;

    fn node(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
        let at = usize::try_from(index).unwrap_or(usize::MAX);
        let nodes = self.0.get(usize::from(level));
        Ok(nodes
            .and_then(|level| level.get(at))
            .copied()
            .unwrap_or_default())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let contacts: u64 = arguments.next().map_or(Ok(100_000), |n| n.parse())?;
    let spread: u64 = arguments.next().map_or(Ok(10), |n| n.parse())?;
    let section = measure(contacts, spread)?;
    println!("{section}");
    if let Some(path) = arguments.next() {
        let old = fs::read_to_string(&path)?;
        let [begin, end] = MARKS;
        let (before, rest) = old.split_once(begin).unwrap_or((&old, ""));
        let behind = rest.split_once(end).map_or("", |(_, behind)| behind);
        let new = format!(
            "{}\n\n{begin}\n{section}\n{end}\n{}",
            before.trim_end(),
            behind.trim_start()
        );
        fs::write(&path, new)?;
    }
    Ok(())
}

fn measure(contacts: u64, spread: u64) -> Result<String, Box<dyn Error>> {
    let (leaves, nodes, head) = log(contacts, spread)?;
    let (keys, signed) = signed(&head)?;
    let file = tempfile::NamedTempFile::new()?;

    let began = Instant::now();
    write(file.as_file(), &leaves, &nodes, &signed)?;
    let made_ms = began.elapsed().as_millis();
    let bytes = file.as_file().metadata()?.len();

    let mut rounds = Vec::new();
    for _ in 0..5 {
        let began = Instant::now();
        let mut from = BufReader::new(File::open(file.path())?);
        let checked = statement::verify(&mut from, file.path(), &keys, Some("retail"), |_| Ok(()))?;
        rounds.push(began.elapsed().as_millis());
        if checked.totals.contacts != contacts {
            return Err("the statement has another number of contacts".into());
        }
    }
    rounds.sort_unstable();
    let [fastest, _, median, _, slowest] = rounds[..] else {
        return Err("five rounds were made".into());
    };
    let single_ms = one_by_one(&leaves, &nodes, &head)?;
    let hashes = hashes(&leaves, &nodes, head.size);
    let goal = if median < 10_000 {
        "reached"
    } else {
        "**missed**"
    };
    Ok(format!(
        "## Statements\n\n\
         Made by `make bench-statement` on {}: {contacts} contacts of one tenant in a log of {} leaves, one \
         thread, dev profile; load average {}.\n\n\
         | figure | | goal | |\n|---|---|---|---|\n\
         | check of the file, signatures to figures | **{median} ms** ({fastest}–{slowest}, 5 rounds) | < 10,000 ms | {goal} |\n\
         | making and writing it, tree in memory | {made_ms} ms | – | – |\n\
         | size of the file | {} KB, {} B per contact | – | – |\n\
         | hashes of the proofs | {hashes}, in place of {} with a path each | – | – |\n\
         | the same leaves with a path each, inclusion alone | {single_ms} ms | – | – |",
        day(),
        head.size,
        load(),
        bytes / 1_000,
        bytes / contacts.max(1),
        contacts * u64::from(u64::BITS - head.size.leading_zeros()),
    ))
}

/// Contact `number` of the bench.
fn contact(number: u64) -> Processed {
    let closed_us = (START_S + number) * 1_000_000;
    let some = |modulus: u64| u8::try_from(number % modulus).unwrap_or(0);
    let mut contact_id = [0xc0; 16];
    contact_id[8..].copy_from_slice(&number.to_be_bytes());
    Processed {
        tenant: 1,
        contact_id,
        closed_us,
        number,
        announced: number + 5,
        outcome: if number.is_multiple_of(9) { 8 } else { 1 },
        reason: 0,
        policy_version: 1,
        queue: 1,
        campaign: u32::from(some(7)),
        agent_tag: [some(200); 16],
        announced_us: closed_us - 200_000_000,
        verdict_ms: Some(u32::from(some(60)) * 500),
        aal: 2,
        factors: 3,
        limits: 0,
        scope: u32::MAX,
        call_reason: 1,
        initiator: 1,
        disposition: 0,
        care: Care {
            agents: 1,
            presence: 1,
            level: 1,
            unmasked: 0,
            rules_version: 1,
        },
        flags: flag::TRAINING | flag::POSTURE,
    }
}

/// The tenant's leaves by index, the tree, and its head.
type Log = (BTreeMap<u64, Vec<u8>>, Nodes, Head);

/// Makes a log; leaves of others are only hashes.
fn log(contacts: u64, spread: u64) -> Result<Log, Box<dyn Error>> {
    let mut nodes = Nodes::default();
    let mut frontier = Frontier::new();
    let mut append = |hash: Hash| {
        frontier.append(hash, &mut |id, hash| {
            let level = usize::from(id.level);
            if nodes.0.len() <= level {
                nodes.0.push(Vec::new());
            }
            if let Some(nodes) = nodes.0.get_mut(level) {
                nodes.push(hash);
            }
        })
    };
    let mut leaves = BTreeMap::new();
    let mut extensions = Extensions::default();
    extensions.insert(column::NAME, b"retail")?;
    let tenant = Leaf {
        kind: TENANT_CREATED,
        tenant: 1,
        extensions,
        ..Leaf::default()
    };
    let tenant = tenant.encode();
    leaves.insert(append(leaf_hash(&tenant)), tenant);
    for number in 1..=contacts {
        for other in 1..spread {
            append(leaf_hash(&(number * spread + other).to_be_bytes()));
        }
        let said = contact(number);
        let mut leaf = Leaf {
            kind: CONTACT_PROCESSED,
            stamp_us: said.closed_us,
            tenant: 1,
            contact_id: said.contact_id,
            ..Leaf::default()
        };
        said.fill(&mut leaf);
        let bytes = leaf.encode();
        leaves.insert(append(leaf_hash(&bytes)), bytes);
    }
    let head = Head {
        origin: Origin::new("bench.example", 1, 0)?,
        size: frontier.size(),
        root: frontier.root(),
    };
    Ok((leaves, nodes, head))
}

fn signed(head: &Head) -> Result<(KeySet, SignedHead), Box<dyn Error>> {
    let mut cosigners = Vec::new();
    let mut cosignatures = Vec::new();
    for number in 1..=3_u8 {
        let secret = CosignerSecret::from_seed(&format!("n{number}.bench"), &[number; 32])?;
        cosigners.push(Cosigner {
            name: format!("n{number}"),
            site: "a".to_owned(),
            key: secret.public().clone(),
        });
        cosignatures.push(secret.cosign(head, START_S)?);
    }
    let keys = KeySet::new(head.origin.clone(), cosigners, 2)?;
    let signed = SignedHead::new(head.clone(), &cosignatures).to_quorum(&keys)?;
    Ok((keys, signed))
}

fn part(leaves: &[(&u64, &Vec<u8>)], nodes: &Nodes, size: u64) -> Result<Part, Box<dyn Error>> {
    let indices: Vec<u64> = leaves.iter().map(|(index, _)| **index).collect();
    let path = multi_inclusion_proof(nodes, &indices, size).map_err(|fault| fault.to_string())?;
    let leaves = leaves
        .iter()
        .map(|(index, leaf)| (**index, (*leaf).clone()))
        .collect();
    Ok(Part { leaves, path })
}

fn write(
    file: &File,
    leaves: &BTreeMap<u64, Vec<u8>>,
    nodes: &Nodes,
    signed: &SignedHead,
) -> Result<(), Box<dyn Error>> {
    let size = signed.head.size;
    let contacts = u64::try_from(leaves.len())? - 1;
    let scope = StatementScope {
        tenant: 1,
        name: "retail".to_owned(),
        from_us: START_S * 1_000_000,
        until_us: (START_S + contacts + 1) * 1_000_000,
        first: 1,
        last: contacts,
        service_s: 20,
    };
    let mut to = BufWriter::new(file);
    let all: Vec<_> = leaves.iter().collect();
    let (frame, rest) = all.split_at(1);
    writeln!(to, "{}", scope.to_text(signed))?;
    write!(to, "{}", part(frame, nodes, size)?.to_frame_text())?;
    for leaves in rest.chunks(PART) {
        write!(to, "\n{}", part(leaves, nodes, size)?.to_part_text())?;
    }
    let mut totals = Totals::default();
    for number in 1..=contacts {
        totals.add(&contact(number), scope.service_s);
    }
    write!(to, "\n{}", totals.to_text())?;
    to.flush()?;
    Ok(())
}

/// Milliseconds to check the inclusion of every leaf with a path of its own.
fn one_by_one(
    leaves: &BTreeMap<u64, Vec<u8>>,
    nodes: &Nodes,
    head: &Head,
) -> Result<u128, Box<dyn Error>> {
    let mut paths = Vec::new();
    for (index, leaf) in leaves {
        let path = inclusion_proof(nodes, *index, head.size).map_err(|fault| fault.to_string())?;
        paths.push((*index, leaf, path));
    }
    let began = Instant::now();
    for (index, leaf, path) in &paths {
        verify_inclusion(&leaf_hash(leaf), *index, head.size, path, &head.root)?;
    }
    Ok(began.elapsed().as_millis())
}

fn hashes(leaves: &BTreeMap<u64, Vec<u8>>, nodes: &Nodes, size: u64) -> usize {
    let all: Vec<_> = leaves.iter().collect();
    all.chunks(PART)
        .filter_map(|leaves| part(leaves, nodes, size).ok())
        .map(|part| part.path.len())
        .sum()
}

fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// Today, in UTC.
fn day() -> String {
    let now = akashi_client::clock::rfc3339(akashi_client::clock::unix_us());
    now.split('T').next().unwrap_or_default().to_owned()
}
