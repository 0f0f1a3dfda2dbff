//! What remains after the calls: answers, files, tables, pages of metrics.

use std::fs;
use std::path::Path;

use akashi_node::storage::{RocksStore, StateStore as _};
use akashi_replica::store::Table;
use akashi_tests::real::RealCluster;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::marks::Marks;
use super::raw::Answer;

/// Bytes of a file that are looked at together; a block of zeros is passed over.
const BLOCK_BYTES: usize = 4_096;
/// Pairs of a table that are read together.
const PAIRS: usize = 10_000;

/// Everything that was answered.
#[derive(Debug, Default)]
pub(super) struct Told(Vec<(String, Vec<u8>)>);

impl Told {
    pub(super) fn add(&mut self, place: &str, answer: &Answer) {
        let place = format!("the answer of {place}");
        for message in &answer.messages {
            self.0.push((place.clone(), message.to_vec()));
        }
        if let Some((_, status)) = &answer.status {
            self.0.push((place, status.clone()));
        }
    }

    pub(super) fn found(&self, marks: &Marks) -> Vec<String> {
        let hits = self
            .0
            .iter()
            .flat_map(|(place, bytes)| marks.found_in(place, bytes));
        hits.take(20).collect()
    }
}

/// Looks through every file below `folder`.
pub(super) fn search(folder: &Path, marks: &Marks) -> Vec<String> {
    let mut hits = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            hits.extend(search(&path, marks));
        } else {
            for (at, stretch) in stretches(&fs::read(&path).unwrap()) {
                hits.extend(marks.found_in(&format!("{} from {at}", path.display()), stretch));
            }
        }
    }
    hits
}

/// The parts of a file that are not blocks of zeros.
fn stretches(bytes: &[u8]) -> Vec<(usize, &[u8])> {
    let empty = |block: &[u8]| block.iter().all(|byte| *byte == 0);
    let mut found = Vec::new();
    let mut from = None;
    for (number, block) in bytes.chunks(BLOCK_BYTES).enumerate() {
        let at = number * BLOCK_BYTES;
        match (from, empty(block)) {
            (None, false) => from = Some(at),
            (Some(start), true) => {
                found.push((start, &bytes[start..at]));
                from = None;
            }
            (None, true) | (Some(_), false) => {}
        }
    }
    if let Some(start) = from {
        found.push((start, &bytes[start..]));
    }
    found
}

/// Looks through every key and value of a stopped node's tables, whatever their files compress.
pub(super) fn search_store(data: &Path, marks: &Marks) -> Vec<String> {
    let store = RocksStore::open(&data.join("state"), 0).unwrap();
    let mut hits = Vec::new();
    for table in Table::ALL {
        let mut from = Vec::new();
        loop {
            let pairs = store.scan(table, &from, &[0xff; 64], PAIRS).unwrap();
            for (key, value) in &pairs {
                let both = [&key[..], &value[..]].concat();
                hits.extend(marks.found_in(&format!("the table {}", table.name()), &both));
            }
            match pairs.last() {
                Some((last, _)) if pairs.len() == PAIRS => {
                    from.clone_from(last);
                    from.push(0);
                }
                Some(_) | None => break,
            }
        }
    }
    hits
}

/// The pages of metrics of all nodes.
pub(super) async fn metrics(cluster: &RealCluster) -> Vec<u8> {
    let mut pages = Vec::new();
    for node in cluster.dev.context().nodes() {
        let (host, port) = node.rsplit_once(':').unwrap();
        let admin = port.parse::<u16>().unwrap() + 2;
        let mut stream = tokio::net::TcpStream::connect((host, admin)).await.unwrap();
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nhost: node\r\nconnection: close\r\n\r\n")
            .await
            .unwrap();
        stream.read_to_end(&mut pages).await.unwrap();
    }
    pages
}
