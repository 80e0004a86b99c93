//! What promises come to, in numbers that can be followed by hand; which promise stands behind what; and where terms are
//! weaker.

use proptest::prelude::*;

use super::*;
use crate::catalogue::read;

fn catalogue(services: &str, agreements: &str) -> Catalogue {
    let text = format!(
        "organisation: {{ name: Example, time_zone: Europe/Zurich }}
customers: [{{ id: retail, name: Retail }}]
parties: [{{ id: isp, name: Carrier, kind: supplier }}, {{ id: telco, name: Telco, kind: supplier }}, {{ id: shop, name: Shop, kind: customer }}]
components:
  - {{ id: line-a, name: A, party: isp }}
  - {{ id: line-b, name: B, party: telco }}
  - {{ id: line-c, name: C, party: isp }}
  - {{ id: till, name: Till, party: shop }}
calendars:
  - {{ id: office, weekly: [{{ days: [mon, tue, wed, thu, fri], hours: ['08:00-18:00'] }}] }}
  - {{ id: mornings, weekly: [{{ days: [mon, tue, wed, thu, fri], hours: ['08:00-12:00'] }}] }}
services:
{services}
agreements:
{agreements}"
    );
    read(&[("catalogue.yaml", text)]).unwrap_or_else(|problems| panic!("{problems}"))
}

fn service(id: &str, probes: &[(&str, &str)], available_when: &str) -> String {
    let probe = |(id, component): &(&str, &str)| {
        let component = if component.is_empty() { String::new() } else { format!("component: {component}, ") };
        format!("{{ id: {id}, {component}agents: [x], interval: 30s, timeout: 5s, tcp: {{ address: 'h:1' }} }}")
    };
    let probes = probes.iter().map(probe).collect::<Vec<_>>().join(", ");
    let probes = if probes.is_empty() { String::new() } else { format!(", probes: [{probes}]") };
    let when = if available_when.is_empty() { String::new() } else { format!(", available_when: {available_when}") };
    format!("  - {{ id: {id}, name: {id}{probes}{when} }}\n")
}

fn agreement(id: &str, kind: &str, party: &str, targets: &str) -> String {
    format!("  - {{ id: {id}, kind: {kind}, party: {party}, targets: [{targets}] }}\n")
}

/// 366 days from Monday, 2 March 2026, in Zurich.
fn over() -> Interval {
    let start = Instant::parse("2026-03-02T00:00:00+01:00").unwrap();
    Interval::new(start, start.plus_ms(366 * DAY_MS))
}

fn alignment(services: &str, agreements: &str) -> Alignment {
    let catalogue = catalogue(services, agreements);
    of_service(&catalogue, &catalogue.services[&Id::new("s").unwrap()], over()).remove(0)
}

const PLAIN: &str = "{ id: a, service: s, window: month, availability: 99.9% }";

#[test]
fn promises_come_to_what_can_be_followed_by_hand() {
    let probes = [("a", "line-a"), ("b", "line-b"), ("own", "")];
    let isp = |share: &str| {
        agreement(
            "isp",
            "underpinning",
            "isp",
            &format!("{{ id: a, service: s, window: month, availability: {share} }}"),
        )
    };
    let telco = |share: &str| {
        agreement(
            "telco",
            "underpinning",
            "telco",
            &format!("{{ id: a, service: s, window: month, availability: {share} }}"),
        )
    };
    let ola = agreement("ola", "ola", "own", "{ id: a, service: s, window: month, availability: 99% }");
    for (when, others, comes_to, underpinned) in [
        // In a row: 0.999 × 0.998.
        ("{ all: [a, b] }", [isp("99.9%"), telco("99.8%"), String::new()], "99.7002%", false),
        // One is enough: 1 − 0.01 × 0.05.
        ("{ any: [a, b] }", [isp("99%"), telco("95%"), String::new()], "99.95%", true),
        // Two of three, all at 99 %: 3 × 0.99² × 0.01 + 0.99³.
        ("{ at_least: 2, of: [a, b, own] }", [isp("99%"), telco("99%"), ola.clone()], "99.9702%", true),
        // Met exactly is enough.
        ("{ all: [a, own] }", [isp("99.9%"), telco("50%"), String::new()], "99.9%", true),
        // A part of its own without a promise never fails; with one it does: 0.999 × 0.99.
        ("{ all: [a, own] }", [isp("99.9%"), telco("99%"), ola.clone()], "98.901%", false),
        // 0.99 × (1 − 0.01 × 0.05).
        ("{ all: [own, { any: [a, b] }] }", [isp("99%"), telco("95%"), ola.clone()], "98.9505%", false),
        // A supplier that promised nothing promises nothing, alone and beside another.
        ("{ all: [a, own] }", [String::new(), telco("99%"), String::new()], "0%", false),
        ("{ any: [a, b] }", [String::new(), telco("99.95%"), String::new()], "99.95%", false),
        // 0.999999999³, cut at nine decimals.
        (
            "{ all: [a, b, { any: [a, b] }] }",
            [isp("99.9999999%"), telco("99.9999999%"), String::new()],
            "99.999999800…%",
            true,
        ),
    ] {
        let sla = agreement("sla", "sla", "retail", PLAIN);
        let found = alignment(&service("s", &probes, when), &format!("{sla}{}", others.concat()));
        assert_eq!(found.comes_to.as_deref(), Some(comes_to), "{when} {found:#?}");
        assert_eq!(found.underpinned, underpinned, "{when} {found:#?}");
    }
}

