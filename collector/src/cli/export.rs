//! `export`: history as lines of JSON, sorted, a page at a time.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use uphold_common::ids::{Id, ProbeId};
use uphold_common::time::{Instant, Interval};
use uphold_common::yaml::words::{did_you_mean, shown};
use uphold_manual::after_help;

use super::ask::{self, understood};
use super::exit::{DONE, Ended, UNAVAILABLE, UNAVAILABLE_MEANS, USAGE, WRONG};
use super::progress::Progress;
use crate::api::rows::{StreamList, path};
use crate::api::socket::Ask;
use crate::engine::Engine;
use crate::history::write::write;
use crate::store::StreamId;

const EXAMPLES: [&str; 3] = [
    "uphold-collector export --output history.jsonl",
    "uphold-collector export --service webshop --from 2026-03-01T00:00:00Z",
    "uphold-collector export --host web-1",
];
const EXIT_CODES: [(u8, &str); 4] = [
    (DONE, "everything that was asked for is written"),
    (WRONG, "nothing was ever observed of what was asked for"),
    (USAGE, "the command line is not right, or names a file that cannot be written"),
    (UNAVAILABLE, UNAVAILABLE_MEANS),
];

/// What `export` is told.
#[derive(Debug, Args)]
#[command(after_help = after_help::written(&EXAMPLES, &EXIT_CODES))]
pub(super) struct ExportArgs {
    /// Only the probes of this service.
    #[arg(long)]
    service: Option<String>,
    /// Only this probe, such as webshop/front-page.
    #[arg(long, value_name = "SERVICE/PROBE")]
    probe: Option<String>,
    /// Only what this agent saw of probes.
    #[arg(long)]
    agent: Option<String>,
    /// Only what was read of this host.
    #[arg(long)]
    host: Option<String>,
    /// From this instant on.
    #[arg(long, value_name = "INSTANT")]
    from: Option<String>,
    /// To just before this one.
    #[arg(long, value_name = "INSTANT")]
    to: Option<String>,
    /// Into this file, which is replaced once all is written [default: standard output].
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "./uphold-data")]
    data: PathBuf,
}

/// Where rows are read.
enum Source {
    Collector(PathBuf),
    Store(Box<Engine>),
}

pub(super) fn export(args: &ExportArgs) -> Result<(), Ended> {
    let span = Interval::new(
        instant("--from", args.from.as_deref())?.unwrap_or(Instant::MIN),
        instant("--to", args.to.as_deref())?.unwrap_or(Instant::MAX),
    );
    let (source, all) = Source::open(&args.data)?;
    let wanted = wanted(args, all)?;
    let Some(output) = &args.output else {
        return write_all(&source, &wanted, span, &mut io::stdout().lock());
    };
    let unwritable = |error: io::Error| Ended::new(USAGE, format!("could not write {}: {error}", output.display()));
    let mut beside = output.clone().into_os_string();
    beside.push(format!(".{}.part", std::process::id()));
    let mut file = File::create_new(&beside).map_err(unwritable)?;
    let written = write_all(&source, &wanted, span, &mut file);
    let replaced = || file.sync_all().and_then(|()| std::fs::rename(&beside, output)).map_err(unwritable);
    written.and_then(|()| replaced()).inspect_err(|_| drop(std::fs::remove_file(&beside)))
}

fn write_all(source: &Source, wanted: &[StreamId], span: Interval, out: &mut dyn Write) -> Result<(), Ended> {
    let bar = Progress::of("exporting");
    let mut out = BufWriter::with_capacity(1 << 20, out);
    let failed = |error: io::Error| Ended::new(UNAVAILABLE, format!("could not write: {error}"));
    for (done, of) in wanted.iter().enumerate() {
        bar.show(done as u64, wanted.len() as u64, "streams".to_owned());
        source.each_page(of, span, |lines| out.write_all(lines).map_err(failed))?;
    }
    out.flush().map_err(failed)
}

impl Source {
    /// The running collector, or the store when none runs; with all of its streams.
    fn open(data: &Path) -> Result<(Self, Vec<StreamId>), Ended> {
        if let Some(body) = ask::running(data, &Ask::get("/api/v1/streams"))? {
            let list: StreamList = understood(&body)?;
            return Ok((Self::Collector(data.to_owned()), list.streams.into_iter().map(Into::into).collect()));
        }
        let engine = Box::new(ask::open(data)?);
        let streams = engine.streams();
        Ok((Self::Store(engine), streams))
    }

