//! `akashi completion`: shell completion.

use clap::Args;
use clap_complete::{Shell, generate};

use super::output::Output;

/// Print the completion script of a shell
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  akashi completion bash > ~/.local/share/bash-completion/completions/akashi"
)]
pub(super) struct Completion {
    /// The shell
    shell: Shell,
}

impl Completion {
    pub(super) fn run(&self, mut command: clap::Command, output: Output) {
        let mut script = Vec::new();
        generate(self.shell, &mut command, "akashi", &mut script);
        output.raw(&script);
    }
}
