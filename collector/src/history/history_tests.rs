//! Lines by table: what is read, what is refused and how that is told; what is written is read back as it was.

use std::collections::BTreeMap;

use uphold_common::ids::{Id, PathId, VantagePoint};
use uphold_common::observation::{
    Cause, Flow, FlowId, Micros, Observation, Outcome, Phases, Reading, Resource, ResourceId, Volume, Which,
};
use uphold_common::time::Instant;
use uphold_common::wire::BATCH_ROWS_MAX;
use uphold_common::wire::batch::{Batch, Epoch};
use uphold_common::wire::columns::Rows;

use super::known::Known;
use super::line::{DURATION_US_MAX, Row, read};
use super::sheaf::Sheaf;
use super::write::write;
use crate::engine::import::ImportTerms;
use crate::store::StreamId;

const NOW: i64 = 1_800_000_000_000;

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

fn known() -> Known {
    let path = |service: &str, probe: &str| PathId::new(id(service), id(probe));
    Known::under(ImportTerms {
        store: Epoch([1; 16]),
        now_ms: Instant::from_ms(NOW),
        earliest_ms: Instant::from_ms(1_000),
        ahead_max_ms: 300_000,
        probes: BTreeMap::from([
            (path("shop", "front"), vec![id("geneva-1"), id("zurich-1")]),
            (path("mail", "smtp"), vec![id("zurich-1")]),
        ]),
        hosts: BTreeMap::from([(id("web-1"), id("zurich-1"))]),
    })
}

/// What becomes of a line: the number of its stream and its row, or what is said of it.
fn taken(known: &mut Known, line: &str) -> Result<(usize, Row), String> {
    read(line.as_bytes(), |said| Ok((known.number(&said)?, said.row))).map_err(|bad| format!("7{bad}"))
}

fn seen(at: i64, outcome: Outcome, total: Micros) -> Observation {
    let (cause, code, phases) = (Cause::None, 0, Phases::default());
    Observation { at: Instant::from_ms(at), outcome, cause, code, total, phases }
}