    /// Gives the lines of a stream to `take`, page by page.
    fn each_page(
        &self,
        of: &StreamId,
        span: Interval,
        mut take: impl FnMut(&[u8]) -> Result<(), Ended>,
    ) -> Result<(), Ended> {
        match self {
            Self::Collector(data) => {
                let mut next = Some(path(of, span));
                while let Some(page) = next {
                    let ended = || Ended::new(UNAVAILABLE, "the collector ended before everything was read");
                    let answer = ask::running_whole(data, &Ask::get(&page))?.ok_or_else(ended)?;
                    take(&answer.body)?;
                    next = answer.next;
                }
            }
            Self::Store(engine) => {
                let mut next = Some(span.start);
                while let Some(start) = next {
                    let page = engine.page(of, Interval::new(start, span.end));
                    let page = page.map_err(|error| Ended::new(UNAVAILABLE, error))?;
                    let mut lines = Vec::new();
                    write(of, &page.rows, &mut lines).map_err(|error| Ended::new(UNAVAILABLE, error))?;
                    take(&lines)?;
                    next = page.next;
                }
            }
        }
        Ok(())
    }
}

/// The streams that are asked for. What is said of probes leaves hosts out, unless one is asked for as well.
fn wanted(args: &ExportArgs, all: Vec<StreamId>) -> Result<Vec<StreamId>, Ended> {
    let of_probes = args.service.is_some() || args.probe.is_some() || args.agent.is_some();
    let all_of = |name: fn(&StreamId) -> Option<String>| all.iter().filter_map(name).collect::<Vec<String>>();
    check("--service", args.service.as_deref(), &all_of(|of| Some(probe(of)?.0.parent.to_string())))?;
    check("--probe", args.probe.as_deref(), &all_of(|of| Some(probe(of)?.0.to_string())))?;
    check("--agent", args.agent.as_deref(), &all_of(|of| Some(probe(of)?.1.to_string())))?;
    check("--host", args.host.as_deref(), &all_of(|of| Some(host(of)?.to_string())))?;
    let is = |said: &Option<String>, found: &str| said.as_deref().is_none_or(|said| said == found);
    let wants = |of: &StreamId| match (probe(of), host(of)) {
        (Some((probe, agent)), _) => {
            (of_probes || args.host.is_none())
                && is(&args.service, probe.parent.as_str())
                && is(&args.probe, &probe.to_string())
                && is(&args.agent, agent.as_str())
        }
        (None, Some(host)) => (args.host.is_some() || !of_probes) && is(&args.host, host.as_str()),
        (None, None) => false,
    };
    Ok(all.into_iter().filter(wants).collect())
}

fn probe(of: &StreamId) -> Option<(&ProbeId, &Id)> {
    match of {
        StreamId::Probe(point) => Some((&point.probe, &point.agent)),
        StreamId::Capacity(_) | StreamId::Volume(_) => None,
    }
}

fn host(of: &StreamId) -> Option<&Id> {
    match of {
        StreamId::Probe(_) => None,
        StreamId::Capacity(id) => Some(&id.host),
        StreamId::Volume(id) => Some(&id.host),
    }
}

/// Whether there is anything of what was said.
fn check(flag: &str, said: Option<&str>, there: &[String]) -> Result<(), Ended> {
    let Some(said) = said.filter(|said| !there.iter().any(|one| one == said)) else { return Ok(()) };
    let hint = did_you_mean(said, there.iter().map(String::as_str));
    Err(Ended::new(WRONG, format!("{flag}: nothing was ever observed of {}{hint}", shown(said))))
}

fn instant(flag: &str, text: Option<&str>) -> Result<Option<Instant>, Ended> {
    let Some(text) = text else { return Ok(None) };
    let expected = "an instant such as 2026-03-01T00:00:00Z, or milliseconds since 1970";
    Instant::parse(text).map(Some).ok_or_else(|| Ended::new(USAGE, format!("{flag}: expected {expected}")))
}
