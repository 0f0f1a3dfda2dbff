//! Typed access to the records: reading through a [`View`], writing through an [`Overlay`].

use borsh::{BorshDeserialize, BorshSerialize};

use crate::entry::encode;
use crate::ids::{
    AgentHash, ChallengeId, ContactId, Digest, EnrolmentId, LoginId, OrderId, Serial, SessionId,
    SubjectHash, Tag, UnmaskId,
};
use crate::keys;
use crate::kv::{Fault, Overlay, Table, View};
use crate::policy::AgentRule;
use crate::records::{
    Agent, AgentLogin, Campaign, Challenge, Cluster, Contact, Credential, Delegation, Enrolment,
    History, Issuer, KeySetChange, Members, Order, Policy, Posture, Progress, Refusals, Reported,
    SealedOrder, Sensor, Sent, Session, SessionSettings, Settings, StateMark, Subject, Tally,
    Template, Tenant, Unmask, WorkRules,
};

/// Decodes the record under `key`.
///
/// # Errors
///
/// [`Fault::Corrupt`] if the bytes are not one; [`Fault::Storage`] if there is no answer.
pub fn load<R: BorshDeserialize, V: View + ?Sized>(
    view: &V,
    table: Table,
    key: &[u8],
) -> Result<Option<R>, Fault> {
    let mut decoded = None;
    view.with(table, key, &mut |bytes| {
        decoded =
            bytes.map(|bytes| borsh::from_slice(bytes).map_err(|_undecodable| Fault::Corrupt));
    })?;
    decoded.transpose()
}

/// Encodes `record` under `key`.
pub fn store<R: BorshSerialize, V: View + ?Sized>(
    overlay: &mut Overlay<'_, V>,
    table: Table,
    key: Vec<u8>,
    record: &R,
) {
    overlay.put(table, key, encode(record));
}

/// Reads records by their names.
///
/// Every method fails with [`Fault`] when the storage cannot answer or holds foreign bytes.
#[expect(clippy::missing_errors_doc, reason = "said once, above")]
pub trait Records: View {
    /// How far this replica has come.
    fn progress(&self) -> Result<Progress, Fault> {
        Ok(load(self, Table::Meta, keys::PROGRESS)?.unwrap_or_default())
    }

    /// The cluster, once founded.
    fn cluster(&self) -> Result<Option<Cluster>, Fault> {
        load(self, Table::Meta, keys::CLUSTER)
    }

    /// The members of the cluster, once founded; as founded while nothing was changed.
    fn members(&self) -> Result<Option<Members>, Fault> {
        if let Some(members) = load(self, Table::Meta, keys::MEMBERS)? {
            return Ok(Some(members));
        }
        Ok(self.cluster()?.as_ref().map(Members::founding))
    }

    /// The key set with this number, from 1; the founding one has none.
    fn key_set_change(&self, number: u32) -> Result<Option<KeySetChange>, Fault> {
        load(self, Table::Meta, &keys::key_set_change(number))
    }

    /// The newest mark and the newest recorded digest; zeros before the first.
    fn state_mark(&self) -> Result<StateMark, Fault> {
        Ok(load(self, Table::Meta, keys::STATE_MARK)?.unwrap_or_default())
    }

    /// The limits in force.
    fn settings(&self) -> Result<Settings, Fault> {
        Ok(load(self, Table::Policy, keys::SETTINGS)?.unwrap_or_default())
    }

    /// The limits of sessions in force.
    fn session_settings(&self) -> Result<SessionSettings, Fault> {
        Ok(load(self, Table::Policy, keys::SESSION_SETTINGS)?.unwrap_or_default())
    }

    /// A tenant by name.
    fn tenant(&self, name: &str) -> Result<Option<Tenant>, Fault> {
        load(self, Table::Policy, &keys::tenant(name))
    }

    /// A tenant's name by number.
    fn tenant_name(&self, tenant: u32) -> Result<Option<String>, Fault> {
        load(self, Table::Policy, &keys::tenant_name(tenant))
    }

