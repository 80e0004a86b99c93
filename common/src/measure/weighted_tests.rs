//! The user-weighted availability: a table that can be followed by hand, its laws, and which targets count.

use super::*;
use crate::catalogue::read;
use crate::measure::kinds::Kinds;
use crate::percent::Ppb;
use crate::time::Interval;
use proptest::prelude::*;

fn weighed((weight, counted, lost): (u32, i64, i64)) -> Weighed {
    Weighed { weight, counted, lost }
}

#[test]
fn the_sum_is_exact() {
    for (services, expected) in [
        (vec![], None),
        // One alone is as available as it is, whatever it weighs.
        (vec![(7, 1_000, 1)], Some("999/1000")),
        (vec![(900, 1_000, 10), (100, 1_000, 500)], Some("941/1000")),
        // Who was to be there for twice as long counts twice.
        (vec![(1, 2_000, 0), (1, 1_000, 1_000)], Some("2/3")),
        // What was not to be there, or was not seen, adds nothing.
        (vec![(1_000_000, 0, 0), (1, 4, 1)], Some("3/4")),
        (vec![(5, 0, 0)], None),
        // A year of a billion users, more than 64 bits hold.
        (vec![(1_000_000_000, 31_536_000_000, 1), (1, 1, 0)], Some("31535999999000000001/31536000000000000001")),
    ] {
        let found = ratio(services.iter().copied().map(weighed)).map(|ratio| ratio.to_string());
        assert_eq!(found.as_deref(), expected, "{services:?}");
    }
}

#[test]
fn what_is_printed_is_cut() {
    let found = |services: &[(u32, i64, i64)]| percent(ratio(services.iter().copied().map(weighed)).unwrap(), 2);
    assert_eq!(found(&[(1, 1_000_000, 1)]), "99.99");
    assert_eq!(found(&[(1, 3, 1)]), "66.66");
    assert_eq!(found(&[(1, 3, 0)]), "100.00");
}

proptest! {
    #[test]
    fn it_lies_between_the_worst_and_the_best_and_knows_no_order(
        services in prop::collection::vec((1_u32..=1_000_000_000, 1_i64..=31_622_400_000, 0_i64..=1_000), 1..20),
        turn in 0_usize..20,
    ) {
        let services: Vec<Weighed> = services.into_iter()
            .map(|(weight, counted, part)| weighed((weight, counted, counted / 1_000 * part)))
            .collect();
        let together = ratio(services.iter().copied()).unwrap();
        let mut turned = services.clone();
        turned.rotate_left(turn % services.len());
        prop_assert_eq!(ratio(turned), Some(together));
        // Twice as many users everywhere change nothing.
        if services.iter().all(|one| one.weight <= 500_000_000) {
            let doubled = services.iter().map(|one| Weighed { weight: one.weight * 2, ..*one });
            prop_assert_eq!(ratio(doubled), Some(together));
        }
        // A ratio is at most another if its numerator times the other's denominator is; ppb keep it in 128 bits.
        let ppb = |good: i128, all: i128| good * 1_000_000_000 / all;
        let each: Vec<i128> = services.iter()
            .map(|one| ppb(i128::from(one.counted - one.lost), i128::from(one.counted)))
            .collect();
        let found = ppb(together.numerator(), together.denominator());
        prop_assert!(*each.iter().min().unwrap() <= found && found <= *each.iter().max().unwrap() + 1);
    }
}

const CATALOGUE: &str = "
organisation: { name: Example, time_zone: UTC }
customers: [{ id: retail, name: Retail }, { id: office, name: Office }, { id: nobody, name: Nobody }]
services:
  - { id: shop, name: Shop, weight: 900, customers: [retail], probes: [{ id: a, agents: [a], interval: 30s, timeout: 5s, tcp: { address: 'h:1' } }] }
  - { id: mail, name: Mail, weight: 100, customers: [retail], probes: [{ id: a, agents: [a], interval: 30s, timeout: 5s, tcp: { address: 'h:1' } }] }
  - { id: wiki, name: Wiki, weight: 50, customers: [retail], probes: [{ id: a, agents: [a], interval: 30s, timeout: 5s, tcp: { address: 'h:1' } }] }
  - { id: blog, name: Blog, probes: [{ id: a, agents: [a], interval: 30s, timeout: 5s, tcp: { address: 'h:1' } }] }
