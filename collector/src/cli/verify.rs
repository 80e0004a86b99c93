//! `verify`: whether everything that was kept is there and sound.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use uphold_manual::after_help;

use super::Format;
use super::ask::{self, print_json};
use super::exit::{DONE, Ended, UNAVAILABLE, UNAVAILABLE_MEANS, USAGE, WRONG};
use super::progress::Progress;
use super::table::table;
use crate::api::socket::Ask;
use crate::clock;
use crate::engine::Engine;
use crate::inforce;
use crate::report::clean;
use crate::store::{DataDir, EmbeddedStore, StoreError, StoreOptions, Verified};

const EXAMPLES: [&str; 2] = ["uphold-collector verify --data ./uphold-data", "uphold-collector verify --all"];
const EXIT_CODES: [(u8, &str); 4] = [
    (DONE, "everything that was looked at is sound"),
    (WRONG, "something is damaged or missing, and all of it was told"),
    (USAGE, "the command line is not right"),
    (UNAVAILABLE, UNAVAILABLE_MEANS),
];

/// What `verify` is told.
#[derive(Debug, Args)]
#[command(after_help = after_help::written(&EXAMPLES, &EXIT_CODES))]
pub(super) struct VerifyArgs {
    /// Derive every kept day anew, not only a sample.
    #[arg(long)]
    all: bool,
    /// The form.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "./uphold-data")]
    data: PathBuf,
}

pub(super) fn verify(args: &VerifyArgs) -> Result<(), Ended> {
    if ask::running(&args.data, &Ask::get("/healthz"))?.is_some() {
        let message = format!("a collector runs on {}; end it, then verify its store", args.data.display());
        return Err(Ended::new(UNAVAILABLE, message));
    }
    if !args.data.join("store").is_dir() {
        return Err(Ended::new(UNAVAILABLE, format!("there is no store in {}", args.data.display())));
    }
    let verified = look(&args.data, args.all).map_err(|error| Ended::new(UNAVAILABLE, error))?;
    match args.format {
        Format::Json => print_json(&document(&verified)?)?,
        Format::Text => tell(&verified),
    }
    if verified.is_sound() { Ok(()) } else { Err(Ended::new(WRONG, "")) }
}

/// Looks at everything. What keeps the store, or what stands on it, from being opened is a finding as well.
fn look(data: &Path, all: bool) -> Result<Verified, StoreError> {
    let bar = Progress::of("verifying");
    let now = clock::now();
    let dir = DataDir::claim(data, "uphold-collector", now)?;
    let mut store = match EmbeddedStore::open(dir, StoreOptions::default()) {
        Ok(store) => store,
        Err(StoreError::Corrupt { place, reason }) => {
            let mut verified = Verified::default();
            verified.find(place, format!("{reason}; the store cannot be opened"));
            return Ok(verified);
        }
        Err(failed) => return Err(failed),
    };
    let mut verified = store.verify(&mut |done, of| bar.show(done, of, "bytes".to_owned()))?;
    let unreadable = "no collector starts on this store";
    let files = match inforce::on_record(&mut store) {
        Ok(Some(files)) => files,
        Ok(None) => return Ok(verified),
        Err(why) => {
            verified.find("the catalogue on record", format!("{why}; {unreadable}"));
            return Ok(verified);
        }
    };
    match Engine::open(Box::new(store), &files, now) {
        Ok(mut engine) => engine.verify(all, now, &mut verified)?,
        Err(why) => verified.find("what is on record", format!("{why}; {unreadable}")),
    }
    Ok(verified)
}

fn document(verified: &Verified) -> Result<Vec<u8>, Ended> {
    let looked_at =
        verified.looked_at.iter().map(|(what, (count, bytes))| json!({ "what": what, "count": count, "bytes": bytes }));
    let document = json!({
        "sound": verified.is_sound(),
        "looked_at": looked_at.collect::<Vec<_>>(),
        "findings": verified.findings,
        "further": verified.further,
    });
    serde_json::to_vec(&document).map_err(|error| Ended::new(UNAVAILABLE, error))
}

fn tell(verified: &Verified) {
    let row = |(what, (count, bytes)): (&&str, &(u64, u64))| {
        let bytes = if *bytes == 0 { String::new() } else { bytes.to_string() };
        [(*what).to_owned(), count.to_string(), bytes]
    };
    let rows: Vec<_> = verified.looked_at.iter().map(row).collect();
    anstream::print!("{}", table(["LOOKED AT", "COUNT", "BYTES"], &rows));
    for finding in &verified.findings {
        anstream::println!("{}: {}", clean(&finding.place), clean(&finding.what));
    }
    match verified.findings.len() as u64 + verified.further {
        0 => anstream::println!("Everything is sound."),
        count if verified.further > 0 => anstream::println!("{count} findings, {} of them not told.", verified.further),
        count => anstream::println!("{count} findings."),
    }
}