    /// The newest version of a policy.
    fn policy(&self, tenant: u32, name: &str) -> Result<Option<Policy>, Fault> {
        load(self, Table::Policy, &keys::policy(tenant, name))
    }

    /// One version of a policy.
    fn policy_version(
        &self,
        tenant: u32,
        name: &str,
        version: u32,
    ) -> Result<Option<Policy>, Fault> {
        let key = keys::policy_version(tenant, name, version);
        load(self, Table::Policy, &key)
    }

    /// What somebody may do for a customer, whether or not it is over.
    fn delegation(
        &self,
        tenant: u32,
        principal: SubjectHash,
        delegate: SubjectHash,
    ) -> Result<Option<Delegation>, Fault> {
        let key = keys::delegation(tenant, principal, delegate);
        load(self, Table::Subject, &key)
    }

    /// An agent's session.
    fn session(&self, tenant: u32, session: SessionId) -> Result<Option<Session>, Fault> {
        load(self, Table::Agent, &keys::session(tenant, session))
    }

    /// The tenant's written rules in force.
    fn work_rules(&self, tenant: u32) -> Result<Option<WorkRules>, Fault> {
        load(self, Table::Policy, &keys::work_rules(tenant))
    }

    /// A request to see masked fields.
    fn unmask(
        &self,
        tenant: u32,
        contact: ContactId,
        unmask: UnmaskId,
    ) -> Result<Option<Unmask>, Fault> {
        load(self, Table::Call, &keys::unmask(tenant, contact, unmask))
    }

    /// Whether a version of a policy is retired.
    fn is_retired(&self, tenant: u32, name: &str, version: u32) -> Result<bool, Fault> {
        let key = keys::policy_retired(tenant, name, version);
        Ok(self.get(Table::Policy, &key)?.is_some())
    }

    /// What a subject can be told of the verdicts about it; empty if there are none.
    fn history(&self, tenant: u32, subject: SubjectHash) -> Result<History, Fault> {
        Ok(load(self, Table::Subject, &keys::history(tenant, subject))?.unwrap_or_default())
    }

    /// An agent.
    fn agent(&self, tenant: u32, agent: AgentHash) -> Result<Option<Agent>, Fault> {
        load(self, Table::Agent, &keys::agent(tenant, agent))
    }

    /// When refusals of an agent's sessions were recorded; the agent by pseudonym.
    fn refusals(&self, tenant: u32, agent: Tag) -> Result<Refusals, Fault> {
        Ok(load(self, Table::Agent, &keys::refusals(tenant, agent))?.unwrap_or_default())
    }

    /// What an issuer of this name attested of an agent's machine last.
    fn posture_by(
        &self,
        tenant: u32,
        agent: AgentHash,
        issuer: &str,
    ) -> Result<Option<Posture>, Fault> {
        load(self, Table::Agent, &keys::posture(tenant, agent, issuer))
    }

    /// The newest look at an agent's machine by somebody whom `rule` believes, good or bad.
    fn believed_posture(
        &self,
        tenant: u32,
        agent: AgentHash,
        rule: &AgentRule,
    ) -> Result<Option<Posture>, Fault> {
        if rule.posture_issuers.is_empty() {
            return Ok(self.agent(tenant, agent)?.and_then(|agent| agent.posture));
        }
        let mut newest: Option<Posture> = None;
        for issuer in &rule.posture_issuers {
            let known = self.posture_by(tenant, agent, issuer)?;
            if known.map(|posture| posture.attested) > newest.map(|posture| posture.attested) {
                newest = known;
            }
        }
        Ok(newest)
    }

    /// A customer's newest report that stopped contacts.
    fn reported(&self, tenant: u32, subject: SubjectHash) -> Result<Option<Reported>, Fault> {
        load(self, Table::Subject, &keys::reported(tenant, subject))
    }

    /// A subject; a blank one if it was never seen.
    fn subject(&self, tenant: u32, subject: SubjectHash) -> Result<Subject, Fault> {
        Ok(load(self, Table::Subject, &keys::subject(tenant, subject))?.unwrap_or_default())
    }

