//! Leaves of orders that are carried out or refused, and of totals.

use akashi_merkle::Leaf;

use super::{Columns, about, column, set};
use crate::event::{OrderExecuted, OrderOpened, OrderRefused, TotalProved};

impl Columns for OrderOpened {
    fn columns(&self, leaf: &mut Leaf) {
        about(leaf, self.challenge.0, self.tag);
        set(leaf, column::ORDER, &self.order.0);
        set(leaf, column::PROCESSOR, &self.processor.0);
    }
}

impl Columns for OrderExecuted {
    fn columns(&self, leaf: &mut Leaf) {
        about(leaf, self.challenge.0, self.tag);
        set(leaf, column::ORDER_HASH, &self.order_hash);
        set(leaf, column::ORDER, &self.order.0);
        if let Some(share) = self.share {
            set(leaf, column::CAMPAIGN, &share.campaign.to_be_bytes());
        }
        set(leaf, column::PROCESSOR, &self.processor.0);
        if let Some(share) = self.share {
            set(leaf, column::ORDER_NUMBER, &share.number.to_be_bytes());
            set(leaf, column::AMOUNT, &share.amount);
            set(leaf, column::AMOUNT_SUM, &share.sum);
        }
    }
}

impl Columns for OrderRefused {
    fn columns(&self, leaf: &mut Leaf) {
        about(leaf, self.challenge.0, self.tag);
        leaf.reason = self.reason;
        set(leaf, column::ORDER_HASH, &self.order_hash);
        set(leaf, column::ORDER, &self.order.0);
        set(leaf, column::PROCESSOR, &self.processor.0);
    }
}

impl Columns for TotalProved {
    fn columns(&self, leaf: &mut Leaf) {
        set(leaf, column::CAMPAIGN, &self.campaign.to_be_bytes());
        set(leaf, column::ORDER_NUMBER, &self.through.to_be_bytes());
        set(leaf, column::AMOUNT_SUM, &self.running);
        set(leaf, column::PERIOD_FIRST, &self.first.to_be_bytes());
        set(leaf, column::PERIOD_SUM, &self.sum);
    }
}
