//! `maintenance`: planned maintenance, put on record, listed, shown and revoked.

use clap::{Args, Subcommand};
use uphold_common::governed::maintenance::MaintenanceAsked;
use uphold_common::governed::{Asked, Sort};
use uphold_manual::after_help;

use super::exit::{ASKED, Ended};
use super::governed::{self, ListArgs, Place, RevokeArgs, Services, ShowArgs, Shown, kept_rows, row, row_if, when};
use crate::governed::view::MaintenanceView;

const EXAMPLES: [&str; 2] = [
    "uphold-collector maintenance list --standing planned",
    "uphold-collector maintenance revoke sw-42 --reason \"moved to May\"",
];
const ADD: [&str; 2] = [
    "uphold-collector maintenance add sw-42 --service webshop \\\n    --start 2026-04-05T22:00:00+02:00 --end 2026-04-06T02:00:00+02:00",
    "uphold-collector maintenance add --all-services --recurrence \"FREQ=WEEKLY\" \\\n    --start 2026-04-05T03:00:00+02:00 --end 2026-04-05T04:00:00+02:00",
];
const LIST: [&str; 2] =
    ["uphold-collector maintenance list", "uphold-collector maintenance list --service webshop --format json"];
const SHOW: [&str; 1] = ["uphold-collector maintenance show sw-42"];
const REVOKE: [&str; 1] = ["uphold-collector maintenance revoke sw-42 --reason \"moved to May\""];

/// What `maintenance` is told.
#[derive(Debug, Args)]
#[command(after_help = after_help::written(&EXAMPLES, &ASKED))]
pub(super) struct MaintenanceArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Put planned maintenance on record, once or recurring.
    #[command(after_help = after_help::written(&ADD, &ASKED))]
    Add(Box<AddArgs>),
    /// List maintenance, the latest start first.
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
    /// When it starts; of one that recurs, the first time.
    #[arg(long, value_name = "INSTANT")]
    start: String,
    /// When it ends.
    #[arg(long, value_name = "INSTANT")]
    end: String,
    /// When it was announced [default: now].
    #[arg(long, value_name = "INSTANT")]
    announced_at: Option<String>,
    /// What is changed, such as the number of the change.
    #[arg(long, value_name = "TEXT")]
    change: Option<String>,
    /// Which category of change it is, such as standard, normal or emergency.
    #[arg(long)]
    category: Option<String>,
    /// Who approved it; needed when it was announced before now.
    #[arg(long, value_name = "WHO")]
    approver: Option<String>,
    /// How it recurs, as RFC 5545 writes it, such as FREQ=MONTHLY;BYDAY=1SU.
    #[arg(long, value_name = "RULE")]
    recurrence: Option<String>,
    /// In which time zone it recurs [default: the organisation's].
    #[arg(long, value_name = "ZONE", requires = "recurrence")]
    time_zone: Option<String>,
    #[command(flatten)]
    place: Place,
}

pub(super) fn maintenance(args: MaintenanceArgs) -> Result<(), Ended> {
    match args.what {
        What::Add(args) => add(*args),
        What::List(args) => governed::listed::<MaintenanceView>(Sort::Maintenance, &args, None),
        What::Show(args) => governed::show::<MaintenanceView>(Sort::Maintenance, &args),
        What::Revoke(args) => governed::revoke(Sort::Maintenance, &args),
    }
}

fn add(args: AddArgs) -> Result<(), Ended> {
    let asked = MaintenanceAsked {
        id: args.id,
        services: Some(args.services.asked()),
        start: Some(when(&args.start)),
        end: Some(when(&args.end)),
        announced_at: args.announced_at.as_deref().map(when),
        change: args.change,
        category: args.category,
        approver: args.approver,
        recurrence: args.recurrence,
        time_zone: args.time_zone,
    };
    governed::add::<MaintenanceView>(Asked::Maintenance(asked), &args.place)
}

impl Shown for MaintenanceView {
    const TITLES: [&'static str; 6] = ["ID", "SERVICES", "START", "END", "STANDING", "CHANGE"];

    fn line(&self) -> [String; 6] {
        let time = self.next.map_or((self.start, self.end), |next| (next.start, next.end));
        let over = if self.overruns.is_empty() { "" } else { ", overrun" };
        let standing = format!("{}{over}", self.standing.as_str());
        let change = self.change.clone().unwrap_or_default();
        [self.id.to_string(), self.services.to_string(), time.0.to_string(), time.1.to_string(), standing, change]
    }

    fn whole(&self) -> Vec<[String; 2]> {
        let mut rows = vec![
            row("id", &self.id),
            row("services", &self.services),
            row("start", self.start),
            row("end", self.end),
            row("announced", self.announced_at),
        ];
        rows.extend(row_if("recurs", self.recurrence.as_deref()));
        rows.extend(row_if("in the time zone", self.time_zone.as_deref()));
        rows.extend(row_if("remark", self.remark.as_deref()));
        rows.extend(self.next.map(|next| row("next", format!("{} to {}", next.start, next.end))));
        rows.extend(row_if("change", self.change.as_deref()));
        rows.extend(row_if("category", self.category.as_deref()));
        rows.extend(row_if("approver", self.approver.as_deref()));
        rows.extend(self.overruns.iter().map(|overrun| {
            row(
                "overrun",
                format!("{} is still down, though it should have been over at {}", overrun.service, overrun.since),
            )
        }));
        rows.extend(self.dependants.iter().map(|id| row("built on these, and not in maintenance", id)));
        rows.extend(kept_rows(self.standing, (self.recorded_at, &self.recorded_by), self.revoked.as_ref()));
        rows
    }

    fn added(&self) -> String {
        let again = self.recurrence.as_ref().map_or_else(String::new, |rule| format!(", and again by {rule}"));
        let mut said = format!(
            "On record: the maintenance {} of {}, from {} to {}{again}.",
            self.id, self.services, self.start, self.end
        );
        if !self.dependants.is_empty() {
            let built: Vec<&str> = self.dependants.iter().map(uphold_common::ids::Id::as_str).collect();
            said.push_str("\nBuilt on these, and not in maintenance by this: ");
            said.push_str(&built.join(", "));
            said.push('.');
        }
        said
    }
}
