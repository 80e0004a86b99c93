//! `uphold-agent figures`: a service's figures as a collector has them.
//!
//! Nothing is computed here but the difference N − L; what is printed are the collector's own numbers and words.

use std::io::{self, Write as _};

use serde_json::Value;

use super::table::{self, Cell, DIM};
use super::{Exit, FiguresArgs, Format, complain, usage};
use crate::config::{Access, shown};
use crate::refusal::Refusal;
use crate::remote::{Remote, endpoint};

/// Most bytes of an answer that are read.
const FIGURES_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Fetches the figures and shows them.
pub(super) async fn run(mut args: FiguresArgs) -> Exit {
    let access = std::mem::take(&mut args.access).over(Access::default());
    if let Some(problem) = access.problem(&args.collector) {
        return usage(&format!("collector {}: {problem}", shown(&args.collector)));
    }
    let remote = match Remote::new(&access) {
        Ok(remote) => remote,
        Err(error) => return usage(&error),
    };
    match fetch(&remote, &args).await.and_then(|body| print(args.format, &body)) {
        Ok(()) => Exit::Fine,
        Err(problem) => {
            complain(&problem);
            Exit::Failed
        }
    }
}

async fn fetch(remote: &Remote, args: &FiguresArgs) -> Result<Vec<u8>, String> {
    let mut url = endpoint(&args.collector, &["api", "v1", "services", args.service.as_str(), "figures"]);
    if let Some(as_of) = args.as_of {
        url.set_query(Some(&format!("as_of={}", as_of.as_ms())));
    }
    let reply = remote.get(url, None, FIGURES_BYTES_MAX).await;
    let reply = reply.map_err(|error| format!("{}: {error}", shown(&args.collector)))?;
    if reply.status == 200 {
        Ok(reply.body)
    } else {
        Err(format!("{}: {}", shown(&args.collector), Refusal::of(&reply)))
    }
}

fn print(format: Format, body: &[u8]) -> Result<(), String> {
    let said = |error: io::Error| format!("the figures could not be printed: {error}");
    if format == Format::Json {
        let mut out = io::stdout();
        return out.write_all(body).and_then(|()| out.write_all(b"\n")).map_err(said);
    }
    let figures: Value =
        serde_json::from_slice(body).map_err(|error| format!("the figures are not understood: {error}"))?;
    table::write(&mut anstream::stdout(), &rows(&figures)).map_err(said)
}

fn rows(figures: &Value) -> Vec<Vec<Cell>> {
    let mut rows = vec![vec![
        Cell::text("target").styled(DIM),
        Cell::number("N-L ms").styled(DIM),
        Cell::number("N ms").styled(DIM),
        Cell::number("A %").styled(DIM),
        Cell::text("verdict").styled(DIM),
    ]];
    for (target, figure) in figures.get("targets").and_then(Value::as_object).into_iter().flatten() {
        if let Some(capacity) = figure.get("capacity").filter(|capacity| capacity.is_object()) {
            rows.push(in_use(target, capacity));
            continue;
        }
        let contractual = figure.get("contractual");
        let part = |name: &str| contractual.and_then(|part| part.get(name));
        let (n, l) = (part("N").and_then(Value::as_i64), part("L").and_then(Value::as_i64));
        let number = |ms: Option<i64>| Cell::number(ms.map_or_else(|| "-".to_owned(), |ms| ms.to_string()));
        let word = |name: &str| part(name).and_then(Value::as_str).unwrap_or("-").to_owned();
        rows.push(vec![
            Cell::text(target),
            number(n.zip(l).and_then(|(n, l)| n.checked_sub(l))),
            number(n),
            Cell::number(word("A_percent")),
            Cell::text(word("verdict")),
        ]);
    }
    rows
}

/// A target on capacity has no availability: what it has is said in the verdict.
fn in_use(target: &str, capacity: &Value) -> Vec<Cell> {
    let word = |name: &str| capacity.get(name).and_then(Value::as_str);
    let committed = capacity.get("committed_ms").and_then(Value::as_i64);
    let state = word("state").unwrap_or("-");
    let verdict =
        word("percentile_percent").map_or_else(|| state.to_owned(), |share| format!("{state}, {share} % in use"));
    vec![
        Cell::text(target),
        Cell::number("-"),
        Cell::number(committed.map_or_else(|| "-".to_owned(), |ms| ms.to_string())),
        Cell::number("-"),
        Cell::text(verdict),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_shown_target_by_target() {
        let figures = serde_json::json!({ "targets": {
            "shop-sla/availability": { "contractual": { "N": 86_400_000, "L": 60_000, "A_percent": "99.93", "verdict": "met" } },
            "shop-sla/disk": { "capacity": { "state": "warning", "committed_ms": 86_400_000, "percentile_percent": "83.41" } },
            "shop-sla/memory": { "capacity": { "state": "no data", "committed_ms": 0, "percentile_percent": null } },
            "shop-sla/response": { "response": { "verdict": "no data" } },
        }});
        let mut out = Vec::new();
        table::write(&mut anstream::StripStream::new(&mut out), &rows(&figures)).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "target                   N-L ms      N ms    A %  verdict\n\
             shop-sla/availability  86340000  86400000  99.93  met\n\
             shop-sla/disk                 -  86400000      -  warning, 83.41 % in use\n\
             shop-sla/memory               -         0      -  no data\n\
             shop-sla/response             -         -      -  -\n"
        );
    }
}
