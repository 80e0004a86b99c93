//! The table against its golden text.

use uphold_common::ids::{Id, PathId};
use uphold_common::measure::availability::Verdict;
use uphold_common::measure::kinds::Kinds;
use uphold_common::time::Instant;

use super::*;
use crate::revisions::diff::Changed;
use crate::revisions::headline::{Figure, Headline};
use crate::revisions::model::{RecordDone, RevisedWindow};

fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

fn revision(number: u32, percent: &str, why: Why, changes: Vec<Changed>) -> Revision {
    let figure = Figure {
        kinds: Kinds::default(),
        N: 1,
        L: 0,
        A: None,
        A_percent: Some(percent.to_owned()),
        verdict: Verdict::Met,
        not_proven: false,
        break_count: 0,
        longest_break_ms: None,
        charges_ms: [].into(),
    };
    let id = |text| Id::new(text).unwrap();
    let (start_ms, end_ms) = (at("2026-03-01T00:00:00Z"), at("2026-03-02T00:00:00Z"));
    Revision {
        service: id("shop"),
        target: PathId::new(id("sla"), id("day")),
        window: RevisedWindow { kind: "day".to_owned(), start_ms, end_ms },
        number,
        issued_at_ms: end_ms.plus_ms(i64::from(number) * 3_600_000),
        as_of_ms: end_ms,
        catalogue_version: 1,
        rules_version: 1,
        time_zone_data: "2026a".to_owned(),
        sha256: "0".repeat(64),
        form: 1,
        headline: Headline { contractual: Some(figure), ..Headline::default() },
        why,
        changes,
        changes_left_out: 0,
    }
}

#[test]
fn each_revision_is_a_row_with_its_reasons_and_changes_below_it() {
    let (from_ms, to_ms) = (at("2026-03-01T10:00:00Z"), at("2026-03-01T11:00:00Z"));
    let late = LateData { from_ms, to_ms, of: vec!["shop/web a".to_owned()], of_count: 3 };
    let record = RecordDone { sort: "exclusion".to_owned(), id: Id::new("storm").unwrap(), revoked: true };
    let why = Why { late_data: Some(late), records: vec![record], ..Why::default() };
    let change = |figure: &str, before: &str, after: &str| Changed {
        figure: figure.to_owned(),
        before: before.to_owned(),
        after: after.to_owned(),
    };
    let changes = vec![change("contractual.longest_break", "none", "5m"), change("contractual.down", "0s", "5m")];
    let revisions = vec![
        revision(3, "99.65", Why { found_at_start: true, ..Why::default() }, Vec::new()),
        revision(2, "99.65", why, changes),
        revision(1, "100.00", Why::settled(), Vec::new()),
    ];
    let mut list = RevisionList { service: Id::new("shop").unwrap(), revisions, next: None };
    let expected = "\
TARGET   WINDOW  BEGINS                   REVISION  ISSUED                   SAYS
sla/day  day     2026-03-01 00:00:00 UTC  3         2026-03-02 03:00:00 UTC  99.65 %, met
    found when the collector started
    no figure named here changed
sla/day  day     2026-03-01 00:00:00 UTC  2         2026-03-02 02:00:00 UTC  99.65 %, met
    late data from 2026-03-01 10:00:00 UTC to 2026-03-01 11:00:00 UTC of shop/web a and 2 more
    the exclusion storm was revoked
    contractual.longest break: none → 5m
    contractual.down: 0s → 5m
sla/day  day     2026-03-01 00:00:00 UTC  1         2026-03-02 01:00:00 UTC  100.00 %, met
";
    assert_eq!(render(&list, None, Style::default()), expected);
    let coloured = render(&list, None, Style { colour: true, width: 80 });
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), expected, "colours take no room");
    list.revisions.clear();
    assert_eq!(render(&list, None, Style::default()), "No revisions.\n");
}