agreements:
  - id: retail-sla
    kind: sla
    party: retail
    targets:
      - { id: base, service: shop, window: year, availability: 99% }
      - { id: more, service: shop, window: month, availability: '99.9%' }
      - { id: same, service: shop, window: day, availability: '99.90%' }
      - { id: quick, service: wiki, window: month, response_time: { probe: a, percentile: 95, below: 1s } }
      - { id: blog, service: blog, window: month, availability: 99% }
  - { id: office-sla, kind: sla, party: office, targets: [{ id: mail, service: mail, window: month, availability: 98% }, { id: shop, service: shop, window: month, availability: '99.999%' }] }
  - { id: inside, kind: ola, party: own, targets: [{ id: mail, service: mail, window: month, availability: 100% }] }
";

#[test]
fn of_a_service_its_sla_that_promises_most_counts() {
    let catalogue = read(&[("catalogue.yaml", CATALOGUE)]).unwrap();
    let (retail, office) = (Id::new("retail").unwrap(), Id::new("office").unwrap());
    let found = |customer| -> Vec<String> {
        counting(&catalogue, customer).values().map(|(target, _)| target.id.to_string()).collect()
    };
    assert_eq!(found(Some(&retail)), ["retail-sla/blog", "retail-sla/more"]);
    assert_eq!(found(Some(&office)), ["office-sla/mail", "office-sla/shop"]);
    assert_eq!(found(None), ["retail-sla/blog", "office-sla/mail", "office-sla/shop"]);
    assert_eq!(customers(&catalogue), [&office, &retail]);
}

#[test]
fn everything_stands_beside_the_figure() {
    let catalogue = read(&[("catalogue.yaml", CATALOGUE)]).unwrap();
    let at = Instant::from_ms;
    let window = Window {
        kind: crate::catalogue::model::WindowKind::Month,
        interval: Interval::new(at(0), at(1_100)),
        as_of: at(2_000),
    };
    let promise = crate::measure::availability::Promise {
        target: Ppb::parse("99%").unwrap(),
        unmeasured: crate::catalogue::model::UnmeasuredPolicy::Exclude,
        degraded: crate::catalogue::model::DegradedPolicy::CountAsUp,
    };
    let lost = |down| {
        let kinds = Kinds { up: 1_000 - down, down, unmeasured: 100, ..Kinds::default() };
        (window, Availability::of(&kinds, promise))
    };
    let id = |text: &str| {
        let (agreement, target) = text.split_once('/').unwrap();
        TargetId::new(Id::new(agreement).unwrap(), Id::new(target).unwrap())
    };
    let measured: Measured =
        [(id("office-sla/shop"), lost(10)), (id("office-sla/mail"), lost(500))].into_iter().collect();
    let all = Together::of(&catalogue, None, &measured);
    // 900 × 990 + 100 × 500 of 900 × 1000 + 100 × 1000; the decimals are those of 99.999 %.
    assert_eq!((all.A.as_deref(), all.A_percent.as_deref(), all.users), (Some("941/1000"), Some("94.100"), 1_000));
    assert_eq!((all.coverage.as_deref(), all.coverage_percent.as_deref()), (Some("10/11"), Some("90.909")));
    let names = |ids: &[Id]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!((names(&all.without_weight), names(&all.without_target)), (vec!["blog".into()], vec!["wiki".into()]));
    let shop = &all.services[&Id::new("shop").unwrap()];
    assert_eq!((shop.target.to_string().as_str(), shop.weight, shop.N, shop.L), ("office-sla/shop", 900, 1_000, 10));
    let nobody = Together::of(&catalogue, Some(&Id::new("nobody").unwrap()), &measured);
    assert_eq!((nobody.A, nobody.users, nobody.services.len()), (None, 0, 0));
}
