//! The only place where the command writes: data to stdout, everything else to stderr.
//!
//! A closed pipe is not an error of ours: writing stops quietly. Meaning never hangs on colour: the
//! marks are words and signs as well.

use std::io::{self, IsTerminal as _, Write as _};

use clap::ValueEnum;
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde_json::Value;

use crate::error::Error;

/// How data is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns for people.
    Table,
    /// One JSON document.
    Json,
    /// One JSON object per line.
    Jsonl,
}

/// Where a command writes.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// How data is written.
    pub format: Format,
    quiet: bool,
    colour: bool,
    progress: bool,
}

impl Output {
    /// Output by the global options; colour only on a terminal and without `NO_COLOR`.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the command reads its environment in cli/"
    )]
    pub fn new(format: Format, quiet: bool) -> Self {
        let plain = std::env::var("NO_COLOR").is_ok_and(|value| !value.is_empty());
        let terminal = io::stderr().is_terminal();
        Self {
            format,
            quiet,
            colour: terminal && !plain,
            progress: terminal && !quiet,
        }
    }

    /// Whether a progress bar makes sense.
    #[must_use]
    pub const fn progress(self) -> bool {
        self.progress
    }

    /// Writes data.
    pub fn data(self, text: &str) {
        let (Ok(()) | Err(_)) = writeln!(io::stdout().lock(), "{text}");
    }

    /// Writes data as it is, without a newline of its own.
    pub fn raw(self, bytes: &[u8]) {
        let mut stdout = io::stdout().lock();
        let (Ok(()) | Err(_)) = stdout.write_all(bytes).and_then(|()| stdout.flush());
    }

    /// Writes commentary, unless it was asked to be quiet.
    pub fn note(self, text: &str) {
        if !self.quiet {
            let (Ok(()) | Err(_)) = writeln!(io::stderr().lock(), "{text}");
        }
    }

    /// Writes a question without a newline; also when quiet, or nobody would know what is asked.
    pub fn ask(self, text: &str) {
        let mut stderr = io::stderr().lock();
        let (Ok(()) | Err(_)) = write!(stderr, "{text}").and_then(|()| stderr.flush());
    }

    /// Writes an error with its number, cause and next step; also when quiet.
    pub fn error(self, error: &Error) {
        let about = error.code().explain();
        let head = self.painted("31", &format!("error AK{}", about.number));
        let (Ok(()) | Err(_)) = writeln!(
            io::stderr().lock(),
            "{head}: {error}\n  cause: {}\n  next:  {}\n  more:  akashi explain AK{}",
            about.cause,
            about.next,
            about.number,
        );
    }

    /// The sign for something that holds or does not.
    #[must_use]
    pub fn mark(self, holds: bool) -> String {
        if holds {
            self.painted("32", "✔")
        } else {
            self.painted("31", "✘")
        }
    }

    /// A heading.
    #[must_use]
    pub fn heading(self, text: &str) -> String {
        self.painted("1", text)
    }

    /// Writes records: a table for people, or the same as JSON.
    pub fn records(self, header: &[&str], rows: &[Vec<String>], json: &[Value]) {
        match self.format {
            Format::Table => self.data(&table(header, rows)),
            Format::Json => self.data(&pretty(&Value::Array(json.to_vec()))),
            Format::Jsonl => {
                for value in json {
                    self.data(&value.to_string());
                }
            }
        }
    }

    /// Writes one record: names and values for people, or one JSON object.
    pub fn record(self, fields: &[(&str, String)], json: &Value) {
        match self.format {
            Format::Table => {
                let rows: Vec<Vec<String>> = fields
                    .iter()
                    .map(|(name, value)| vec![(*name).to_owned(), value.clone()])
                    .collect();
                self.data(&table(&[], &rows));
            }
            Format::Json => self.data(&pretty(json)),
            Format::Jsonl => self.data(&json.to_string()),
        }
    }

    fn painted(self, colour: &str, text: &str) -> String {
        if self.colour {
            format!("\u{1b}[{colour}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Columns without lines, two spaces apart.
#[must_use]
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    if !header.is_empty() {
        table.set_header(header.to_vec());
    }
    for row in rows {
        table.add_row(row.clone());
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_unwritable| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_lines_its_columns_up() {
        let rows = vec![
            vec!["n1".to_owned(), "leader".to_owned()],
            vec!["n22".to_owned(), "x".to_owned()],
        ];
        assert_eq!(
            table(&["NODE", "ROLE"], &rows),
            "NODE  ROLE\nn1    leader\nn22   x"
        );
    }
}