#[test]
fn one_promise_behind_several_parts_counts_once() {
    let sla = agreement("sla", "sla", "retail", PLAIN);
    let isp = agreement("isp", "underpinning", "isp", "{ id: a, service: s, window: month, availability: 99.9% }");
    // In a row two independent promises of 99.9 % would come to 99.8001 %, beside each other to 99.9999 %.
    for when in ["{ all: [a, c] }", "{ any: [a, c] }", "{ all: [a, { any: [a, c] }] }"] {
        let found = alignment(&service("s", &[("a", "line-a"), ("c", "line-c")], when), &format!("{sla}{isp}"));
        assert_eq!((found.comes_to.as_deref(), found.underpinned), (Some("99.9%"), true), "{when}");
        assert_eq!(found.arithmetic[0], "isp/a stands behind several parts and is one promise");
    }
}

#[test]
fn a_service_with_one_promise_is_a_part_and_else_its_own_parts_are() {
    let sla = agreement("sla", "sla", "retail", PLAIN);
    let net = |probes: &[(&str, &str)]| service("net", probes, "");
    let s = service("s", &[("own", "")], "{ all: [own, { service: net }] }");
    let isp = agreement("isp", "underpinning", "isp", "{ id: a, service: net, window: month, availability: 99.95% }");
    let telco =
        agreement("telco", "underpinning", "telco", "{ id: a, service: net, window: month, availability: 99.96% }");
    let parts = |found: &Alignment| -> Vec<String> {
        let behind =
            |part: &PartAlignment| part.behind.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string);
        found.parts.iter().map(|part| format!("{} of {}: {}", part.part, part.party, behind(part))).collect()
    };
    let both = net(&[("a", "line-a"), ("b", "line-b")]);

    let one = alignment(&format!("{both}{s}"), &format!("{sla}{isp}"));
    assert_eq!(parts(&one), ["service net of isp: isp/a", "s/own of own: nothing"]);
    assert_eq!((one.comes_to.as_deref(), one.underpinned), (Some("99.95%"), true));
    assert_eq!(one.arithmetic, ["s: all of (s/own 100% without a promise, service net 99.95%) = 99.95%"]);

    // 0.9995 × 0.9996.
    let two = alignment(&format!("{both}{s}"), &format!("{sla}{isp}{telco}"));
    assert_eq!(parts(&two), ["net/a of isp: isp/a", "net/b of telco: telco/a", "s/own of own: nothing"]);
    assert_eq!(two.comes_to.as_deref(), Some("99.91002%"));
    assert_eq!(
        two.arithmetic,
        [
            "net: all of (net/a 99.95%, net/b 99.96%) = 99.91002%",
            "s: all of (s/own 100% without a promise, service net 99.91002%) = 99.91002%",
        ]
    );

    let none = alignment(&format!("{both}{s}"), &sla);
    assert_eq!(parts(&none), ["net/a of isp: nothing", "net/b of telco: nothing", "s/own of own: nothing"]);
    assert_eq!(
        none.findings,
        [
            "what stands behind it comes to 0%, below the 99.9% promised: s: all of (s/own 100% without a promise, service net 0%) \
         = 0% (the own part s/own, which has no promise, taken as never failing)",
            "net/a: no target of isp on the availability of net stands behind it",
            "net/b: no target of telco on the availability of net stands behind it",
        ]
    );

    // A customer's own part has no agreement, and what somebody promised another customer is no supplier's promise.
    let theirs = alignment(&service("s", &[("till", "till")], ""), &sla);
    assert_eq!((parts(&theirs), theirs.underpinned), (vec!["s/till of shop: nothing".to_owned()], true));
}

