//! `exclusion`: what does not count, put on record, listed, shown and revoked.

use clap::{Args, Subcommand};
use uphold_common::governed::exclusion::ExclusionAsked;
use uphold_common::governed::{Asked, SelectionAsked, Sort};
use uphold_manual::after_help;

use super::exit::{ASKED, Ended};
use super::governed::{self, ListArgs, Place, RevokeArgs, Services, ShowArgs, Shown, kept_rows, row, row_if, when};
use crate::governed::view::ExclusionView;

const EXAMPLES: [&str; 2] = [
    "uphold-collector exclusion list --service webshop",
    "uphold-collector exclusion revoke flood --reason \"the clause does not hold\"",
];
const ADD: [&str; 1] = [
    "uphold-collector exclusion add flood --service webshop --class force_majeure \\\n    --start 2026-03-07T10:00:00Z --end 2026-03-07T14:30:00Z \\\n    --reason \"the river rose\" --clause 7.2 --approver \"Retail division\"",
];
const LIST: [&str; 2] =
    ["uphold-collector exclusion list", "uphold-collector exclusion list --standing revoked --format json"];
const SHOW: [&str; 1] = ["uphold-collector exclusion show flood"];
const REVOKE: [&str; 1] = ["uphold-collector exclusion revoke flood --reason \"the clause does not hold\""];

/// What `exclusion` is told.
#[derive(Debug, Args)]
#[command(after_help = after_help::written(&EXAMPLES, &ASKED))]
pub(super) struct ExclusionArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Put on record that some time does not count.
    #[command(after_help = after_help::written(&ADD, &ASKED))]
    Add(Box<AddArgs>),
    /// List exclusions, the latest start first.
    #[command(after_help = after_help::written(&LIST, &ASKED))]
    List(ListArgs),
    /// Show one with everything on record about it.
    #[command(after_help = after_help::written(&SHOW, &ASKED))]
    Show(ShowArgs),
    /// Revoke one: it is as if it had never been, and stays on record.
    #[command(after_help = after_help::written(&REVOKE, &ASKED))]
    Revoke(RevokeArgs),
}

#[derive(Debug, Args)]
struct AddArgs {
    /// Its id, which is never given twice [default: one is made].
    id: Option<String>,
    #[command(flatten)]
    services: Services,
    /// A target of these services; may be given several times [default: all].
    #[arg(long = "target", value_name = "TARGET")]
    targets: Vec<String>,
    /// When the time begins that does not count.
    #[arg(long, value_name = "INSTANT")]
    start: String,
    /// When it ends.
    #[arg(long, value_name = "INSTANT")]
    end: String,
    /// Why it does not count: planned, customer, supplier, `force_majeure` or other.
    #[arg(long)]
    class: String,
    /// The same in words.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Which clause of the agreement says so.
    #[arg(long)]
    clause: Option<String>,
    /// Who approved it.
    #[arg(long, value_name = "WHO")]
    approver: String,
    /// When it was approved [default: now].
    #[arg(long, value_name = "INSTANT")]
    approved_at: Option<String>,
    #[command(flatten)]
    place: Place,
}

pub(super) fn exclusion(args: ExclusionArgs) -> Result<(), Ended> {
    match args.what {
        What::Add(args) => add(*args),
        What::List(args) => governed::listed::<ExclusionView>(Sort::Exclusion, &args, None),
        What::Show(args) => governed::show::<ExclusionView>(Sort::Exclusion, &args),
        What::Revoke(args) => governed::revoke(Sort::Exclusion, &args),
    }
}

fn add(args: AddArgs) -> Result<(), Ended> {
    let targets = Some(args.targets).filter(|targets| !targets.is_empty());
    let asked = ExclusionAsked {
        id: args.id,
        services: Some(args.services.asked()),
        targets: targets.map(SelectionAsked::List),
        start: Some(when(&args.start)),
        end: Some(when(&args.end)),
        class: Some(args.class),
        reason: Some(args.reason),
        clause: args.clause,
        approver: Some(args.approver),
        approved_at: args.approved_at.as_deref().map(when),
    };
    governed::add::<ExclusionView>(Asked::Exclusion(asked), &args.place)
}

impl Shown for ExclusionView {
    const TITLES: [&'static str; 6] = ["ID", "SERVICES", "START", "END", "CLASS", "REASON"];

    fn line(&self) -> [String; 6] {
        let revoked = if self.revoked.is_some() { ", revoked" } else { "" };
        [
            self.id.to_string(),
            self.services.to_string(),
            self.start.to_string(),
            self.end.to_string(),
            format!("{}{revoked}", self.class.as_str()),
            self.reason.clone(),
        ]
    }

    fn whole(&self) -> Vec<[String; 2]> {
        let mut rows = vec![
            row("id", &self.id),
            row("services", &self.services),
            row("targets", &self.targets),
            row("start", self.start),
            row("end", self.end),
            row("class", self.class.as_str()),
            row("because", &self.reason),
        ];
        rows.extend(row_if("clause", self.clause.as_deref()));
        rows.extend([row("approver", &self.approver), row("approved", self.approved_at)]);
        rows.extend(kept_rows(self.standing, (self.recorded_at, &self.recorded_by), self.revoked.as_ref()));
        rows
    }

    fn added(&self) -> String {
        format!("On record: the exclusion {} of {}, from {} to {}.", self.id, self.services, self.start, self.end)
    }
}
