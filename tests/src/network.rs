//! A network that can be cut: TCP proxies on loopback, one for each direction in which somebody
//! calls somebody else.
//!
//! A cut link does not refuse: it takes bytes and passes none on, as a network does that has lost its
//! way, and what waited arrives late when the link is mended. A torn link resets its connections as
//! well, and what waited is lost.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Bytes passed on at once.
const CHUNK_BYTES: usize = 16_384;

/// What a link does with bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Way {
    /// Requests stop here.
    there: bool,
    /// Answers stop here.
    back: bool,
    /// Raised to reset what is connected.
    torn: u64,
}

/// One proxy in front of one address.
#[derive(Debug)]
pub struct Link {
    address: SocketAddr,
    way: Arc<watch::Sender<Way>>,
    serving: JoinHandle<()>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Link {
    /// Puts a proxy in front of `target`.
    ///
    /// # Panics
    ///
    /// When there is no free port.
    pub async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let way = Arc::new(watch::Sender::new(Way::default()));
        let serving = tokio::spawn(serve(listener, target, Arc::clone(&way)));
        Self {
            address,
            way,
            serving,
        }
    }

    /// Where callers connect.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets nothing through, in either direction.
    pub fn cut(&self) {
        self.way.send_modify(|way| {
            way.there = true;
            way.back = true;
        });
    }

    /// Lets requests through, but no answers.
    pub fn swallow_answers(&self) {
        self.way.send_modify(|way| way.back = true);
    }

    /// Lets nothing through and resets what is connected.
    pub fn tear(&self) {
        self.way.send_modify(|way| {
            way.there = true;
            way.back = true;
            way.torn += 1;
        });
    }

    /// Lets everything through again.
    pub fn mend(&self) {
        self.way.send_modify(|way| {
            way.there = false;
            way.back = false;
        });
    }
}

async fn serve(listener: TcpListener, target: SocketAddr, way: Arc<watch::Sender<Way>>) {
    // Ends with the listener: dropping the link aborts what was accepted too.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((caller, _)) = listener.accept().await {
        connections.spawn(pass(caller, target, way.subscribe()));
        while connections.try_join_next().is_some() {}
    }
}

async fn pass(caller: TcpStream, target: SocketAddr, mut way: watch::Receiver<Way>) {
    let torn = way.borrow().torn;
    // A link that is cut takes the call and stays silent.
    if way.wait_for(|way| !way.there).await.is_err() {
        return;
    }
    let Ok(called) = TcpStream::connect(target).await else {
        return;
    };
    // Proxies must not add the delays that batching of small segments brings.
    let (Ok(()) | Err(_)) = caller.set_nodelay(true);
    let (Ok(()) | Err(_)) = called.set_nodelay(true);
    let (from_caller, to_caller) = caller.into_split();
    let (from_called, to_called) = called.into_split();
    let mut broken = way.clone();
    tokio::select! {
        () = copy(from_caller, to_called, way.clone(), |way| way.there) => {}
        () = copy(from_called, to_caller, way, |way| way.back) => {}
        _ = broken.wait_for(|way| way.torn != torn) => {}
    }
}

async fn copy(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut way: watch::Receiver<Way>,
    stopped: fn(&Way) -> bool,
) {
    let mut chunk = vec![0; CHUNK_BYTES];
    while let Ok(length @ 1..) = from.read(&mut chunk).await {
        if way.wait_for(|way| !stopped(way)).await.is_err() {
            return;
        }
        if to.write_all(&chunk[..length]).await.is_err() {
            return;
        }
    }
}

/// Every way between the replicas of one cluster.
#[derive(Debug, Default)]
pub struct Network {
    /// From the node at the first position to the one at the second.
    links: Vec<(usize, usize, Link)>,
}

impl Network {
    /// A proxy for each ordered pair of `peers`, which are the nodes' own peer addresses.
    pub async fn between(peers: &[SocketAddr]) -> Self {
        let mut links = Vec::new();
        for from in 0..peers.len() {
            for (to, target) in peers.iter().enumerate().filter(|(to, _)| *to != from) {
                links.push((from, to, Link::to(*target).await));
            }
        }
        Self { links }
    }

    /// Where the node at `from` finds the one at `to`.
    #[must_use]
    pub fn address(&self, from: usize, to: usize) -> Option<SocketAddr> {
        self.links
            .iter()
            .find(|link| (link.0, link.1) == (from, to))
            .map(|link| link.2.address())
    }

    /// Nobody on one side reaches anybody on the other: `side` are the positions of one of them.
    pub fn part(&self, side: &[usize], torn: bool) {
        for (from, to, link) in &self.links {
            if side.contains(from) != side.contains(to) {
                if torn {
                    link.tear();
                } else {
                    link.cut();
                }
            }
        }
    }

    /// The node at `position` hears the others, and nobody hears it.
    pub fn mute(&self, position: usize) {
        for (from, _, link) in &self.links {
            if *from == position {
                link.cut();
            }
        }
    }

    /// Everybody reaches everybody again.
    pub fn mend(&self) {
        for (_, _, link) in &self.links {
            link.mend();
        }
    }
}
