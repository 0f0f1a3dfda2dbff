//! The `akashi` command. Everything it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    akashi_client::cli::run()
}
