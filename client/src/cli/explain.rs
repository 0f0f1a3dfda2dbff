//! `akashi explain`: what an error number or a reason means.

use clap::Args;
use serde_json::json;

use super::output::Output;
use super::{leaf, reasons};
use crate::error::{Code, Error};

/// Tell what an error number or a reason means and what to do next
#[derive(Debug, Args)]
#[command(after_help = "\
Errors are written AK6001; the reasons of verdicts are plain numbers below 1000.

Example:
  akashi explain AK6001
  akashi explain 24")]
pub(super) struct Explain {
    /// The number, for example AK6001, or 24 for a reason; all error numbers if left out
    code: Option<String>,
}

impl Explain {
    pub(super) fn run(&self, output: Output) -> Result<(), Error> {
        let reason = self.code.as_ref().and_then(|text| text.parse().ok());
        if let Some(number) = reason.filter(|number| *number < reasons::REASON_LIMIT) {
            return explain_reason(number, output);
        }
        let codes = match &self.code {
            Some(text) => vec![
                Code::parse(text)
                    .ok_or_else(|| Error::usage(format!("{text} is no error number of akashi")))?,
            ],
            None => Code::ALL.to_vec(),
        };
        let mut rows = Vec::new();
        let mut json = Vec::new();
        for about in codes.iter().map(|code| code.explain()) {
            let number = format!("AK{}", about.number);
            let exit = about.exit.number();
            json.push(json!({ "code": number, "exit": exit, "title": about.title,
                              "cause": about.cause, "next": about.next }));
            rows.push(vec![number, exit.to_string(), about.title.to_owned()]);
        }
        if let [only] = codes.as_slice() {
            let about = only.explain();
            let fields = [
                ("code", format!("AK{}", about.number)),
                ("meaning", about.title.to_owned()),
                ("cause", about.cause.to_owned()),
                ("next", about.next.to_owned()),
                ("exit status", about.exit.number().to_string()),
            ];
            output.record(&fields, json.first().unwrap_or(&json!(null)));
        } else {
            output.records(&["CODE", "EXIT", "MEANING"], &rows, &json);
        }
        Ok(())
    }
}

fn explain_reason(number: u16, output: Output) -> Result<(), Error> {
    let about = reasons::about(number)
        .ok_or_else(|| Error::usage(format!("{number} is no reason that this version knows")))?;
    let words = leaf::reason(number);
    output.record(
        &[
            ("reason", words.clone()),
            ("cause", about.cause.to_owned()),
            ("next", about.next.to_owned()),
        ],
        &json!({ "reason": number, "words": words, "cause": about.cause, "next": about.next }),
    );
    Ok(())
}
