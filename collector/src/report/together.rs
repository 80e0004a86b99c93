//! Several services together, as text: for each customer and for all the availability weighted by users, and what each
//! service adds to it.

use uphold_common::ids::Id;
use uphold_common::measure::weighted::{Together, Weighted};
use uphold_common::time::DurationText;

use super::Style;
use super::ink::{self, Ink};

/// The services of each customer, and of all.
pub fn render(weighted: &Weighted, style: Style) -> String {
    let ink = Ink::new(style, None);
    let mut lines = vec![
        format!(
            "{} by {}, as of {}",
            ink.bold("Availability weighted by users"),
            weighted.window,
            ink.moment(weighted.as_of_ms)
        ),
        ink.soft(&format!(
            "catalogue version {}, rules version {}, time zone data {}",
            weighted.catalogue_version, weighted.rules_version, weighted.time_zone_data
        )),
    ];
    for (customer, together) in &weighted.customers {
        lines.push(String::new());
        write(&mut lines, &ink, &format!("customer {customer}"), together);
    }
    if let Some(all) = &weighted.all {
        lines.push(String::new());
        write(&mut lines, &ink, "all together", all);
    }
    ink::join(&lines)
}

fn write(lines: &mut Vec<String>, ink: &Ink<'_>, who: &str, together: &Together) {
    let figure = percent(together.A_percent.as_deref());
    let services = match together.services.len() {
        1 => "1 service".to_owned(),
        many => format!("{many} services"),
    };
    let covered = percent(together.coverage_percent.as_deref());
    let figure = ink.bold(figure);
    lines.push(format!("{who}: {figure} of {} users over {services}, measured {covered} of the time", together.users));
    for (service, of) in &together.services {
        let (lost, counted) = (DurationText(of.L), DurationText(of.N));
        let (figure, weight, target) = (percent(of.A_percent.as_deref()), of.weight, &of.target);
        lines.push(format!("  {service}: {figure} × {weight} users, {lost} lost of {counted} by {target}"));
    }
    let named = |ids: &[Id]| ids.iter().map(Id::as_str).collect::<Vec<_>>().join(", ");
    if !together.without_weight.is_empty() {
        lines.push(ink.soft(&format!("  left out, for they say no weight: {}", named(&together.without_weight))));
    }
    if !together.without_target.is_empty() {
        lines.push(ink.soft(&format!("  left out, for no SLA promises them: {}", named(&together.without_target))));
    }
}

fn percent(cut: Option<&str>) -> String {
    cut.map_or_else(|| "no data".to_owned(), |cut| format!("{cut} %"))
}
