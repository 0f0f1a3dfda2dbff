//! A notice in words that are read aloud: for screen readers, and for whoever reads little.
//!
//! Which language a phone speaks is known to the phone alone. No name, debt or product is in the text: others
//! may hear it.

use crate::answer::Initiator;
use crate::policy::PolicyPurpose;

/// What a phone speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Locale {
    /// Japanese.
    #[default]
    Ja,
    /// Easy Japanese, in kana with spaces.
    JaEasy,
    /// English.
    En,
}

impl Locale {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Ja, Self::JaEasy, Self::En];

    /// Its name, as in settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ja => "ja",
            Self::JaEasy => "ja-easy",
            Self::En => "en",
        }
    }
}

/// What a notice says, as far as it is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoticeText<'a> {
    /// The tenant.
    pub tenant: &'a str,
    /// What is asked for.
    pub purpose: PolicyPurpose,
    /// Who called whom; none for a login.
    pub initiator: Option<Initiator>,
    /// Whether a known agent has the call.
    pub agent_bound: bool,
    /// Whether the PIN is asked for.
    pub asks_pin: bool,
}

impl NoticeText<'_> {
    /// The text, ready to be read aloud.
    #[must_use]
    pub fn spoken(&self, locale: Locale) -> String {
        let lines = match locale {
            Locale::Ja => self.japanese(),
            Locale::JaEasy => self.easy(),
            Locale::En => self.english(),
        };
        lines.join(" ")
    }

    fn japanese(&self) -> Vec<String> {
        let mut lines = vec![match self.purpose {
            PolicyPurpose::CustomerCall => {
                format!("{} がお電話でのご本人確認を求めています。", self.tenant)
            }
            PolicyPurpose::AgentLogin => format!("{} へのログインの確認です。", self.tenant),
            PolicyPurpose::Consent => format!("{} がご注文への同意を求めています。", self.tenant),
        }];
        lines.extend(self.initiator.map(|who| {
            match who {
                Initiator::Customer => "お客さまからおかけになったお電話です。",
                Initiator::Centre => "こちらからおかけするお電話です。",
            }
            .to_owned()
        }));
        if self.agent_bound {
            lines.push("登録されたオペレーターが担当しています。".to_owned());
        }
        if self.asks_pin {
            lines.push("暗証番号を入力してください。".to_owned());
        }
        lines.push("お電話中でなければ「通報」を押してください。".to_owned());
        lines
    }

    fn easy(&self) -> Vec<String> {
        let mut lines = vec![match self.purpose {
            PolicyPurpose::CustomerCall => {
                format!("{} が、でんわで あなたを たしかめます。", self.tenant)
            }
            PolicyPurpose::AgentLogin => format!("{} に はいります。", self.tenant),
            PolicyPurpose::Consent => format!(
                "{} の ちゅうもんです。よければ「はい」を おします。",
                self.tenant
            ),
        }];
        lines.extend(self.initiator.map(|who| {
            match who {
                Initiator::Customer => "あなたが でんわを かけました。",
                Initiator::Centre => "おみせが でんわを かけます。",
            }
            .to_owned()
        }));
        if self.asks_pin {
            lines.push("ばんごうを いれます。".to_owned());
        }
        lines.push("でんわを していない ときは「つうほう」を おします。".to_owned());
        lines
    }

    fn english(&self) -> Vec<String> {
        let mut lines = vec![format!("{} asks {}.", self.tenant, self.purpose.words())];
        lines.extend(self.initiator.map(|who| {
            match who {
                Initiator::Customer => "You called them.",
                Initiator::Centre => "They call you.",
            }
            .to_owned()
        }));
        if self.agent_bound {
            lines.push("A known agent has the call.".to_owned());
        }
        if self.asks_pin {
            lines.push("Enter your PIN.".to_owned());
        }
        lines.push("If you are not on a call, press Report.".to_owned());
        lines
    }
}

/// How far a phone's clock is off, in seconds: behind is negative. None within a few seconds of the time in
/// which the challenge is open, as clocks and networks are.
///
/// All in microseconds since 1970-01-01 UTC. Only to tell the owner: the cluster's time decides.
#[must_use]
pub fn clock_skew_s(phone_us: u64, not_before_us: u64, expires_us: u64) -> Option<i64> {
    const TOLERANCE_US: u64 = 5_000_000;
    const SECOND_US: u64 = 1_000_000;
    let seconds = |us: u64| i64::try_from(us / SECOND_US).ok();
    if phone_us < not_before_us.saturating_sub(TOLERANCE_US) {
        seconds(not_before_us - phone_us).map(|behind| -behind)
    } else if phone_us > expires_us.saturating_add(TOLERANCE_US) {
        seconds(phone_us - expires_us)
    } else {
        None
    }
}
