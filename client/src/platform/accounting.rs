//! What a platform asks for when it accounts for its contacts: receipts of their processing, and
//! statements of a period.

use std::io::Write;

use akashi_merkle::processed::Processed;
use akashi_merkle::statement::{CheckedStatement, Part, StatementScope, Totals, Verifier};
use akashi_merkle::{CheckedLeaf, Hash, KeySet, SignedHead};
use akashi_proto::v1;
use akashi_proto::v1::platform_service_client::PlatformServiceClient;

use super::Platform;
use crate::answer::bytes32;
use crate::auditor::verify_receipt;
use crate::clock::Deadline;
use crate::error::Error;

/// Contacts asked for at a time: an answer of under 1 MiB.
const PART_CONTACTS: u32 = 2_048;

/// Which statement is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Period {
    /// Begin, in microseconds since 1970-01-01 UTC; inside.
    pub from_us: u64,
    /// End; outside.
    pub until_us: u64,
    /// The agreed time from announcement to verdict, in seconds.
    pub service_s: u32,
    /// Leaves of proved totals of orders to stand beside the contacts.
    pub totals: Vec<u64>,
}

impl Platform {
    /// The receipt of a closed contact's processing, waiting for its seal until the deadline: text,
    /// and what it proves.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it; [`Error::Integrity`] if it does not verify, or is about
    /// another contact.
    pub async fn processing_receipt(
        &self,
        contact_id: &[u8; 16],
        keys: &KeySet,
        deadline: Deadline,
    ) -> Result<(String, CheckedLeaf, Processed), Error> {
        let message = v1::GetProcessingReceiptRequest {
            tenant: self.tenant.clone(),
            contact_id: contact_id.to_vec().into(),
        };
        let answer = self
            .connection
            .call(deadline, &message, |channel, request| async move {
                PlatformServiceClient::new(channel)
                    .get_processing_receipt(request)
                    .await
            })
            .await?;
        let checked = verify_receipt(&answer.receipt, keys)?;
        let processed = checked
            .leaf()
            .ok()
            .and_then(|leaf| Processed::read(&leaf).ok())
            .filter(|processed| processed.contact_id == *contact_id)
            .ok_or_else(|| Error::integrity("the receipt is about something else"))?;
        Ok((answer.receipt, checked, processed))
    }

    /// Makes the statement of a period and writes it to `to`, block by block. Every block is verified
    /// with `keys` before it is written, so that what comes out is what `akashi statement verify`
    /// accepts.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it; [`Error::Integrity`] if a node gave something that does
    /// not hold. What was written until then is no statement.
    pub async fn make_statement(
        &self,
        period: &Period,
        keys: &KeySet,
        deadline: Deadline,
        to: &mut impl Write,
    ) -> Result<CheckedStatement, Error> {
        let found = self.find_processed(period, deadline).await?;
        let head = SignedHead::parse(&found.signed_head)
            .map_err(|broken| Error::integrity(format!("tree head: {broken}")))?
            .to_quorum(keys)
            .map_err(|broken| Error::integrity(format!("tree head: {broken}")))?;
        let scope = StatementScope {
            tenant: found.tenant_number,
            name: self.tenant.clone(),
            from_us: period.from_us,
            until_us: period.until_us,
            first: found.first_number,
            last: found.last_number,
            service_s: period.service_s,
        };
        let mut out = Checked {
            verifier: Verifier::new(keys, Some(&self.tenant)),
            to,
            begun: false,
        };
        let size = head.head.size;
        for block in blocks(&scope.to_text(&head)) {
            out.block(block)?;
        }
        let frame = self.frame(&found, &period.totals, size, deadline).await?;
        out.block(&frame.to_frame_text())?;
        let mut totals = Totals::default();
        let mut next = scope.first;
        while next <= scope.last {
            let left = scope.last.saturating_sub(next).saturating_add(1);
            let count = u32::try_from(left).unwrap_or(u32::MAX).min(PART_CONTACTS);
            let message = v1::GetStatementPartRequest {
                tenant: self.tenant.clone(),
                tree_size: size,
                first_number: next,
                count,
                leaf_indices: Vec::new(),
            };
            let part = self.statement_part(&message, deadline).await?;
            for contact in out.block(&part.to_part_text())? {
                totals.add(&contact, scope.service_s);
            }
            next = next.saturating_add(u64::from(count));
        }
        out.block(&totals.to_text())?;
        out.verifier.finish().map_err(unsound)
    }

