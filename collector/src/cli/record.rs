//! `record`: everything else with a date, put on record, listed, shown and revoked.

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use uphold_common::governed::dated::{DatedAsked, Happening};
use uphold_common::governed::{Asked, Sort};
use uphold_common::time::{DurationText, parse_duration_ms};
use uphold_manual::after_help;

use super::exit::{ASKED, Ended};
use super::governed::{self, ListArgs, Place, RevokeArgs, Services, ShowArgs, Shown, kept_rows, row, row_if, when};
use crate::governed::view::DatedView;

const EXAMPLES: [&str; 2] = [
    "uphold-collector record list --kind deployment",
    "uphold-collector record revoke record-3 --reason \"counted twice\"",
];
const ADD: [&str; 3] = [
    "uphold-collector record add deployment --service webshop \\\n    --title \"new basket\" --release 2.4.1",
    "uphold-collector record add continuity_exercise --service webshop \\\n    --title \"moved to Geneva\" --scenario fire \\\n    --rto-promised 4h --rto-reached 3h20m --rpo-promised 15m --rpo-reached 5m",
    "uphold-collector record add complaints --all-services \\\n    --title \"complaints in March\" --count 3",
];
const LIST: [&str; 2] = ["uphold-collector record list", "uphold-collector record list --kind review --format json"];
const SHOW: [&str; 1] = ["uphold-collector record show record-3"];
const REVOKE: [&str; 1] = ["uphold-collector record revoke record-3 --reason \"counted twice\""];

/// What `record` is told.
#[derive(Debug, Args)]
#[command(after_help = after_help::written(&EXAMPLES, &ASKED))]
pub(super) struct RecordArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Put something on record; its kind says what there is to be said of it.
    #[command(after_help = after_help::written(&ADD, &ASKED))]
    Add(Box<AddArgs>),
    /// List dated records, the latest first.
    #[command(after_help = after_help::written(&LIST, &ASKED))]
    List {
        /// Only those of this kind.
        #[arg(long, value_parser = PossibleValuesParser::new(Happening::WORDS))]
        kind: Option<String>,
        #[command(flatten)]
        list: ListArgs,
    },
    /// Show one with everything on record about it.
    #[command(after_help = after_help::written(&SHOW, &ASKED))]
    Show(ShowArgs),
    /// Revoke one: it is as if it had never been, and stays on record.
    #[command(after_help = after_help::written(&REVOKE, &ASKED))]
    Revoke(RevokeArgs),
}

#[derive(Debug, Args)]
struct AddArgs {
    /// What happened.
    #[arg(value_parser = PossibleValuesParser::new(Happening::WORDS))]
    kind: String,
    /// Its id, which is never given twice [default: one is made].
    id: Option<String>,
    #[command(flatten)]
    services: Services,
    /// What it was, in a line.
    #[arg(long)]
    title: String,
    /// When it was [default: now].
    #[arg(long, value_name = "INSTANT")]
    at: Option<String>,
    /// More about it.
    #[arg(long)]
    text: Option<String>,
    /// Of a review or of complaints: the customer.
    #[arg(long)]
    customer: Option<String>,
    /// Of a review: who took part.
    #[arg(long, value_name = "TEXT")]
    attendees: Option<String>,
    /// Of a review: what was decided.
    #[arg(long, value_name = "TEXT")]
    decisions: Option<String>,
    /// Of an exercise: what was assumed to have happened.
    #[arg(long, value_name = "TEXT")]
    scenario: Option<String>,
    /// Of an exercise: within what time the service was to be back.
    #[arg(long, value_name = "LENGTH", value_parser = length)]
    rto_promised: Option<i64>,
    /// Of an exercise: within what time it was; left out if it was not.
    #[arg(long, value_name = "LENGTH", value_parser = length)]
    rto_reached: Option<i64>,
    /// Of an exercise: over what time data may be lost.
    #[arg(long, value_name = "LENGTH", value_parser = length)]
    rpo_promised: Option<i64>,
    /// Of an exercise: over what time they were; left out if they all were.
    #[arg(long, value_name = "LENGTH", value_parser = length)]
    rpo_reached: Option<i64>,
    /// Of a deployment: which version.
    #[arg(long)]
    release: Option<String>,
    /// Of a deployment: succeeded, which it is without this, failed or `rolled_back`.
    #[arg(long)]
    result: Option<String>,
    /// Of an improvement: by what it is measured, with its unit.
    #[arg(long)]
    metric: Option<String>,
    /// Of an improvement: what it was before, as a decimal.
    #[arg(long, value_name = "DECIMAL", allow_hyphen_values = true)]
    before: Option<String>,
    /// Of an improvement: what it was to become.
    #[arg(long, value_name = "DECIMAL", allow_hyphen_values = true)]
    target: Option<String>,
    /// Of an improvement: what it was afterwards.
    #[arg(long, value_name = "DECIMAL", allow_hyphen_values = true)]
    after: Option<String>,
    /// Of complaints: how many.
    #[arg(long)]
    count: Option<u32>,
    /// Of complaints: from when on they were counted.
    #[arg(long, value_name = "INSTANT")]
    since: Option<String>,
    #[command(flatten)]
    place: Place,
}