#[test]
fn a_line_says_a_row() {
    let mut known = known();
    let attempt = |more: &str| format!(r#"{{"probe":"shop/front","agent":"zurich-1",{more}}}"#);
    let whole = Observation {
        cause: Cause::Slow,
        code: 204,
        phases: Phases { tls: Micros::new(0), ..Phases::default() },
        ..seen(5_000, Outcome::Degraded, Micros::new(DURATION_US_MAX))
    };
    let all = format!(
        r#""at":5000,"outcome":"degraded","duration_us":{DURATION_US_MAX},"cause":"slow","code":204,"tls_us":0"#
    );
    let at = Instant::from_ms(5_000);
    for (line, row) in [
        (attempt(r#""at":5000,"outcome":"up""#), Row::Probe(seen(5_000, Outcome::Up, Micros::NONE))),
        (attempt(r#""outcome":"down","at":"1970-01-01T01:00:05+01:00","duration_us":null"#), {
            Row::Probe(seen(5_000, Outcome::Down, Micros::NONE))
        }),
        (attempt(r#""at":5000,"outcome":"unk\u006eown","duration_us":0"#), {
            Row::Probe(seen(5_000, Outcome::Unknown, Micros::new(0)))
        }),
        (attempt(&all), Row::Probe(whole)),
        (
            r#"{"host":"web-1","resource":"cpu","at":5000,"used":0,"limit":18446744073709551615}"#.to_owned(),
            Row::Capacity(Reading { at, used: 0, limit: u64::MAX }),
        ),
        (
            r#" {"host":"web-1","flow":"network_sent","of":"eth0","at":5000,"over_ms":9,"amount":8} "#.to_owned(),
            Row::Volume(Volume { at, over_ms: 9, amount: 8 }),
        ),
    ] {
        assert_eq!(taken(&mut known, &line).map(|(_, row)| row), Ok(row), "{line}");
    }
}

#[test]
fn whatever_else_is_refused_with_its_place_and_what_was_expected() {
    let mut known = known();
    let attempt = |more: &str| format!(r#"{{"probe":"shop/front","agent":"zurich-1","at":5000,{more}}}"#);
    for (line, expected) in [
        (String::new(), "7, column 0: expected JSON: EOF"),
        ("{\"at\":5,".to_owned(), "7, column 8: expected JSON: EOF"),
        ("[1]".to_owned(), "7: expected a JSON object, found a list"),
        ("{}".to_owned(), "7: expected exactly one of the keys \"probe\", \"resource\" and \"flow\""),
        (r#"{"probe":"shop/front"}"#.to_owned(), "7: agent: expected an agent, such as \"zurich-1\"; it is missing"),
        (attempt(r#""outcome":"dwon""#), "found \"dwon\" (did you mean \"down\"?)"),
        (attempt(r#""outcme":"up""#), "7: there is no key \"outcme\" (did you mean \"outcome\"?)"),
        (
            attempt(r#""duration_us":1"#),
            "7: outcome: expected \"up\", \"degraded\", \"down\" or \"unknown\"; it is missing",
        ),
        (attempt(r#""outcome":"up","duration_us":-1"#), "7: duration_us: expected a whole number, found -1"),
        (attempt(r#""outcome":"up","duration_us":1.5"#), "7: duration_us: expected a whole number, found 1.5"),
        (attempt(r#""outcome":"up","duration_us":4294967295"#), "7: duration_us: expected at most 4294967294 micro"),
        (attempt(r#""outcome":"up","code":65536"#), "7: code: expected a whole number up to 65535, found 65536"),
        (attempt(r#""outcome":"up","cause":"timout""#), "(did you mean \"timeout\"?)"),
        (attempt(r#""outcome":"up","limit":1"#), "7: limit: does not go with \"probe\""),
        (attempt(r#""outcome":"up","at":6"#), "7: the key \"at\" is there twice"),
        (r#"{"probe":"shop/frnt","agent":"zurich-1","at":5000,"outcome":"up"}"#.to_owned(), {
            "7: probe: expected a probe of the catalogue, found \"shop/frnt\" (did you mean \"shop/front\"?)"
        }),
        (r#"{"probe":"mail/smtp","agent":"zurich-2","at":5000,"outcome":"up"}"#.to_owned(), {
            "7: agent: expected an agent that was ever assigned mail/smtp, found \"zurich-2\" (did you mean \"zurich-1\"?)"
        }),
        (r#"{"probe":"mail/smtp","agent":"geneva-1","at":5000,"outcome":"up"}"#.to_owned(), "7: agent: "),
        (
            r#"{"probe":"shop/front","agent":"zurich-1","at":999,"outcome":"up"}"#.to_owned(),
            "7: at: expected an instant from 1970-01-01T00:00:01Z to ",
        ),
        (r#"{"probe":"shop/front","agent":"zurich-1","at":1800000300001,"outcome":"up"}"#.to_owned(), "7: at: "),
        (
            r#"{"probe":"shop/front","agent":"zurich-1","at":"soon","outcome":"up"}"#.to_owned(),
            "7: at: expected an instant: ",
        ),
        (
            r#"{"host":"web-2","resource":"cpu","at":5000,"used":1,"limit":2}"#.to_owned(),
            "found \"web-2\" (did you mean \"web-1\"?)",
        ),
        (
            r#"{"host":"web-1","resource":"cpu","at":5000,"used":1,"limit":0}"#.to_owned(),
            "7: limit: expected a whole number above 0, found 0",
        ),
        (
            r#"{"host":"web-1","resource":"filesystem","at":5000,"used":1,"limit":2}"#.to_owned(),
            "7: of: expected a mount",
        ),
        (
            r#"{"host":"web-1","resource":"cpu","agent":"a","at":5000,"used":1,"limit":2}"#.to_owned(),
            "7: agent: does not go with",
        ),
        (
            r#"{"host":"web-1","flow":"network_snt","of":"a","at":5000,"over_ms":1,"amount":2}"#.to_owned(),
            "(did you mean \"network_sent\"?)",
        ),
    ] {
        let said = taken(&mut known, &line).unwrap_err();
        assert!(said.contains(expected), "{line}: {said}");
    }
    assert_eq!(read(b"{\"of\":\"\xff\"}", |_| Ok(())).unwrap_err().what, "expected text in UTF-8");
}

#[test]
fn every_word_is_one_that_is_written() {
    let mut lines = Vec::new();
    let point = VantagePoint { probe: PathId::new(id("shop"), id("front")), agent: id("zurich-1") };
    let causes = (0..=13).filter_map(Cause::from_code).enumerate();
    let attempts: Vec<Observation> = causes
        .map(|(i, cause)| Observation {
            cause,
            code: 500,
            outcome: Outcome::from_code(u8::try_from(i % 4).unwrap()).unwrap(),
            phases: Phases::from_array([Micros::new(1), Micros::new(2), Micros::new(3), Micros::new(4), Micros::NONE]),
            ..seen(5_000 + i64::try_from(i).unwrap(), Outcome::Up, Micros::new(10))
        })
        .collect();
    let rows = Rows::Probe(point.probe.clone(), attempts.clone());
    write(&StreamId::Probe(point), &rows, &mut lines).unwrap();
    let readings = vec![Reading { at: Instant::from_ms(6_000), used: 1, limit: 2 }];
    let one_of = |which| match which {
        Which::Whole => String::new(),
        Which::Each(..) => "/a \"b\"\u{7}".to_owned(),
        Which::Among(words) => words[0].to_owned(),
    };
    for (_, resource) in Resource::WORDS {
        let of = one_of(resource.which());
        let of = ResourceId { host: id("web-1"), resource, of };
        write(&StreamId::Capacity(of.clone()), &Rows::Capacity(of, readings.clone()), &mut lines).unwrap();
    }
    let volumes = vec![Volume { at: Instant::from_ms(7_000), over_ms: 1, amount: 2 }];
    for (_, flow) in Flow::WORDS {
        let of = FlowId { host: id("web-1"), flow, of: one_of(flow.which()) };
        write(&StreamId::Volume(of.clone()), &Rows::Volume(of, volumes.clone()), &mut lines).unwrap();
    }
    let (mut known, text) = (known(), String::from_utf8(lines).unwrap());
    let read: Vec<(usize, Row)> = text.lines().map(|line| taken(&mut known, line).unwrap()).collect();
    let expected = attempts.into_iter().map(Row::Probe).map(|row| (0, row));
    assert!(read.iter().copied().take(14).eq(expected), "{text}");
    assert_eq!(
        read.iter().map(|(number, _)| *number).skip(14).collect::<Vec<_>>(),
        (1..=26).collect::<Vec<_>>(),
        "{text}"
    );
    // The words by which a slip is told are those that are read.
    for words in ["outcome", "resource", "flow", "cause"] {
        let said = taken(&mut known, &format!(r#"{{"{words}":"?"}}"#)).unwrap_err();
        assert!(said.contains("expected \""), "{said}");
    }
}

#[test]
fn rows_in_any_order_make_batches_that_are_sorted_settled_and_bounded() {
    let (mut known, mut sheaf) = (known(), Sheaf::default());
    let many = i64::try_from(BATCH_ROWS_MAX).unwrap() + 10;
    let line = |agent: &str, at: i64, outcome: &str| {
        format!(r#"{{"probe":"shop/front","agent":"{agent}","at":{at},"outcome":"{outcome}"}}"#)
    };
    for at in (0..many).rev() {
        sheaf.add(taken(&mut known, &line("zurich-1", 2_000 + at, "up")).unwrap());
    }
    sheaf.add(taken(&mut known, &line("geneva-1", 9_000, "up")).unwrap());
    sheaf.add(taken(&mut known, &line("zurich-1", 2_003, "down")).unwrap());
    let (framed, last) = sheaf.bind(&known, Instant::from_ms(NOW)).unwrap();
    let batches: Vec<Batch> = framed.iter().map(|framed| Batch::decode(framed).unwrap()).collect();
    let newest = batches.last().unwrap().streams.last().unwrap().instants().last();
    assert_eq!(last.map(|(_, at)| at), newest, "the last row of the last batch");
    let shapes: Vec<(&str, usize)> = batches.iter().map(|batch| (batch.key.agent.as_str(), batch.rows())).collect();
    assert_eq!(shapes, [("geneva-1", 1), ("zurich-1", BATCH_ROWS_MAX), ("zurich-1", 10)]);
    assert!(batches.iter().all(|batch| batch.key.epoch == Epoch::IMPORT && batch.key.seq > 0));
    let Rows::Probe(_, rows) = &batches[1].streams[0] else { panic!("{:?}", batches[1].streams) };
    assert_eq!((rows[3].at.as_ms(), rows[3].outcome), (2_003, Outcome::Down), "the worse one counts");
    assert!(sheaf.bind(&known, Instant::from_ms(NOW)).unwrap() == (Vec::new(), None), "what was bound is gone");
}

#[test]
fn what_does_not_fit_into_the_bytes_of_a_batch_becomes_two() {
    let (mut known, mut sheaf) = (known(), Sheaf::default());
    // Lengths without any pattern do not compress.
    let mut dice = 1_u64;
    let mut roll = || {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Micros::from_code(u32::try_from(dice >> 32).unwrap())
    };
    let number = taken(&mut known, r#"{"probe":"shop/front","agent":"zurich-1","at":5000,"outcome":"up"}"#).unwrap().0;
    for at in 0..i64::try_from(BATCH_ROWS_MAX).unwrap() {
        let phases = Phases::from_array(std::array::from_fn(|_| roll()));
        sheaf.add((number, Row::Probe(Observation { phases, ..seen(2_000 + at, Outcome::Up, roll()) })));
    }
    let (framed, last) = sheaf.bind(&known, Instant::from_ms(NOW)).unwrap();
    assert!(last.is_some());
    let rows: usize = framed.iter().map(|framed| Batch::decode(framed).unwrap().rows()).sum();
    assert!(framed.len() > 1 && rows == BATCH_ROWS_MAX, "{} batches, {rows} rows", framed.len());
}

#[test]
fn the_nearest_name_is_looked_for_so_often_and_no_more() {
    let mut known = known();
    let line = |n: usize| match n % 2 {
        0 => format!(r#"{{"probe":"shop/frnt{n}","agent":"zurich-1","at":5000,"outcome":"up"}}"#),
        _ => format!(r#"{{"host":"web-{}","resource":"cpu","at":5000,"used":1,"limit":2}}"#, n % 9 + 2),
    };
    let told: Vec<String> = (10..210).map(|n| taken(&mut known, &line(n)).unwrap_err()).collect();
    assert!(told[..100].iter().all(|told| told.contains("did you mean")), "{:?}", told[99]);
    assert!(told[100..].iter().all(|told| told.contains("of the catalogue, found") && !told.contains("did you mean")));
    assert!(taken(&mut known, r#"{"probe":"shop/front","agent":"zurich-1","at":5000,"outcome":"up"}"#).is_ok());
}
