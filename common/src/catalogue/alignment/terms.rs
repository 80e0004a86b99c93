//! Where the terms of a promise are weaker than those of the customer: what it does not cover, however much it promises.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::catalogue::model::{
    DegradedPolicy, Promise, ResponsePromise, Service, Target, UnmeasuredPolicy, WindowKind,
};
use crate::ids::Id;
use crate::measure::agreed::{agreed, intersection, length_ms};
use crate::time::{DAY_MS, DurationText, Instant, Interval};

/// Agreed hours over a span, each calendar's worked out once.
#[derive(Debug)]
pub(super) struct Hours<'a> {
    over: Interval,
    of: BTreeMap<Option<&'a Id>, Rc<Vec<Interval>>>,
    missing: BTreeMap<(Option<Id>, Option<&'a Id>), Option<Missing>>,
}

/// What one calendar agrees and another does not.
#[derive(Clone, Copy, Debug)]
struct Missing {
    ms: i64,
    of_ms: i64,
    first: Instant,
}

type Agreed<'t, 'a> = (&'t Target, &'a Service);

impl<'a> Hours<'a> {
    /// Those in this span.
    pub(super) const fn over(over: Interval) -> Self {
        Self { over, of: BTreeMap::new(), missing: BTreeMap::new() }
    }

    fn of(&mut self, key: Option<&'a Id>, target: &Target, service: &Service) -> Rc<Vec<Interval>> {
        let over = self.over;
        let agreed = || target.agreed_in(service).map_or_else(|| vec![over], |calendar| agreed(calendar, over));
        Rc::clone(self.of.entry(key).or_insert_with(|| Rc::new(agreed())))
    }
}

/// How the terms of the promise `behind` are weaker than those of the `customer`; each is a target with the service that it
/// is about.
pub(super) fn weaker<'a>(
    customer: (&Target, &'a Service),
    behind: Agreed<'a, 'a>,
    hours: &mut Hours<'a>,
) -> Vec<String> {
    let ((promised, _), (supplied, _)) = (customer, behind);
    let mut weaker: Vec<String> = fewer_hours(customer, behind, hours).into_iter().collect();
    weaker.extend(longer_window(promised.window, supplied.window));
    weaker.extend(more_maintenance(promised, supplied));
    weaker.extend(other_counting(promised, supplied));
    weaker
}

/// How a promised response time is weaker.
pub(super) fn slower(promised: &ResponsePromise, supplied: &ResponsePromise) -> Vec<String> {
    let mut weaker = Vec::new();
    if supplied.below_us > promised.below_us {
        let [supplied, promised] = [supplied, promised].map(|one| DurationText(one.below_us / 1_000));
        weaker.push(format!("it promises answers within {supplied}, the customer was promised {promised}"));
    }
    let [supplied, promised] = [supplied, promised].map(super::share_of);
    if supplied.parts() < promised.parts() {
        weaker.push(format!("it promises {supplied} of the answers, the customer was promised {promised}"));
    }
    weaker
}

fn fewer_hours<'a>(
    (promised, service): (&Target, &'a Service),
    (supplied, about): Agreed<'a, 'a>,
    hours: &mut Hours<'a>,
) -> Option<String> {
    let wanted = promised.agreed_in(service).map(|calendar| calendar.id.clone());
    let given = supplied.agreed_in(about).map(|calendar| &calendar.id);
    if given.is_none() || wanted.as_ref() == given {
        return None;
    }
    let key = (wanted, given);
    let known = hours.missing.get(&key).copied();
    let missing = known.unwrap_or_else(|| {
        let given = hours.of(given, supplied, about);
        let wanted =
            promised.agreed_in(service).map_or_else(|| vec![hours.over], |calendar| agreed(calendar, hours.over));
        let found = missing(&wanted, &given);
        hours.missing.insert(key, found);
        found
    })?;
    let zone = &service.time_zone;
    let local = |at: Instant| at.to_timestamp().to_zoned(zone.clone());
    let day = |at: Instant| local(at).strftime("%Y-%m-%d").to_string();
    Some(format!(
        "its hours leave out {} of the {} agreed with the customer from {} to {}, first {}",
        hours_text(missing.ms),
        hours_text(missing.of_ms),
        day(hours.over.start),
        day(hours.over.end),
        local(missing.first).strftime("%a %Y-%m-%d %H:%M"),
    ))
}

