//! What a run went through, counted: a scenario that is not counted has not been tested.

use std::collections::BTreeMap;
use std::fmt;

macro_rules! seen {
    ($($(#[$doc:meta])* $name:ident = $id:literal,)*) => {
        /// Something that can happen in a run, with the scenario it belongs to.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Seen {
            $($(#[$doc])* $name,)*
        }

        impl Seen {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The group it belongs to, for the table.
            #[must_use]
            pub const fn group(self) -> &'static str {
                match self {
                    $(Self::$name => $id,)*
                }
            }
        }
    };
}

seen! {
    /// A process ended.
    ProcessEnded = "crash",
    /// A machine lost its power.
    PowerLost = "crash",
    /// Every machine lost its power at once.
    PowerLostEverywhere = "crash",
    /// What was written and not synced was there when the power went.
    UnsyncedAtPowerLoss = "crash",
    /// A torn last frame was found and cut off.
    TornTailCut = "torn and misdirected writes",
    /// A block was written in the place of another, and the log refused to open.
    MisdirectedRefused = "torn and misdirected writes",
    /// A bit flipped before the last frame, and the log refused to open.
    RotRefused = "rot",
    /// Damage where nothing that counts is: the log was the same.
    RotHarmless = "rot",
    /// The last frame rotted, and was cut off as if it were torn.
    RotCutTail = "rot",
    /// A replica stayed down for good because its log is broken.
    DownForGood = "rot",
    /// A stored record rotted.
    StateRotted = "rot",
    /// A replica stopped because a record does not decode.
    StateRotStopped = "rot",
    /// A replica was fenced because its state is another.
    StateRotFenced = "rot",
    /// No room for a segment: the replica stopped.
    DiskFullStopped = "full disks",
    /// No room for the next segment ahead of need: the replica went on.
    DiskFullAhead = "full disks",
    /// The state store had no room: the replica stopped.
    StoreFullStopped = "full disks",
    /// A disk became slow.
    SlowDisk = "slow disks",
    /// The leader's disk became slow.
    SlowLeader = "slow disks",
    /// All disks became slow.
    SlowEverywhere = "slow disks",
    /// A sync failed and the replica stopped at once.
    SyncFailed = "failing syncs",
    /// A disk kept failing, and the replica did not start.
    DiskDead = "failing syncs",
    /// A clock was set by minutes.
    ClockSet = "clocks",
    /// A clock was set by an hour.
    ClockSetByAnHour = "clocks",
    /// A clock ran too fast or too slow.
    ClockDrifted = "clocks",
    /// A clock stood still.
    ClockFroze = "clocks",
    /// A process was paused for less than a second.
    PausedShortly = "pauses",
    /// A process was paused for seconds.
    PausedLong = "pauses",
    /// A leader was paused.
    PausedLeader = "pauses",
    /// A leader's time went slowly while it was cut off, so that it did not notice.
    LeaderStarved = "pauses",
    /// A replica could neither send nor receive.
    IsolatedBothWays = "partitions",
    /// A replica could not send.
    IsolatedOneWay = "partitions",
    /// The replicas fell into two halves.
    Halved = "partitions",
    /// Two halves that one replica still saw both.
    Bridged = "partitions",
    /// One way between two was cut.
    CutOneWay = "partitions",
    /// A link came and went quickly.
    Flapped = "partitions",
    /// One replica after another was cut off, and came back in another order.
    Swizzled = "partitions",
    /// A message was lost.
    MailLost = "network",
    /// A message came twice.
    MailTwice = "network",
    /// A message came late, so that others overtook it.
    MailLate = "network",
    /// Segments of a log were dropped.
    LogDropped = "log",
    /// Entries for a slow follower were read back from disk.
    FetchedFromDisk = "log",
    /// A follower's log was cut back because a new leader had other entries.
    LogCutBack = "log",
    /// A fenced leader asked another replica to lead.
    HandedOver = "divergence",
    /// A replica judged otherwise and was fenced.
    LiarFenced = "divergence",
    /// A replica joined as a learner.
    MemberAdded = "members",
    /// A learner became a voter.
    MemberPromoted = "members",
    /// A voter left.
    MemberRemoved = "members",
    /// The leader was told to leave.
    LeaderRemoved = "members",
    /// A replica crashed in the middle of a change of the members.
    ChangeInterrupted = "members",
    /// A key set was followed by another.
    KeySetEnded = "members",
    /// A replica whose log ends before its state refused to start.
    OldDiskRefused = "old and emptied disks",
    /// A replica without a log and with a state refused to start.
    EmptiedDiskRefused = "old and emptied disks",
    /// An entry that no version wrote was proposed.
    PoisonEntry = "poison",
    /// An entry that says it holds too many commands was proposed.
    PoisonCrowd = "poison",
    /// An entry too large to be proposed was refused.
    PoisonHuge = "poison",
    /// A command full of nonsense was proposed.
    PoisonCommand = "poison",
    /// The same request was proposed by two leaders.
    RepeatedAcrossLeaders = "repeated requests",
    /// A request got its first answer again.
    Repeated = "repeated requests",
    /// A majority was down at the same time.
    QuorumLost = "lost quorum",
    /// Nothing was decided meanwhile.
    NothingWithoutQuorum = "lost quorum",
    /// A replica's signatures went missing.
    CosignerMissing = "cosigners",
    /// A replica's signatures came late.
    CosignerLate = "cosigners",
    /// A replica signed another root.
    CosignerEquivocated = "cosigners",
    /// A head was sealed.
    Sealed = "cosigners",
    /// A leader refused proposals because too much waits.
    Overloaded = "overload",
    /// A frame under a stranger's name was refused.
    ImpostorRefused = "hostile frames",
    /// A frame of random bytes was refused.
    NonsenseRefused = "hostile frames",
    /// A linearizable read was answered by the leader.
    ReadAtLeader = "reads",
    /// A linearizable read was answered by a follower.
    ReadAtFollower = "reads",
    /// A read was lost with the leadership and asked again.
    ReadLost = "reads",
    /// A client got an answer.
    Answered = "life",
    /// A contact got its verdict.
    Verdict = "life",
    /// An agent's session was opened.
    SessionOpened = "life",
    /// A question was asked again on the same contact.
    SteppedUp = "life",
    /// An order was approved and carried out.
    OrderExecuted = "life",
    /// A node's edge reported presence.
    PresenceReported = "life",
    /// The whole state was digested.
    Digested = "life",
    /// Every replica caught up after everything healed.
    Converged = "healing",
    /// Requests were answered after everything healed.
    Served = "healing",
}

/// How often what happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<Seen, u64>);

impl Tally {
    /// Once more.
    pub fn saw(&mut self, what: Seen) {
        self.saw_many(what, 1);
    }

    /// So many times more.
    pub fn saw_many(&mut self, what: Seen, times: u64) {
        if times > 0 {
            *self.0.entry(what).or_default() += times;
        }
    }

    /// How often.
    #[must_use]
    pub fn of(&self, what: Seen) -> u64 {
        self.0.get(&what).copied().unwrap_or_default()
    }

    /// Adds what another run saw.
    pub fn add(&mut self, other: &Self) {
        for (what, times) in &other.0 {
            self.saw_many(*what, *times);
        }
    }

    /// What never happened.
    #[must_use]
    pub fn unseen(&self) -> Vec<Seen> {
        Seen::ALL
            .iter()
            .copied()
            .filter(|what| self.of(*what) == 0)
            .collect()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for what in Seen::ALL {
            writeln!(
                f,
                "{:>28}  {:<24}{:>12}",
                what.group(),
                format!("{what:?}"),
                self.of(*what)
            )?;
        }
        Ok(())
    }
}
