//! What costs most, by table: by what, by which rank, over which time.

use super::super::testing::{at, outages};
use super::*;

#[test]
fn what_costs_most_comes_first_by_its_minutes_or_its_number() {
    let incidents = outages(&[
        ("shop", &["db"], 1, Some(10)),
        ("shop", &["db", "web"], 2, Some(20)),
        ("mail", &[], 3, Some(70)),
        // Still out: until now, which is the fifth day.
        ("fax", &[], 4, None),
        ("old", &[], 0, Some(10)),
    ]);
    let over = Interval::new(at(1), at(9));
    let minutes = |by| ParetoQuery { by, rank: Rank::Minutes, over };
    let count = |by| ParetoQuery { by, rank: Rank::Count, over };
    for (query, expected) in [
        (minutes(By::Service), vec!["fax 1 1440 935 935", "mail 1 70 45 980", "shop 2 30 19 1000"]),
        (count(By::Service), vec!["shop 2 30 500 500", "fax 1 1440 250 750", "mail 1 70 250 1000"]),
        (count(By::Cause), vec!["service_down 4 1540 1000 1000"]),
        (count(By::Component), vec!["- 2 1510 400 400", "db 2 30 400 800", "web 1 20 200 1000"]),
        (
            ParetoQuery { over: Interval::new(at(3), at(3).plus_ms(60_000)), ..minutes(By::Service) },
            vec!["mail 1 1 1000 1000"],
        ),
    ] {
        let found = pareto(incidents.all(), &query, None, at(5));
        let shown = |row: &ParetoRow| {
            let name = row.name.as_deref().unwrap_or("-");
            let minutes = row.duration_ms / 60_000;
            format!("{name} {} {minutes} {} {}", row.incidents, row.share_permille, row.cumulative_permille)
        };
        assert_eq!(found.rows.iter().map(shown).collect::<Vec<_>>(), expected, "{query:?}");
    }
    let nothing = ParetoQuery { over: Interval::new(at(8), at(9)), ..minutes(By::Cause) };
    let nothing = pareto(incidents.all(), &nothing, Some(at(2)), at(5));
    assert_eq!((nothing.incidents, nothing.rows.len(), nothing.known_from_ms), (0, 0, Some(at(2))));
}

#[test]
fn what_holds_at_the_same_time_of_the_same_service_counts_its_time_once() {
    let incidents = outages(&[
        ("shop", &["db"], 1, Some(60)),
        ("shop", &["web"], 1, Some(30)),
        ("shop", &["db", "web"], 1, Some(90)),
        ("mail", &["db"], 1, Some(60)),
        // Over in the instant in which it began: an incident without a length.
        ("mail", &["db"], 2, Some(0)),
    ]);
    let over = Interval::new(at(1), at(3));
    for (by, expected) in [
        (By::Service, vec!["shop 3 90", "mail 2 60"]),
        (By::Cause, vec!["service_down 5 150"]),
        (By::Component, vec!["db 4 150", "web 2 90"]),
    ] {
        let found = pareto(incidents.all(), &ParetoQuery { by, rank: Rank::Minutes, over }, None, at(5));
        let shown = |row: &ParetoRow| {
            format!("{} {} {}", row.name.as_deref().unwrap_or("-"), row.incidents, row.duration_ms / 60_000)
        };
        assert_eq!(found.rows.iter().map(shown).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn the_rows_are_bounded_and_the_rest_is_counted() {
    let names: Vec<String> = (0..ROWS_MAX + 3).map(|n| format!("s{n}")).collect();
    let rows: Vec<_> = names.iter().map(|name| (name.as_str(), &[][..], 1, Some(1))).collect();
    let query = ParetoQuery { by: By::Service, rank: Rank::Count, over: Interval::new(at(1), at(2)) };
    let found = pareto(outages(&rows).all(), &query, None, at(2));
    assert_eq!((found.rows.len(), found.further, found.incidents), (ROWS_MAX, 3, 53));
}
