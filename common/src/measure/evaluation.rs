//! Section 5 of the rules, at an instant: the states of a formula's gates as those of its probes change, and how a loss is
//! shared out over the probes that are down.
//!
//! A gate knows how many of its operands are in each state, so a change costs what it reaches and no more. Whether a gate is
//! down depends on which probes are down alone, since nothing is worse, so shares change only with the set of these.

use std::collections::BTreeSet;

use crate::catalogue::formula::{Formula, Gate, Operand, common_multiple, greatest_common_divisor};
use crate::observation::State;

/// The states of everything in a formula.
pub(super) struct Evaluation<'a> {
    formula: &'a Formula,
    leaves: Vec<State>,
    gates: Vec<Counted>,
    /// Gates of whose operands one has changed.
    unsettled: BTreeSet<usize>,
}

/// A gate's state, and how many of its operands are in each, best first.
#[derive(Clone, Copy)]
struct Counted {
    state: State,
    operands: [usize; 4],
}

/// The states, best first: the order of section 5.
const BEST_FIRST: [State; 4] = [State::Up, State::Degraded, State::Unmeasured, State::Down];

const fn place(state: State) -> usize {
    match state {
        State::Up => 0,
        State::Degraded => 1,
        State::Unmeasured => 2,
        State::Down => 3,
    }
}

impl<'a> Evaluation<'a> {
    /// Of `formula`, with nothing measured.
    pub(super) fn new(formula: &'a Formula) -> Self {
        let of = |gate: &Gate| Counted { state: State::Unmeasured, operands: [0, 0, gate.operands.len(), 0] };
        let leaves = vec![State::Unmeasured; formula.leaves().len()];
        Self { formula, leaves, gates: formula.gates().iter().map(of).collect(), unsettled: BTreeSet::new() }
    }

    /// Takes notice of the state of a probe; whether it went down or was.
    pub(super) fn set(&mut self, leaf: usize, state: State) -> bool {
        let Some(slot) = self.leaves.get_mut(leaf) else { return false };
        let before = std::mem::replace(slot, state);
        self.tell(Operand::Leaf(leaf), before, state);
        before != state && (before == State::Down || state == State::Down)
    }

    /// The state of the whole.
    pub(super) fn state(&mut self) -> State {
        // Parents come after their operands, so each gate is settled once.
        while let Some(gate) = self.unsettled.pop_first() {
            let (Some(counted), Some(of)) = (self.gates.get_mut(gate), self.formula.gates().get(gate)) else {
                continue;
            };
            let state = kth_best(&counted.operands, of.count);
            let before = std::mem::replace(&mut counted.state, state);
            self.tell(Operand::Gate(gate), before, state);
        }
        self.gates.last().map_or(State::Unmeasured, |root| root.state)
    }

    fn tell(&mut self, changed: Operand, before: State, after: State) {
        if before == after {
            return;
        }
        for parent in self.formula.parents(changed) {
            let Some(gate) = self.gates.get_mut(*parent) else { continue };
            if let Some(count) = gate.operands.get_mut(place(before)) {
                *count = count.saturating_sub(1);
            }
            if let Some(count) = gate.operands.get_mut(place(after)) {
                *count = count.saturating_add(1);
            }
            self.unsettled.insert(*parent);
        }
    }

    fn is_down(&self, operand: &Operand) -> bool {
        let state = match operand {
            Operand::Leaf(place) => self.leaves.get(*place).copied(),
            Operand::Gate(place) => self.gates.get(*place).map(|gate| gate.state),
        };
        state == Some(State::Down)
    }

    /// Of the least number of equal parts that a loss is cut into, how many each probe is charged with, in order of the probes;
    /// those with none are left out. The whole is down, and its state was asked for since the last change.
    ///
    /// From the bottom up it is found how finely each gate cuts; then, from the top down, each hands its parts on. What a gate
    /// is handed can be cut as it cuts, on whichever ways it came.
    pub(super) fn shares(&self) -> Vec<(usize, u128)> {
        self.cut().unwrap_or_else(|| {
            // Formulas that are cut more finely than can be counted are not made.
            let down = self.leaves.iter().enumerate().filter(|(_, state)| **state == State::Down);
            down.map(|(leaf, _)| (leaf, 1)).collect()
        })
    }

    fn cut(&self) -> Option<Vec<(usize, u128)>> {
        let gates = self.formula.gates();
        let mut fineness = vec![1_u128; gates.len()];
        for (place, gate) in gates.iter().enumerate() {
            let (mut down, mut below) = (0_u128, 1);
            for operand in gate.operands.iter().filter(|operand| self.is_down(operand)) {
                down += 1;
                if let Operand::Gate(place) = operand {
                    below = common_multiple(below, *fineness.get(*place)?)?;
                }
            }
            if let Some(parts) = fineness.get_mut(place).filter(|_| down > 0) {
                *parts = below.checked_mul(down)?;
            }
        }
        let mut of_gates = vec![0_u128; gates.len()];
        let mut of_leaves = vec![0_u128; self.leaves.len()];
        *of_gates.last_mut()? = *fineness.last()?;
        for (place, gate) in gates.iter().enumerate().rev() {
            let handed = *of_gates.get(place)?;
            let down: Vec<&Operand> = gate.operands.iter().filter(|operand| self.is_down(operand)).collect();
            let each = handed.checked_div(down.len() as u128).unwrap_or_default();
            for operand in down.into_iter().filter(|_| each > 0) {
                let of = match operand {
                    Operand::Leaf(place) => of_leaves.get_mut(*place),
                    Operand::Gate(place) => of_gates.get_mut(*place),
                }?;
                *of = of.checked_add(each)?;
            }
        }
        let divisor = of_leaves.iter().copied().fold(0, greatest_common_divisor);
        let share = |(leaf, parts): (usize, u128)| Some((leaf, parts.checked_div(divisor)?));
        of_leaves.into_iter().enumerate().filter(|(_, parts)| *parts > 0).map(share).collect()
    }
}

/// The `k`-th best of so many operands in each state, the worst if there are fewer.
fn kth_best(operands: &[usize; 4], k: usize) -> State {
    let mut seen = 0;
    let mut worst = State::Unmeasured;
    for (state, count) in BEST_FIRST.into_iter().zip(operands).filter(|(_, count)| **count > 0) {
        seen += count;
        worst = state;
        if seen >= k {
            break;
        }
    }
    worst
}
