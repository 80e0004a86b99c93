//! `uphold-agent probe`: one attempt, shown. What is asked comes as a URL, or as a check in the catalogue's own words.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use uphold_common::catalogue::read_check;
use uphold_common::ids::{Id, PathId};
use uphold_common::observation::{Outcome, Phases};
use uphold_common::wire::assignment::ProbeSpec;
use uphold_common::wire::check::{Check, GrpcCheck, HttpCheck, IpChoice, TcpCheck, TlsCheck, TlsOptions};

use super::table::{self, Cell, DIM, style_of};
use super::{Exit, Format, ProbeArgs, complain};
use crate::accept::Accept;
use crate::clock::Clock;
use crate::probe::secure::Session;
use crate::probe::{Attempt, Happened, Probe};

/// Most bytes of a file with a check.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// A certificate that holds for less is degraded, as in the catalogue.
const EXPIRES_AFTER_MS: i64 = 14 * 86_400_000;

/// Makes one attempt and shows it.
pub(super) async fn run(args: ProbeArgs) -> Exit {
    let (target, spec) = match asked(&args) {
        Ok(asked) => asked,
        Err(exit) => return exit,
    };
    // Whoever types the command may read the files that they name.
    let accept = Accept { files: Some(vec![PathBuf::from("/")]), ..Accept::default() };
    let probe = Probe::new(&spec, &Arc::new(accept));
    if let Some(problem) = probe.problem() {
        let schemes = " (http://…, https://…, tcp://host:port, tls://host:port and grpc://host:port are understood)";
        complain(&format!("{problem}{}", if args.target.is_some() { schemes } else { "" }));
        return Exit::Usage;
    }
    let attempt = probe.attempt(Clock::new().now()).await;
    let shown = match args.format {
        Format::Text => show(&mut anstream::stdout(), &target, &attempt),
        Format::Json => writeln!(io::stdout(), "{}", json(&target, &attempt)),
    };
    if shown.is_err() {
        return Exit::Failed;
    }
    match attempt.observation.outcome {
        Outcome::Up | Outcome::Degraded => Exit::Fine,
        Outcome::Down => Exit::Failed,
        Outcome::Unknown => Exit::Unknown,
    }
}

/// What is asked, and whom in words.
fn asked(args: &ProbeArgs) -> Result<(String, ProbeSpec), Exit> {
    let check = match (&args.target, &args.check, &args.file) {
        (Some(url), _, _) => of_url(url, args)?,
        (None, Some(text), _) => of_text("--check", text)?,
        (None, None, Some(path)) => {
            let text = read(path).map_err(|error| super::usage(&format!("could not read {}: {error}", path.display())));
            of_text(&path.display().to_string(), &text?)?
        }
        (None, None, None) => return Err(super::usage(&"what is asked is missing: a URL, --check or --file")),
    };
    let target = match (&args.target, &check) {
        (Some(url), _) => url.clone(),
        (None, Check::Http(check)) => check.url.clone(),
        (None, Check::Tcp(TcpCheck { address, .. })) => format!("tcp://{address}"),
        (None, Check::Tls(TlsCheck { address, .. })) => format!("tls://{address}"),
        (None, Check::Grpc(GrpcCheck { address, .. })) => format!("grpc://{address}"),
        (None, other) => other.kind().to_owned(),
    };
    let name = Id::new("once").map_err(|error| super::usage(&error))?;
    let id = PathId::new(name.clone(), name);
    let (timeout_ms, slow_after_ms) = (args.timeout, args.slow_after);
    Ok((target, ProbeSpec { id, interval_ms: timeout_ms, timeout_ms, slow_after_ms, confirm: None, check }))
}

