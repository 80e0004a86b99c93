//! Rows come back as they were written, from the extremes too, and nothing else is taken for rows.

use super::*;

fn at(ms: i64) -> Instant {
    Instant::from_ms(ms)
}

fn observations() -> Vec<Observation> {
    let row = |at, code, total: u64, phases| {
        let (outcome, cause) = (Outcome::Down, Cause::Timeout);
        Observation { at, outcome, cause, code, total: Micros::new(total), phases }
    };
    let tls = Phases { tls: Micros::new(0), transfer: Micros::new(u64::from(u32::MAX)), ..Phases::default() };
    vec![row(Instant::MIN, u16::MAX, 7, tls), row(at(-1), 0, u64::from(u32::MAX), Phases::default()), {
        row(Instant::MAX, 200, 0, Phases { resolve: Micros::new(9), ..Phases::default() })
    }]
}

#[test]
fn numbers_come_back() {
    for value in [0, 1, 127, 128, 16_383, 16_384, u64::MAX >> 1, u64::MAX] {
        let mut out = Vec::new();
        put(&mut out, value);
        let mut rest = out.as_slice();
        assert_eq!((take(&mut rest), rest.len()), (Some(value), 0));
        for signed in [value.cast_signed(), value.cast_signed().wrapping_neg()] {
            let mut out = Vec::new();
            put_signed(&mut out, signed);
            assert_eq!(take_signed(&mut out.as_slice()), Some(signed));
        }
    }
    for wrong in [&[0x80_u8][..], &[0xff; 11], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]] {
        assert_eq!(take(&mut &wrong[..]), None, "{wrong:?}");
    }
}

#[test]
fn rows_come_back_and_cut_ones_do_not() {
    let readings = vec![
        Reading { at: at(5), used: u64::MAX, limit: 1 },
        Reading { at: at(6), used: 0, limit: u64::MAX },
        Reading { at: at(60_000), used: 1, limit: u64::MAX - 1 },
    ];
    let volumes =
        vec![Volume { at: at(-9), over_ms: u32::MAX, amount: 0 }, Volume { at: at(9), over_ms: 0, amount: u64::MAX }];
    let (mut a, mut b, mut c) = (Vec::new(), Vec::new(), Vec::new());
    put_observations(&mut a, at(100), &observations());
    put_readings(&mut b, at(0), &readings);
    put_volumes(&mut c, Instant::MAX, &volumes);
    let read_all = |a: &[u8], b: &[u8], c: &[u8]| {
        let (mut a, mut b, mut c) = (a, b, c);
        let (mut observations, mut readings, mut volumes) = (Vec::new(), Vec::new(), Vec::new());
        let found = (
            take_observations(&mut a, at(100), 3, &mut observations).map(|()| observations),
            take_readings(&mut b, at(0), 3, &mut readings).map(|()| readings),
            take_volumes(&mut c, Instant::MAX, 2, &mut volumes).map(|()| volumes),
        );
        (found, a.len() + b.len() + c.len())
    };
    assert_eq!(read_all(&a, &b, &c), ((Ok(observations()), Ok(readings), Ok(volumes)), 0));
    for end in 0..a.len().max(b.len()).max(c.len()) {
        let cut = |bytes: &[u8]| bytes[..end.min(bytes.len() - 1)].to_vec();
        let (found, _) = read_all(&cut(&a), &cut(&b), &cut(&c));
        assert!(found.0.is_err() && found.1.is_err() && found.2.is_err(), "cut at {end}");
    }
}

#[test]
fn what_is_no_row_is_refused() {
    let mut rows = observations();
    rows.swap(0, 1);
    let mut out = Vec::new();
    put_observations(&mut out, at(0), &rows);
    assert_eq!(take_observations(&mut out.as_slice(), at(0), 3, &mut Vec::new()), Err(ColumnsError::Order(1)));
    let mut out = Vec::new();
    put_readings(&mut out, at(0), &[Reading { at: at(1), used: 1, limit: 0 }]);
    assert_eq!(take_readings(&mut out.as_slice(), at(0), 1, &mut Vec::new()), Err(ColumnsError::Limit(0)));
    assert_eq!(take_readings(&mut &[0_u8; 8][..], at(0), usize::MAX, &mut Vec::new()), Err(ColumnsError::Lengths));
    assert_eq!(
        take_observations(&mut &[0_u8, 77, 0, 0, 0, 0][..], at(0), 1, &mut Vec::new()),
        Err(ColumnsError::Code(0))
    );
}
