//! Rule 5: from probes to a service, and who lost the time.

use std::collections::BTreeMap;

use super::{St, common_measure};

/// A service's expression over its probes; a service inside another stands here with its own expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// A probe, by its id.
    Leaf(String),
    /// The k-th best of the operands.
    AtLeast(usize, Vec<Expr>),
}

impl Expr {
    /// All operands must work.
    pub const fn all(operands: Vec<Self>) -> Self {
        Self::AtLeast(operands.len(), operands)
    }

    /// One operand is enough.
    pub const fn any(operands: Vec<Self>) -> Self {
        Self::AtLeast(1, operands)
    }

    /// The state at an instant, when `leaf` tells those of the probes.
    pub fn state(&self, leaf: &impl Fn(&str) -> St) -> St {
        match self {
            Self::Leaf(id) => leaf(id),
            Self::AtLeast(k, operands) => {
                let mut states: Vec<St> = operands.iter().map(|o| o.state(leaf)).collect();
                states.sort_unstable();
                k.checked_sub(1).and_then(|i| states.get(i).copied()).unwrap_or(St::Unmeasured)
            }
        }
    }

    /// Hands `share` of the loss on to the leaves below, in equal parts to the operands that are down.
    fn hand_on(&self, share: (i128, i128), leaf: &impl Fn(&str) -> St, parts: &mut Parts) {
        match self {
            Self::Leaf(id) => {
                let part = parts.entry(id.clone()).or_insert((0, 1));
                *part = reduced(part.0 * share.1 + share.0 * part.1, part.1 * share.1);
            }
            Self::AtLeast(_, operands) => {
                let guilty: Vec<&Self> = operands.iter().filter(|o| o.state(leaf) == St::Down).collect();
                let each = reduced(share.0, share.1 * guilty.len() as i128);
                for operand in guilty {
                    operand.hand_on(each, leaf, parts);
                }
            }
        }
    }
}

/// Each leaf's part of the loss, in the order of the ids' bytes.
type Parts = BTreeMap<String, (i128, i128)>;

fn reduced(over: i128, under: i128) -> (i128, i128) {
    let measure = common_measure(over, under).max(1);
    (over / measure, under / measure)
}

/// The leaves that take turns at the milliseconds while the states are as `leaf` tells: millisecond `t` is charged to
/// the one at `t mod` their number. None, if the service is not down.
pub fn turns(expr: &Expr, leaf: &impl Fn(&str) -> St) -> Vec<String> {
    if expr.state(leaf) != St::Down {
        return Vec::new();
    }
    let mut parts = Parts::new();
    expr.hand_on((1, 1), leaf, &mut parts);
    let q = parts.values().fold(1, |q, (_, under)| q / common_measure(q, *under) * under);
    parts.into_iter().flat_map(|(id, (over, under))| (0..over * q / under).map(move |_| id.clone())).collect()
}

/// The place among the turns of the leaf that is charged with millisecond `t`.
pub fn place(turns: &[String], t: i64) -> Option<usize> {
    let q = i64::try_from(turns.len()).ok().filter(|q| *q > 0)?;
    usize::try_from(t.rem_euclid(q)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use St::{Degraded, Down, Unmeasured, Up};

    fn leaf(id: &str) -> Expr {
        Expr::Leaf(id.to_owned())
    }

    fn leaves() -> Vec<Expr> {
        ["a", "b", "c"].into_iter().map(leaf).collect()
    }

    /// Who is charged with the milliseconds 0 to 11, one letter each.
    fn bill(expr: &Expr, down: &str) -> String {
        let state = |id: &str| if down.contains(id) { Down } else { Up };
        let turns = turns(expr, &state);
        (0..12).map(|t| place(&turns, t).map_or("-", |place| &turns[place])).collect()
    }

    #[test]
    fn the_kth_best_in_the_order_of_the_rules() {
        let told = |id: &str| match id {
            "a" => Degraded,
            "b" => Down,
            _ => Unmeasured,
        };
        assert_eq!(Expr::any(leaves()).state(&told), Degraded);
        assert_eq!(Expr::AtLeast(2, leaves()).state(&told), Unmeasured);
        assert_eq!(Expr::all(leaves()).state(&told), Down);
    }

    #[test]
    fn equal_parts_take_turns_by_the_millisecond() {
        assert_eq!(bill(&Expr::all(leaves()), "ac"), "acacacacacac");
        assert_eq!(bill(&Expr::all(leaves()), "abc"), "abcabcabcabc");
        assert_eq!(bill(&Expr::all(leaves()), "b"), "bbbbbbbbbbbb");
        assert_eq!(bill(&Expr::all(leaves()), ""), "------------");
        assert_eq!(bill(&Expr::any(leaves()), "ab"), "------------");
    }

    #[test]
    fn parts_multiply_along_a_path_and_add_up_over_paths() {
        // c bears one half, a and b share the other: quarters, laid out a, b, c, c.
        let nested = Expr::all(vec![Expr::all(vec![leaf("a"), leaf("b")]), leaf("c")]);
        assert_eq!(bill(&nested, "abc"), "abccabccabcc");
        // a is reached twice: one half alone, and half of the other half.
        let twice = Expr::all(vec![leaf("a"), Expr::any(vec![leaf("a"), leaf("b")])]);
        assert_eq!(bill(&twice, "ab"), "aaabaaabaaab");
        // An operand that is not down bears nothing, whatever is down below it.
        let saved = Expr::all(vec![Expr::any(vec![leaf("a"), leaf("b")]), leaf("c")]);
        assert_eq!(bill(&saved, "ac"), "cccccccccccc");
    }

    #[test]
    fn the_numbers_before_the_epoch_go_on_in_the_same_turn() {
        let state = |_: &str| Down;
        let turns = turns(&Expr::all(leaves()), &state);
        let who: String = (-3..3).filter_map(|t| place(&turns, t)).map(|place| turns[place].as_str()).collect();
        assert_eq!(who, "abcabc");
    }
}