#[test]
fn terms_that_are_weaker_are_told() {
    let month = "service: s, window: month";
    for (customer, supplier, expected) in [
        (format!("{month}, calendar: office"), month.to_owned(), vec![]),
        (format!("{month}, calendar: office"), format!("{month}, calendar: office"), vec![]),
        (format!("{month}, calendar: mornings"), format!("{month}, calendar: office"), vec![]),
        // 262 working days from 2 March 2026 on, of which six hours each are left out.
        (
            format!("{month}, calendar: office"),
            format!("{month}, calendar: mornings"),
            vec![
                "its hours leave out 1572h of the 2620h agreed with the customer from 2026-03-02 to 2027-03-03, first Mon 2026-03-02 12:00",
            ],
        ),
        (
            month.to_owned(),
            format!("{month}, calendar: office"),
            vec![
                "its hours leave out 6164h of the 8784h agreed with the customer from 2026-03-02 to 2027-03-03, first Mon 2026-03-02 00:00",
            ],
        ),
        (month.to_owned(), "service: s, window: week".to_owned(), vec![]),
        ("service: s, window: year".to_owned(), "service: s, window: quarter".to_owned(), vec![]),
        (
            month.to_owned(),
            "service: s, window: 30d".to_owned(),
            vec!["it is counted over 30d, all it may lose can fall into one month, the customer's window"],
        ),
        (
            "service: s, window: 30d".to_owned(),
            month.to_owned(),
            vec!["it is counted over month, all it may lose can fall into one 30d, the customer's window"],
        ),
        (format!("{month}, maintenance_allowance: 4h"), format!("{month}, maintenance_allowance: 4h"), vec![]),
        (
            format!("{month}, maintenance_allowance: 4h, min_notice: 2d"),
            format!("{month}, min_notice: 1d"),
            vec![
                "its maintenance is not limited, the customer allows 4h in a month",
                "its maintenance needs 1d of notice, the customer's 2d",
            ],
        ),
        // A month of 31 days touches up to 31 days.
        (
            format!("{month}, maintenance_allowance: 4h"),
            "service: s, window: day, maintenance_allowance: 8m".to_owned(),
            vec!["its maintenance may take 4h 8m of a month, the customer allows 4h"],
        ),
        (
            format!("{month}, unmeasured: count_as_down, degraded: count_as_down"),
            month.to_owned(),
            vec![
                "what was not measured counts less against it than with the customer",
                "degraded time counts as up, with the customer as down",
            ],
        ),
        (format!("{month}, unmeasured: count_as_up"), month.to_owned(), vec![]),
    ] {
        let sla = agreement("sla", "sla", "retail", &format!("{{ id: a, {customer}, availability: 99% }}"));
        let isp = agreement("isp", "underpinning", "isp", &format!("{{ id: a, {supplier}, availability: 99% }}"));
        let found = alignment(&service("s", &[("a", "line-a")], ""), &format!("{sla}{isp}"));
        assert_eq!(found.parts[0].weaker, expected, "{customer} / {supplier}");
        assert_eq!(found.underpinned, expected.is_empty());
        let told: Vec<String> = expected.iter().map(|why| format!("isp/a, which stands behind s/a: {why}")).collect();
        assert_eq!(found.findings, told);
    }
}

