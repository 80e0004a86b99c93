//! The page of problems: what it says of each, what costs most, and that nothing that people wrote is more than text.

use uphold_common::ids::Id;
use uphold_common::time::Instant;

use super::*;
use crate::identity::deed::Actor;
use crate::incident::model::Uid;
use crate::page::fixture;
use crate::page::tests::words;
use crate::problem::model::LinkedIncident;
use crate::problem::model::{About, CauseText, Problem, ProblemChange, ProblemEvent, ProblemNumber};

const DAY_MS: i64 = 86_400_000;

fn days_ago(days: i64) -> Instant {
    fixture::snapshot().as_of.minus_ms(days * DAY_MS)
}

/// A problem of the web shop with this title and so many incidents, one each day, and what happened to it since.
fn problem_of(title: &str, incidents: i64, since: Vec<ProblemChange>) -> Problem {
    let cause = CauseText(uphold_common::catalogue::cause::Cause::ServiceDown);
    let about = About { cause, name: Id::new("webshop").unwrap(), component: None };
    let opened = ProblemChange::Opened { id: Uid(1), about, title: title.to_owned(), by: None };
    let linked = (0..incidents)
        .map(|n| LinkedIncident { number: Number(u64::try_from(n + 1).unwrap()), started: days_ago(incidents - n) });
    let changes = [opened, ProblemChange::Linked { incidents: linked.collect(), by: None }];
    let mut problem = None;
    for (place, change) in (1..).zip(changes.into_iter().chain(since)) {
        let event = ProblemEvent { number: ProblemNumber(2), place, at: days_ago(20), change };
        problem = Some(Problem::after(problem, &event).unwrap());
    }
    problem.unwrap()
}

fn by() -> Actor {
    Actor::Local { uid: Some(7) }
}

fn known(root_cause: &str, workaround: &str) -> ProblemChange {
    ProblemChange::KnownError { by: by(), root_cause: root_cause.to_owned(), workaround: workaround.to_owned() }
}

fn fixed(days: i64) -> ProblemChange {
    ProblemChange::Fixed { by: by(), reference: "CHG-1042".to_owned(), fixed_at: days_ago(days) }
}

fn most(rows: Vec<ParetoRow>) -> Pareto {
    let (from_ms, to_ms) = (days_ago(30), days_ago(0));
    let known_from_ms = Some(days_ago(12));
    Pareto { by: By::Service, rank: Rank::Minutes, from_ms, to_ms, known_from_ms, incidents: 14, rows, further: 3 }
}

fn row(name: &str, permille: u32) -> ParetoRow {
    let (share_permille, cumulative_permille) = (permille, 1_000);
    ParetoRow { name: Some(name.to_owned()), incidents: 9, duration_ms: 3_723_000, share_permille, cumulative_permille }
}

fn shown(problems: &[Problem], found: &Pareto) -> String {
    let snapshot = fixture::snapshot();
    let problems = problems.iter().map(|problem| ProblemView::of(problem, snapshot.as_of)).collect();
    let list = ProblemList { as_of_ms: snapshot.as_of, problems, next: Some(ProblemNumber(2)) };
    render(&snapshot, &list, found, &Visitor::default())
}

#[test]
fn the_page_says_what_lies_behind_a_problem_what_helps_and_whether_it_came_back() {
    let leak = || known("connections leak", "restart the pool");
    let back = problem_of("The database", 12, vec![leak(), fixed(5)]);
    let gone = problem_of("The cable", 3, vec![fixed(0)]);
    let page = shown(&[back, gone], &most(vec![row("webshop", 623)]));
    let text = words(&page);
    for expected in [
        "4 problems not closed",
        "What costs most, by service 14 incidents from",
        "Incidents that were over before",
        "webshop 9 1h 2m 62.3% 100.0%",
        "And 3 more.",
        "PRB-2 The database",
        "Fixed · service_down of webshop · since",
        "12 incidents INC-12 INC-11 INC-10 INC-9 INC-8 INC-7 INC-6 INC-5 INC-4 INC-3 and earlier ones",
        "What lies behind it: connections leak What helps: restart the pool",
        "Fixed by CHG-1042 from",
        "it came back, 5 in the 5d since, 5 in as long before",
        "3 incidents INC-3 INC-2 INC-1",
        "it has not come back in the 0s since; 0 in as long before",
        "There are more; the API and uphold-collector problems list them.",
    ] {
        assert!(text.contains(expected), "{expected:?} is not in:\n{text}");
    }
    for link in
        ["href=\"incidents/INC-12\"", "href=\"incidents?state=all&amp;problem=PRB-2\"", "href=\"problems?by=cause\""]
    {
        assert!(page.contains(link), "{link} is not in:\n{page}");
    }
}

#[test]
fn what_people_wrote_stays_text() {
    let hostile = "</p><script>alert(\"1\")</script>' onload='x";
    let change = ProblemChange::Fixed { by: by(), reference: hostile.to_owned(), fixed_at: days_ago(1) };
    let page = shown(&[problem_of(hostile, 1, vec![known(hostile, hostile), change])], &most(vec![row(hostile, 1)]));
    assert_eq!(page.matches("&lt;script&gt;alert(&quot;1&quot;)").count(), 5, "{page}");
    assert!(!page.contains("<script>alert") && !page.contains("style="), "{page}");
}

#[test]
fn where_there_is_nothing_the_page_says_so() {
    let snapshot = fixture::snapshot();
    let list = ProblemList { as_of_ms: snapshot.as_of, problems: Vec::new(), next: None };
    let text = words(&render(&snapshot, &list, &Pareto { further: 0, ..most(Vec::new()) }, &Visitor::default()));
    assert!(
        text.contains("No incident lies in this time.") && text.contains("There is none. One opens by itself"),
        "{text}"
    );
}