fn length(text: &str) -> Result<i64, &'static str> {
    parse_duration_ms(text).ok_or("expected a length such as 4h or 15m")
}

pub(super) fn record(args: RecordArgs) -> Result<(), Ended> {
    match args.what {
        What::Add(args) => add(*args),
        What::List { kind, list } => {
            let kind = Happening::WORDS.into_iter().find(|word| kind.as_deref() == Some(word));
            governed::listed::<DatedView>(Sort::Dated, &list, kind)
        }
        What::Show(args) => governed::show::<DatedView>(Sort::Dated, &args),
        What::Revoke(args) => governed::revoke(Sort::Dated, &args),
    }
}

fn add(args: AddArgs) -> Result<(), Ended> {
    let asked = DatedAsked {
        id: args.id,
        kind: Some(args.kind),
        services: Some(args.services.asked()),
        at: args.at.as_deref().map(when),
        title: Some(args.title),
        text: args.text,
        customer: args.customer,
        attendees: args.attendees,
        decisions: args.decisions,
        scenario: args.scenario,
        rto_promised_ms: args.rto_promised,
        rto_reached_ms: args.rto_reached,
        rpo_promised_ms: args.rpo_promised,
        rpo_reached_ms: args.rpo_reached,
        version: args.release,
        result: args.result,
        metric: args.metric,
        before: args.before,
        target: args.target,
        after: args.after,
        count: args.count,
        since: args.since.as_deref().map(when),
    };
    governed::add::<DatedView>(Asked::Dated(Box::new(asked)), &args.place)
}

impl Shown for DatedView {
    const TITLES: [&'static str; 6] = ["ID", "KIND", "SERVICES", "AT", "STANDING", "TITLE"];

    fn line(&self) -> [String; 6] {
        [
            self.id.to_string(),
            self.what.as_str().to_owned(),
            self.services.to_string(),
            self.at.to_string(),
            self.standing.as_str().to_owned(),
            self.title.clone(),
        ]
    }

    fn whole(&self) -> Vec<[String; 2]> {
        let mut rows = vec![
            row("id", &self.id),
            row("kind", self.what.as_str()),
            row("services", &self.services),
            row("at", self.at),
            row("title", &self.title),
        ];
        rows.extend(row_if("text", self.text.as_deref()));
        rows.extend(of_kind(&self.what));
        let kept = |kept: bool| if kept { "kept" } else { "not kept" };
        rows.extend(row_if("recovery time", self.rto_kept.map(kept)));
        rows.extend(row_if("recovery point", self.rpo_kept.map(kept)));
        rows.extend(kept_rows(self.standing, (self.recorded_at, &self.recorded_by), self.revoked.as_ref()));
        rows
    }

    fn added(&self) -> String {
        format!("On record: {} ({}) of {}, at {}.", self.id, self.what.as_str(), self.services, self.at)
    }
}

/// What there is to be said of a kind alone.
fn of_kind(what: &Happening) -> Vec<[String; 2]> {
    let length = |ms: &Option<i64>| ms.map_or_else(|| "not reached".to_owned(), |ms| DurationText(ms).to_string());
    match what {
        Happening::Review { customer, attendees, decisions } => {
            let rows = [
                row_if("customer", customer.as_ref()),
                row_if("attendees", attendees.as_ref()),
                row_if("decisions", decisions.as_ref()),
            ];
            rows.into_iter().flatten().collect()
        }
        Happening::ContinuityExercise {
            scenario,
            rto_promised_ms,
            rto_reached_ms,
            rpo_promised_ms,
            rpo_reached_ms,
        } => {
            vec![
                row("scenario", scenario),
                row("recovery time promised", DurationText(*rto_promised_ms)),
                row("recovery time reached", length(rto_reached_ms)),
                row("recovery point promised", DurationText(*rpo_promised_ms)),
                row("recovery point reached", length(rpo_reached_ms)),
            ]
        }
        Happening::Deployment { version, result } => vec![row("version", version), row("result", result.as_str())],
        Happening::Improvement { metric, before, target, after } => {
            let rows = [
                Some(row("metric", metric)),
                Some(row("before", before)),
                row_if("to become", target.as_ref()),
                row_if("afterwards", after.as_ref()),
            ];
            rows.into_iter().flatten().collect()
        }
        Happening::Complaints { count, since, customer } => {
            let rows = [
                Some(row("complaints", count)),
                row_if("since", since.as_ref()),
                row_if("customer", customer.as_ref()),
            ];
            rows.into_iter().flatten().collect()
        }
    }
}
