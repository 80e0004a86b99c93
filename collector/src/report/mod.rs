//! The report for a terminal: the figures of a service, what one of them is made of, and lists of incidents and
//! revisions, as text.
//!
//! It reads what the API answers ([`View`], incidents) and prints what stands there: no figure is
//! computed, percentages are printed as they came. Kinds of time have a character of their own, so that nothing is lost
//! without colour. Whether there is colour, and how wide a line may be, the caller decides.

mod capacity;
pub mod explain;
pub mod facts;
pub mod incidents;
mod ink;
pub mod problems;
mod response;
pub mod revisions;
mod target;
pub mod together;
mod view;

use jiff::tz::TimeZone;

use ink::Ink;
pub use ink::clean;
pub use view::{AlertView, BlockView, CapacityView, DayView, MeasuredView, ResponseView, TargetView, View, WindowView};

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether colours are used: not where the output is no terminal.
    pub colour: bool,
    /// How many characters a line may have; fewer than 60 are taken as 60.
    pub width: u16,
}

impl Default for Style {
    fn default() -> Self {
        Self { colour: false, width: 80 }
    }
}

/// The report of a service, its instants in `zone` or else in UTC.
pub fn render(view: &View, zone: Option<&TimeZone>, style: Style) -> String {
    let ink = Ink::new(style, zone);
    let mut lines = vec![
        format!("{}, as of {}", ink.bold(view.service.as_str()), ink.moment(view.as_of)),
        ink.soft(&format!(
            "catalogue version {}, rules version {}, time zone data {}",
            view.catalogue_version, view.rules_version, view.time_zone_data
        )),
    ];
    if view.targets.is_empty() {
        lines.extend([String::new(), "Nothing was promised of this service.".to_owned()]);
    }
    for (id, block) in &view.targets {
        lines.push(String::new());
        target::write(&mut lines, &ink, id, block);
    }
    lines.push(String::new());
    lines.push(ink.soft("The same figures as JSON, with every stretch of time behind them:"));
    lines.push(format!("  uphold-collector report {} --as-of {} --format json", view.service, view.as_of));
    ink::join(&lines)
}

#[cfg(test)]
mod tests;