    /// The leaves that tie a statement down: the tenant's name, and the neighbours of the period.
    async fn frame(
        &self,
        found: &v1::FindProcessedResponse,
        totals: &[u64],
        size: u64,
        deadline: Deadline,
    ) -> Result<Part, Error> {
        let mut indices = vec![found.tenant_leaf];
        let before = found.first_number.saturating_sub(1);
        let behind = found.last_number.saturating_add(1);
        for number in [before, behind] {
            if number == 0 || number > found.newest_number {
                continue;
            }
            let message = v1::GetStatementPartRequest {
                tenant: self.tenant.clone(),
                tree_size: size,
                first_number: number,
                count: 1,
                leaf_indices: Vec::new(),
            };
            let part = self.statement_part(&message, deadline).await?;
            indices.extend(part.leaves.iter().map(|(index, _)| *index));
        }
        indices.extend_from_slice(totals);
        indices.sort_unstable();
        indices.dedup();
        let message = v1::GetStatementPartRequest {
            tenant: self.tenant.clone(),
            tree_size: size,
            first_number: 0,
            count: 0,
            leaf_indices: indices,
        };
        self.statement_part(&message, deadline).await
    }

    async fn find_processed(
        &self,
        period: &Period,
        deadline: Deadline,
    ) -> Result<v1::FindProcessedResponse, Error> {
        let message = v1::FindProcessedRequest {
            tenant: self.tenant.clone(),
            from_us: period.from_us,
            until_us: period.until_us,
        };
        self.connection
            .call(deadline, &message, |channel, request| async move {
                PlatformServiceClient::new(channel)
                    .find_processed(request)
                    .await
            })
            .await
    }

    async fn statement_part(
        &self,
        message: &v1::GetStatementPartRequest,
        deadline: Deadline,
    ) -> Result<Part, Error> {
        let answer = self
            .connection
            .call(deadline, message, |channel, request| async move {
                PlatformServiceClient::new(channel)
                    .get_statement_part(request)
                    .await
            })
            .await?;
        if answer.leaf_indices.len() != answer.leaves.len() {
            return Err(Error::Answer { what: "leaves" });
        }
        let leaves = answer
            .leaf_indices
            .into_iter()
            .zip(answer.leaves.iter().map(|leaf| leaf.to_vec()))
            .collect();
        let path = answer
            .path
            .iter()
            .map(|hash| bytes32(hash, "path"))
            .collect::<Result<Vec<Hash>, _>>()?;
        Ok(Part { leaves, path })
    }
}

/// A statement on its way out, verified as it goes.
struct Checked<'a, W> {
    verifier: Verifier<'a>,
    to: &'a mut W,
    begun: bool,
}

impl<W: Write> Checked<'_, W> {
    fn block(&mut self, block: &str) -> Result<Vec<Processed>, Error> {
        let contacts = self.verifier.block(block).map_err(unsound)?;
        let between: &[u8] = if self.begun { b"\n" } else { b"" };
        self.begun = true;
        self.to
            .write_all(between)
            .and_then(|()| self.to.write_all(block.as_bytes()))
            .map_err(Error::file("-"))?;
        Ok(contacts)
    }
}

/// The blocks of a short text.
fn blocks(text: &str) -> impl Iterator<Item = &str> {
    // The newline before an empty line belongs to the block in front of it.
    text.split_inclusive("\n\n").map(|block| {
        block
            .strip_suffix("\n\n")
            .and_then(|_| block.strip_suffix('\n'))
            .unwrap_or(block)
    })
}

fn unsound(broken: akashi_merkle::statement::StatementError) -> Error {
    crate::statement::unsound(&broken)
}
