//! `schema`: the catalogue's language as JSON Schema.

use std::io::Write as _;

use clap::Args;
use uphold_common::catalogue::SCHEMA;
use uphold_manual::after_help;

use super::exit::{Ended, PRINTED};
use super::printed;

const EXAMPLES: [&str; 1] = ["uphold-collector schema > catalogue.schema.json"];

/// An editor finds the schema by the first line of the catalogue:
/// `# yaml-language-server: $schema=catalogue.schema.json`
#[derive(Debug, Args)]
#[command(after_help = after_help::written(&EXAMPLES, &PRINTED))]
pub(super) struct SchemaArgs {}

pub(super) fn print(_: &SchemaArgs) -> Result<(), Ended> {
    let mut out = std::io::stdout().lock();
    printed::ended(out.write_all(SCHEMA.as_bytes()).and_then(|()| out.flush()))
}