fn of_text(name: &str, text: &str) -> Result<Check, Exit> {
    read_check(name, text).map_err(|problems| super::usage(&problems))
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

fn of_url(url: &str, args: &ProbeArgs) -> Result<Check, Exit> {
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let address = rest.trim_end_matches('/').to_owned();
    let check = match scheme {
        "tcp" => Check::Tcp(TcpCheck { address, ..TcpCheck::default() }),
        "tls" => {
            let (expires_after_ms, starttls) = (EXPIRES_AFTER_MS, None);
            let (ip, tls) = (IpChoice::default(), TlsOptions::default());
            Check::Tls(TlsCheck { address, expires_after_ms, starttls, ip, tls })
        }
        "grpc" => Check::Grpc(GrpcCheck { address, ..GrpcCheck::default() }),
        "grpcs" => Check::Grpc(GrpcCheck { address, tls: Some(TlsOptions::default()), ..GrpcCheck::default() }),
        _ => {
            let (url, codes, body_matches) = (url.to_owned(), args.codes.clone(), args.body_matches.clone());
            return Ok(Check::Http(Box::new(HttpCheck { url, codes, body_matches, ..HttpCheck::default() })));
        }
    };
    if !args.codes.is_empty() || args.body_matches.is_some() {
        return Err(super::usage(&"only a probe of an http or https URL has --code or --body-matches"));
    }
    Ok(check)
}

fn row(name: &str, text: impl AsRef<str>) -> Vec<Cell> {
    vec![Cell::text(name).styled(DIM), Cell::text(text)]
}

fn show(out: &mut impl io::Write, target: &str, attempt: &Attempt) -> io::Result<()> {
    let seen = &attempt.observation;
    let outcome = Cell::text(seen.outcome.as_str()).styled(style_of(seen.outcome));
    let mut rows = vec![row("target", target), vec![Cell::text("outcome").styled(DIM), outcome]];
    rows.push(row("cause", seen.cause.as_str()));
    if seen.code > 0 {
        rows.push(row("code", seen.code.to_string()));
    }
    if let Some(detail) = detail(&attempt.facts.happened) {
        rows.push(row("detail", detail));
    }
    rows.extend(attempt.facts.session.iter().flat_map(session_rows));
    table::write(out, &rows)?;
    writeln!(out)?;
    let named =
        Phases::NAMES.iter().zip(seen.phases.to_array()).filter_map(|(name, phase)| Some((*name, phase.get()?)));
    let mut rows: Vec<Vec<Cell>> =
        named.map(|(name, us)| vec![Cell::text(name.replace('_', " ")).styled(DIM), Cell::number(ms(us))]).collect();
    rows.push(vec![Cell::text("total").styled(DIM), Cell::number(ms(seen.total.get().unwrap_or_default()))]);
    table::write(out, &rows)
}

fn session_rows(session: &Session) -> Vec<Vec<Cell>> {
    let mut rows = vec![row("TLS", format!("{}, {}", session.version, session.cipher))];
    let Some(chain) = &session.chain else { return rows };
    rows.push(row("certificate", &chain.subject));
    rows.push(row("for", chain.names.join(", ")));
    rows.push(row("signed by", &chain.issuer));
    rows.push(row("holds until", chain.leaf_until.to_string()));
    if chain.chain_until != chain.leaf_until {
        rows.push(row("its chain until", chain.chain_until.to_string()));
    }
    rows.push(row("SHA-256", &chain.fingerprint));
    rows
}

fn json(target: &str, attempt: &Attempt) -> serde_json::Value {
    let seen = &attempt.observation;
    let phases = Phases::NAMES.iter().zip(seen.phases.to_array());
    let phases: serde_json::Map<_, _> = phases.map(|(name, us)| ((*name).to_owned(), us.get().into())).collect();
    serde_json::json!({
        "target": target,
        "at_ms": seen.at.as_ms(),
        "outcome": seen.outcome,
        "cause": seen.cause,
        "code": (seen.code > 0).then_some(seen.code),
        "total_us": seen.total.get(),
        "phases_us": phases,
        "detail": detail(&attempt.facts.happened),
        "tls": attempt.facts.session.as_ref().map(session_json),
    })
}

fn session_json(session: &Session) -> serde_json::Value {
    let chain = session.chain.as_deref();
    serde_json::json!({
        "version": session.version,
        "cipher": session.cipher,
        "verified": session.verified,
        "subject": chain.map(|chain| &chain.subject),
        "issuer": chain.map(|chain| &chain.issuer),
        "names": chain.map(|chain| &chain.names),
        "not_after_ms": chain.map(|chain| chain.leaf_until.as_ms()),
        "chain_not_after_ms": chain.map(|chain| chain.chain_until.as_ms()),
        "sha256": chain.map(|chain| &chain.fingerprint),
    })
}

/// What was seen beyond outcome and cause.
fn detail(happened: &Happened) -> Option<String> {
    match happened {
        Happened::TimedOut => None,
        Happened::Answered(answer) => answer.seen.detail(),
        Happened::NotConnected(trouble) => Some(trouble.text.clone()),
        Happened::NotResolved(text)
        | Happened::TlsFailed(text)
        | Happened::Expired(text)
        | Happened::Redirected(text)
        | Happened::NotUnderstood(text)
        | Happened::NotTried(text) => Some(text.clone()),
    }
}

/// Microseconds as milliseconds with two decimals, cut.
fn ms(us: u64) -> String {
    format!("{}.{:02} ms", us / 1_000, us % 1_000 / 10)
}