#[test]
fn a_response_time_is_held_against_that_of_the_same_probe() {
    let promised = "{ id: r, service: s, window: month, response_time: { probe: a, percentile: 95, below: 800ms } }";
    let of = |bound: &str| format!("{{ id: r, service: s, window: month, response_time: {{ {bound} }} }}");
    for (supplied, expected) in [
        (of("probe: a, percentile: 95, below: 800ms"), vec![]),
        // The 95th percentile within a time is 95 % of the answers within it.
        (of("probe: a, share: 99%, below: 500ms"), vec![]),
        (
            of("probe: a, share: 90%, below: 1s"),
            vec![
                "isp/r, which stands behind s/a: it promises answers within 1s, the customer was promised 0.8s",
                "isp/r, which stands behind s/a: it promises 90% of the answers, the customer was promised 95%",
            ],
        ),
        (
            of("probe: c, percentile: 99, below: 1ms"),
            vec!["s/a: no target of isp on its response time stands behind it"],
        ),
    ] {
        let sla = agreement("sla", "sla", "retail", promised);
        let isp = agreement("isp", "underpinning", "isp", &supplied);
        let found = alignment(&service("s", &[("a", "line-a"), ("c", "line-c")], ""), &format!("{sla}{isp}"));
        assert_eq!(found.findings, expected, "{supplied}");
    }
    // What nobody outside answers for needs no promise.
    let own = alignment(&service("s", &[("a", "")], ""), &agreement("sla", "sla", "retail", promised));
    assert_eq!((own.findings.len(), own.parts[0].party.as_str()), (0, "own"));
}

#[test]
fn the_strongest_promise_of_a_party_stands_behind_and_everybody_is_told_once() {
    let sla = agreement("sla", "sla", "retail", PLAIN);
    let isp = agreement(
        "isp",
        "underpinning",
        "isp",
        "{ id: b, service: s, window: year, availability: 99% }, { id: d, service: s, window: month, availability: 99.95% }, \
         { id: c, service: s, window: month, availability: 99.95% }",
    );
    let catalogue = catalogue(&service("s", &[("a", "line-a")], ""), &format!("{sla}{isp}"));
    let found = of_service(&catalogue, &catalogue.services[&Id::new("s").unwrap()], over());
    assert_eq!(found[0].parts[0].behind.as_ref().unwrap().to_string(), "isp/c");
    assert_eq!((found.len(), not_underpinned(&catalogue, over()).len()), (1, 0));
}

#[test]
fn what_is_too_much_is_said() {
    // Twenty-five promises, each behind a part that is needed twice.
    let ids: Vec<String> = (0..25).map(|n| format!("n{n}")).collect();
    let mut services: String = ids.iter().map(|id| service(id, &[("a", "line-a")], "")).collect();
    let all = ids.iter().map(|id| format!("{{ service: {id} }}")).collect::<Vec<_>>().join(", ");
    services += &service("s", &[], &format!("{{ all: [{{ any: [{all}] }}, {{ at_least: 2, of: [{all}] }}] }}"));
    let targets: Vec<String> =
        ids.iter().map(|id| format!("{{ id: {id}, service: {id}, window: month, availability: 99% }}")).collect();
    let agreements =
        agreement("sla", "sla", "retail", PLAIN) + &agreement("isp", "underpinning", "isp", &targets.join(", "));
    let found = alignment(&services, &agreements);
    assert_eq!((found.comes_to, found.underpinned), (None, false));
    assert_eq!(found.findings, ["it has too many parts that share promises: what they come to is not worked out"]);
}

/// The same by going through every way in which the operands can stand, in exact fractions of 10⁴.
fn naive(count: usize, shares: &[u128]) -> u128 {
    let ways = 0..1_usize << shares.len();
    let likely = |way: usize| -> u128 {
        let of = |(place, share): (usize, &u128)| if way >> place & 1 == 1 { *share } else { 10_000 - share };
        shares.iter().enumerate().map(of).product()
    };
    ways.filter(|way| way.count_ones() as usize >= count).map(likely).sum()
}

proptest! {
    #[test]
    fn at_least_so_many_is_never_above_what_it_is_and_hardly_below(
        shares in prop::collection::vec(0_u128..=10_000, 1..7),
        count in 0_usize..7,
    ) {
        let count = 1 + count % shares.len();
        let exact = naive(count, &shares);
        let of = |parts: u128| Share::of(Ppb::parse(&format!("{}.{:02}%", parts / 100, parts % 100)).unwrap());
        let found = combined::at_least(count, shares.iter().map(|parts| of(*parts)));
        // Both in parts of 10²⁸, which holds the exact one of up to seven operands.
        let exact = exact * 10_u128.pow(28 - 4 * u32::try_from(shares.len()).unwrap());
        let found = found.parts() * 10_u128.pow(10);
        prop_assert!(found <= exact, "{found} {exact}");
        prop_assert!(exact - found <= 50 * 10_u128.pow(10), "{found} {exact}");
    }
}
