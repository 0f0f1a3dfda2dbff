//! What `akashi phone history` shows: what is stored about the owner of the phone.

use serde_json::json;

use super::output::Output;
use crate::answer::Outcome;
use crate::clock;
use crate::phone::OwnHistory;

/// Shows it.
pub(super) fn show(told: &OwnHistory, output: Output) {
    let enrolled = clock::rfc3339(told.enrolled_us);
    let face = if told.template { "yes" } else { "no" };
    output.note(&format!(
        "phone enrolled {enrolled}; credentials: {}; face template: {face}",
        told.credentials
    ));
    let (mut rows, mut past) = (Vec::new(), Vec::new());
    for one in &told.past {
        let at = clock::rfc3339(one.decided_us);
        let outcome = one.outcome.map_or("pending", Outcome::name);
        let purpose = one.purpose.words();
        past.push(
            json!({ "leafIndex": one.leaf_index, "decided": at, "outcome": outcome,
                          "purpose": purpose }),
        );
        let leaf = one.leaf_index.to_string();
        rows.push(vec![leaf, at, purpose.to_owned(), outcome.to_owned()]);
    }
    let all = json!({ "enrolled": enrolled, "credentials": told.credentials,
                      "template": told.template, "past": past });
    output.records(&["LEAF", "CLUSTER TIME", "FOR", "OUTCOME"], &rows, &[all]);
}