/// What of `wanted` does not lie in `given`; each is in order and without overlaps.
fn missing(wanted: &[Interval], given: &[Interval]) -> Option<Missing> {
    let common = intersection(wanted, given);
    let (of_ms, covered_ms) = (length_ms(wanted), length_ms(&common));
    if covered_ms == of_ms {
        return None;
    }
    // Where the first of the wanted is not covered from its start to its end.
    let mut left = common.iter().peekable();
    let first = wanted.iter().find_map(|interval| {
        let mut at = interval.start;
        while let Some(next) = left.next_if(|next| next.start < interval.end) {
            if next.start > at {
                return Some(at);
            }
            at = next.end;
        }
        (at < interval.end).then_some(at)
    });
    Some(Missing { ms: of_ms - covered_ms, of_ms, first: first? })
}

fn hours_text(ms: i64) -> String {
    let (hours, rest) = (ms / 3_600_000, ms % 3_600_000);
    if rest == 0 { format!("{hours}h") } else { format!("{hours}h {}", DurationText(rest)) }
}

/// The shortest and the longest of these windows, in whole days or as they are written.
const fn lengths(window: WindowKind) -> (i64, i64) {
    let (shortest, longest) = match window {
        WindowKind::Day => (1, 1),
        WindowKind::Week => (7, 7),
        WindowKind::Month => (28, 31),
        WindowKind::Quarter => (90, 92),
        WindowKind::Year => (365, 366),
        WindowKind::Rolling { length_ms } => return (length_ms, length_ms),
        WindowKind::Stretch { start, end } => return (end.since_ms(start), end.since_ms(start)),
    };
    (shortest * DAY_MS, longest * DAY_MS)
}

/// Whether all that a promise allows to be lost may fall into less than its own window.
fn is_longer(promised: WindowKind, supplied: WindowKind) -> bool {
    promised != supplied && lengths(supplied).1 > lengths(promised).0
}

fn longer_window(promised: WindowKind, supplied: WindowKind) -> Option<String> {
    let longer = is_longer(promised, supplied);
    let (promised, supplied) = (promised.text(), supplied.text());
    longer.then(|| {
        format!("it is counted over {supplied}, all it may lose can fall into one {promised}, the customer's window")
    })
}

fn more_maintenance(promised: &Target, supplied: &Target) -> Vec<String> {
    let mut weaker = Vec::new();
    if let Some(allowed) = promised.maintenance.allowance_ms {
        let window = promised.window.text();
        let one = is_longer(promised.window, supplied.window) || promised.window == supplied.window;
        // As many of its windows as the customer's may touch.
        let many = whole_or_more(lengths(promised.window).1, lengths(supplied.window).0);
        let times = if one { 1 } else { many };
        let customer = format!("the customer allows {}", DurationText(allowed));
        match supplied.maintenance.allowance_ms.map(|each| each.saturating_mul(times)) {
            None => weaker.push(format!("its maintenance is not limited, {customer} in a {window}")),
            Some(taken) if taken > allowed => {
                weaker.push(format!("its maintenance may take {} of a {window}, {customer}", DurationText(taken)));
            }
            Some(_) => {}
        }
    }
    let [notice, promised_notice] = [supplied, promised].map(|target| target.maintenance.min_notice_ms);
    if notice < promised_notice && supplied.maintenance.allowance_ms != Some(0) {
        let (notice, promised) = (DurationText(notice), DurationText(promised_notice));
        weaker.push(format!("its maintenance needs {notice} of notice, the customer's {promised}"));
    }
    weaker
}

const fn whole_or_more(length: i64, part: i64) -> i64 {
    if part <= 0 { 1 } else { (length + part - 1) / part }
}

/// What counts as lost for the customer, and not in the promise behind it.
fn other_counting(promised: &Target, supplied: &Target) -> Vec<String> {
    let (Promise::Availability(promised), Promise::Availability(supplied)) = (&promised.promise, &supplied.promise)
    else {
        return Vec::new();
    };
    let strictness = |policy: UnmeasuredPolicy| match policy {
        UnmeasuredPolicy::CountAsUp => 0,
        UnmeasuredPolicy::Exclude => 1,
        UnmeasuredPolicy::CountAsDown => 2,
    };
    let mut weaker = Vec::new();
    if strictness(supplied.unmeasured) < strictness(promised.unmeasured) {
        weaker.push("what was not measured counts less against it than with the customer".to_owned());
    }
    if supplied.degraded == DegradedPolicy::CountAsUp && promised.degraded == DegradedPolicy::CountAsDown {
        weaker.push("degraded time counts as up, with the customer as down".to_owned());
    }
    weaker
}
