//! Places by table, and as a property against a naive list that is looked through from end to end.

use proptest::prelude::*;

use super::*;

fn address(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

fn number(entered: Entered) -> Number {
    match entered {
        Entered::Free(number) | Entered::InPlaceOf { number, .. } => number,
        Entered::Refused(bound) => panic!("refused by {bound:?}"),
    }
}

fn displaced(entered: Entered) -> (Number, Bound) {
    match entered {
        Entered::InPlaceOf { displaced, bound, .. } => (displaced, bound),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_oldest_unproven_of_whoever_has_most_gives_way() {
    let mut places = Places::new(5, 4);
    let of_one: Vec<_> = (0..2).map(|_| number(places.enter(address(1)))).collect();
    let of_other: Vec<_> = (0..3).map(|_| number(places.enter(address(2)))).collect();
    assert_eq!(displaced(places.enter(address(3))), (of_other[0], Bound::All));
    places.prove(of_other[1]);
    assert_eq!(displaced(places.enter(address(3))), (of_one[0], Bound::All), "two against one, two and one");
    assert_eq!(places.len(), 5);
}

#[test]
fn of_many_addresses_with_one_each_the_oldest_gives_way_whatever_its_address_is() {
    let mut places = Places::new(3, 3);
    let crowd: Vec<_> = (1..=2).map(|last| number(places.enter(address(last)))).collect();
    let agent = number(places.enter(address(200)));
    assert_eq!(displaced(places.enter(address(3))).0, crowd[0]);
    assert_eq!(displaced(places.enter(address(4))).0, crowd[1]);
    assert_eq!(displaced(places.enter(address(5))).0, agent);
}

#[test]
fn an_address_at_its_bound_displaces_its_own() {
    let mut places = Places::new(100, 3);
    let stranger = number(places.enter(address(9)));
    let own: Vec<_> = (0..3).map(|_| number(places.enter(address(1)))).collect();
    places.prove(own[0]);
    assert_eq!(displaced(places.enter(address(1))), (own[1], Bound::Address));
    places.leave(stranger);
    assert_eq!(places.len(), 3);
}

#[test]
fn the_proven_give_way_only_when_idle_and_the_longest_first() {
    let mut places = Places::new(3, 3);
    let all: Vec<_> = (0..3).map(|last| number(places.enter(address(last)))).collect();
    for number in &all {
        places.prove(*number);
        places.begin(*number);
    }
    assert_eq!(places.enter(address(9)), Entered::Refused(Bound::All));
    for number in [all[2], all[0]] {
        places.end(number);
    }
    assert_eq!(displaced(places.enter(address(9))), (all[2], Bound::All));
    let unproven = displaced(places.enter(address(8)));
    assert_eq!(unproven.1, Bound::All);
    assert!(!all.contains(&unproven.0), "the one that came in last time");
}

#[test]
fn whoever_sent_a_whole_request_is_answered_before_giving_way() {
    let mut places = Places::new(2, 2);
    let (asked, drips) = (number(places.enter(address(1))), number(places.enter(address(1))));
    for number in [asked, drips] {
        places.begin(number);
    }
    places.whole(asked);
    let (gone, _) = displaced(places.enter(address(1)));
    assert_eq!(gone, drips, "which is younger, and whose body is not there");
    places.end(asked);
    assert_eq!(displaced(places.enter(address(1))).0, asked);
}

#[test]
fn one_that_gave_way_no_longer_counts() {
    let mut places = Places::new(1, 1);
    let first = number(places.enter(address(1)));
    let second = number(places.enter(address(1)));
    for late in [Places::prove, Places::begin, Places::whole, Places::end, Places::leave] {
        late(&mut places, first);
    }
    assert_eq!(places.len(), 1);
    places.leave(second);
    assert!(places.is_empty() && places.addresses.is_empty() && places.by_unproven.is_empty());
}

#[test]
fn a_network_of_64_bits_is_one_address() {
    let v6 = |text: &str| counted_as(text.parse().unwrap());
    assert_eq!(v6("2001:db8:1:2:3:4:5:6"), v6("2001:db8:1:2::9"));
    assert_ne!(v6("2001:db8:1:2::9"), v6("2001:db8:1:3::9"));
    assert_eq!(v6("::ffff:192.0.2.1"), address(1));
}

#[test]
fn thousands_of_idle_ones_never_displace_those_who_are_served() {
    let mut places = Places::new(512, 256);
    let agents: Vec<_> = (0..50)
        .map(|_| {
            let agent = number(places.enter(address(1)));
            places.prove(agent);
            agent
        })
        .collect();
    for _ in 0..7_000 {
        let (gone, bound) = match places.enter(address(1)) {
            Entered::InPlaceOf { displaced, bound, .. } => (displaced, bound),
            Entered::Free(_) => continue,
            Entered::Refused(bound) => panic!("{bound:?}"),
        };
        assert!(!agents.contains(&gone) && bound == Bound::Address);
    }
    assert_eq!(places.len(), 256);
}

/// The same rules, told naively.
#[derive(Default)]
struct Naive {
    /// Number, address, proven, idle since, whole.
    all: Vec<(Number, IpAddr, bool, Option<Number>, bool)>,
}

impl Naive {
    fn least(&self, of: Option<IpAddr>) -> Option<Number> {
        let count = |address: IpAddr| self.all.iter().filter(|c| c.1 == address && !c.2 && !c.4).count();
        let oldest = |address: IpAddr| self.all.iter().filter(|c| c.1 == address && !c.2 && !c.4).map(|c| c.0).min();
        let unproven = self.all.iter().filter(|c| !c.2 && !c.4).map(|c| c.1);
        let worst = of.or_else(|| unproven.max_by_key(|address| (count(*address), Reverse(oldest(*address)))));
        let oldest = self.all.iter().filter(|c| !c.2 && !c.4 && Some(c.1) == worst).map(|c| c.0).min();
        let idle = self.all.iter().filter(|c| c.2 && of.is_none_or(|of| c.1 == of));
        oldest.or_else(|| idle.filter_map(|c| Some((c.3?, c.0))).min().map(|(_, number)| number))
    }
}

proptest! {
    #[test]
    fn it_does_as_a_naive_list_does(steps in proptest::collection::vec((0_u8..6, 0_u8..4, 0_usize..12), 1..200)) {
        let (mut places, mut naive) = (Places::new(8, 4), Naive::default());
        for (what, last, which) in steps {
            let chosen = naive.all.get(which).map(|c| c.0);
            match (what, chosen) {
                (0 | 1, _) => {
                    let from = address(last);
                    let of = naive.all.iter().filter(|c| c.1 == from).count();
                    let expected = match () {
                        () if of >= 4 => Some((naive.least(Some(from)), Bound::Address)),
                        () if naive.all.len() >= 8 => Some((naive.least(None), Bound::All)),
                        () => None,
                    };
                    match (places.enter(from), expected) {
                        (Entered::Free(number), None) => naive.all.push((number, from, false, Some(number), false)),
                        (Entered::InPlaceOf { number, displaced, bound }, Some((Some(least), met))) => {
                            prop_assert_eq!((displaced, bound), (least, met));
                            naive.all.retain(|c| c.0 != displaced);
                            naive.all.push((number, from, false, Some(number), false));
                        }
                        (Entered::Refused(bound), Some((None, met))) => prop_assert_eq!(bound, met),
                        (found, expected) => prop_assert!(false, "{:?} instead of {:?}", found, expected),
                    }
                }
                (2, Some(number)) => {
                    places.prove(number);
                    naive.all.iter_mut().filter(|c| c.0 == number).for_each(|c| c.2 = true);
                }
                (3, Some(number)) => {
                    let busy = naive.all.iter().any(|c| c.0 == number && c.3.is_none());
                    if busy { places.end(number) } else { places.begin(number) }
                    let now = places.next;
                    naive.all.iter_mut().filter(|c| c.0 == number).for_each(|c| {
                        c.3 = busy.then_some(now);
                        c.4 &= !busy;
                    });
                }
                (5, Some(number)) => {
                    places.whole(number);
                    naive.all.iter_mut().filter(|c| c.0 == number).for_each(|c| c.4 = true);
                }
                (4, Some(number)) => {
                    places.leave(number);
                    naive.all.retain(|c| c.0 != number);
                }
                _ => {}
            }
            prop_assert_eq!(places.len(), naive.all.len());
        }
    }
}