    /// A key of an issuer, by its id.
    fn issuer(&self, tenant: u32, key_id: Digest) -> Result<Option<Issuer>, Fault> {
        load(self, Table::Policy, &keys::issuer(tenant, key_id))
    }

    /// A sensor, by its certificate's digest.
    fn sensor(&self, tenant: u32, certificate: Digest) -> Result<Option<Sensor>, Fault> {
        load(self, Table::Policy, &keys::sensor(tenant, certificate))
    }

    /// A registered credential.
    fn credential(
        &self,
        tenant: u32,
        subject: SubjectHash,
        serial: Serial,
    ) -> Result<Option<Credential>, Fault> {
        load(
            self,
            Table::Subject,
            &keys::credential(tenant, subject, serial),
        )
    }

    /// A subject's enrolled template.
    fn template(&self, tenant: u32, subject: SubjectHash) -> Result<Option<Template>, Fault> {
        load(self, Table::Subject, &keys::template(tenant, subject))
    }

    /// What notifiers said of a challenge's notice; nothing if it was never mentioned.
    fn sent(&self, tenant: u32, challenge: ChallengeId) -> Result<Sent, Fault> {
        Ok(load(self, Table::Call, &keys::sent(tenant, challenge))?.unwrap_or_default())
    }

    /// An order of a contact.
    fn order(
        &self,
        tenant: u32,
        contact: ContactId,
        order: OrderId,
    ) -> Result<Option<Order>, Fault> {
        load(self, Table::Call, &keys::order(tenant, contact, order))
    }

    /// An approved order's sealed payload, while it waits for the processor.
    fn sealed_order(
        &self,
        tenant: u32,
        contact: ContactId,
        order: OrderId,
    ) -> Result<Option<SealedOrder>, Fault> {
        load(
            self,
            Table::Outbox,
            &keys::sealed_order(tenant, contact, order),
        )
    }

    /// What a campaign's executed orders cost together, hidden; of none if it was never seen.
    fn campaign(&self, tenant: u32, campaign: u32) -> Result<Campaign, Fault> {
        Ok(load(self, Table::Call, &keys::campaign(tenant, campaign))?.unwrap_or_default())
    }

    /// A campaign's running sum after its order `number`.
    fn campaign_sum(
        &self,
        tenant: u32,
        campaign: u32,
        number: u64,
    ) -> Result<Option<[u8; 32]>, Fault> {
        let key = keys::campaign_sum(tenant, campaign, number);
        load(self, Table::Call, &key)
    }

    /// An agent's login.
    fn agent_login(&self, tenant: u32, login: LoginId) -> Result<Option<AgentLogin>, Fault> {
        load(self, Table::Call, &keys::agent_login(tenant, login))
    }

    /// An invitation.
    fn enrolment(&self, tenant: u32, id: EnrolmentId) -> Result<Option<Enrolment>, Fault> {
        load(self, Table::Subject, &keys::enrolment(tenant, id))
    }

    /// A contact.
    fn contact(&self, tenant: u32, contact: ContactId) -> Result<Option<Contact>, Fault> {
        load(self, Table::Call, &keys::contact(tenant, contact))
    }

    /// How many contacts a tenant has had.
    fn tally(&self, tenant: u32) -> Result<Tally, Fault> {
        Ok(load(self, Table::Call, &keys::tally(tenant))?.unwrap_or_default())
    }

    /// The leaf of the closed contact with this number.
    fn processed_leaf(&self, tenant: u32, number: u64) -> Result<Option<u64>, Fault> {
        load(self, Table::Call, &keys::processed(tenant, number))
    }

    /// A challenge.
    fn challenge(&self, tenant: u32, id: ChallengeId) -> Result<Option<Challenge>, Fault> {
        load(self, Table::Call, &keys::challenge(tenant, id))
    }
}

impl<V: View + ?Sized> Records for V {}
