//! The clock of one machine: it can be set, run too fast or too slow, and stand still.

/// When simulations begin, in microseconds since the Unix epoch.
pub const EPOCH_US: u64 = 1_800_000_000_000_000;

/// What a machine's clock does with true time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    /// How far it is off, in microseconds.
    off_us: i64,
    /// Parts per million by which it runs fast, and since when.
    drift: Option<(i64, u64)>,
    /// What it has shown since it stands still.
    frozen_us: Option<u64>,
}

impl Clock {
    /// What it shows, in microseconds since the Unix epoch, when a run is `now_us` old.
    #[must_use]
    pub fn shows(&self, now_us: u64) -> u64 {
        if let Some(frozen) = self.frozen_us {
            return frozen;
        }
        let ran = self.drift.map_or(0, |(ppm, since)| {
            let passed = i64::try_from(now_us.saturating_sub(since)).unwrap();
            passed * ppm / 1_000_000
        });
        (EPOCH_US + now_us).saturating_add_signed(self.off_us + ran)
    }

    /// Sets it wrong by so much.
    pub const fn set(&mut self, off_us: i64) {
        self.off_us = off_us;
    }

    /// Lets it run fast by so many parts per million, or slow.
    pub const fn drift(&mut self, ppm: i64, now_us: u64) {
        self.drift = Some((ppm, now_us));
    }

    /// Stops it.
    pub fn freeze(&mut self, now_us: u64) {
        self.frozen_us = Some(self.shows(now_us));
    }

    /// Sets it right again.
    pub fn heal(&mut self) {
        *self = Self::default();
    }
}
