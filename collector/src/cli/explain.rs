//! `explain`: what a figure is made of, down to the observation, as text or as JSON.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::tz::TimeZone;
use uphold_common::explain::document::WhichFigure;
use uphold_common::ids::TargetId;
use uphold_manual::after_help;
use url::form_urlencoded;

use super::Format;
use super::ask::{answer, print_json, style};
use super::exit::{DONE, Ended, UNAVAILABLE, UNAVAILABLE_MEANS, USAGE, WRONG};
use super::over::{OverArgs, refused, usage};
use crate::api::socket::Ask;
use crate::engine::explain::ExplainQuery;
use crate::report::explain::{ExplainView, render};

const EXAMPLES: [&str; 4] = [
    "uphold-collector explain webshop shop-sla/availability",
    "uphold-collector explain webshop shop-sla/availability --at 2026-03-01T00Z",
    "uphold-collector explain webshop shop-sla/availability --figure experienced",
    "uphold-collector explain webshop shop-sla/response --window 24h --format json",
];
const EXIT_CODES: [(u8, &str); 4] = [
    (DONE, "the explanation was printed, and what it lists adds up"),
    (WRONG, "there is no such service or target, the instant lies in the future, or it does not add up"),
    (USAGE, "the command line is not right"),
    (UNAVAILABLE, UNAVAILABLE_MEANS),
];

/// What `explain` is told.
#[derive(Debug, Args)]
#[command(after_help = after_help::written(&EXAMPLES, &EXIT_CODES))]
pub(super) struct ExplainArgs {
    /// The service.
    service: String,
    /// The target: its agreement and its name, such as shop-sla/availability.
    target: String,
    /// Which figure of an availability.
    #[arg(long, value_enum, default_value = "contractual")]
    figure: FigureArg,
    #[command(flatten)]
    over: OverArgs,
    /// The form.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "./uphold-data")]
    data: PathBuf,
}

/// One of the three figures.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum FigureArg {
    /// The one that counts.
    Contractual,
    /// The one had nothing been excluded.
    WithoutExclusions,
    /// The one over the whole agreed service time.
    Experienced,
}

impl From<FigureArg> for WhichFigure {
    fn from(figure: FigureArg) -> Self {
        match figure {
            FigureArg::Contractual => Self::Contractual,
            FigureArg::WithoutExclusions => Self::WithoutExclusions,
            FigureArg::Experienced => Self::Experienced,
        }
    }
}

pub(super) fn explain(args: &ExplainArgs) -> Result<(), Ended> {
    let figures = args.over.query(&args.service, false)?;
    let target = TargetId::try_from(args.target.clone());
    let target =
        target.map_err(|_| usage("the target", "its agreement and its name, such as shop-sla/availability"))?;
    let which = WhichFigure::from(args.figure);
    let mut asked = form_urlencoded::Serializer::new(String::new());
    asked.append_pair("target", &args.target).append_pair("figure", which.as_str());
    args.over.say(&mut asked);
    let path = format!("/api/v1/services/{}/explanation?{}", figures.service, asked.finish());
    let query = ExplainQuery { figures, target, which };
    let body =
        answer(&args.data, &Ask::get(&path), |engine, now| engine.explain(&query, now, now).map_err(|e| refused(&e)))?;
    let not_understood = |error| Ended::new(UNAVAILABLE, format!("the explanation was not understood: {error}"));
    let view = ExplainView::read(&body).map_err(not_understood)?;
    match args.format {
        Format::Json => print_json(&body)?,
        Format::Text => {
            let zone = TimeZone::get(&view.made.time_zone).ok();
            anstream::print!("{}", render(&view, zone.as_ref(), style()));
        }
    }
    let broken = view.made.broken();
    if broken.is_empty() { Ok(()) } else { Err(Ended::new(WRONG, broken.join("; "))) }
}
