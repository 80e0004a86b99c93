//! What a target promised through the versions of the catalogue: which version's promise holds for which of its windows.
//!
//! A change holds from the next window on, unless it is to hold at once; a target that leaves holds to the end of its window.

use std::sync::Arc;

use super::course::forget_from;
use super::fingerprint::target_text;
use super::model::{Effective, Promise, Target, WindowKind};
use super::unread::Said;
use crate::measure::window::Window;
use crate::time::{Instant, Interval};

/// A target, piece by piece.
#[derive(Clone, Debug, Default)]
pub struct TargetCourse {
    pub(super) pieces: Vec<Promised>,
    /// Since when it is in the catalogue no more.
    pub(super) gone_from: Option<Instant>,
}

/// A target as it is promised from an instant on.
#[derive(Clone, Debug)]
pub(super) struct Promised {
    pub(super) from: Instant,
    pub(super) target: Arc<Target>,
    pub(super) text: String,
    /// The version that cannot be read, so that nobody knows what it promised.
    pub(super) unread: Option<u64>,
}

impl TargetCourse {
    /// As it is promised, or was last.
    pub fn newest(&self) -> Option<&Arc<Target>> {
        self.pieces.last().map(|newest| &newest.target)
    }

    /// The kinds of windows that it has had, each with the time in which it had it: windows of this kind may be its own that end
    /// after the beginning of it and begin before its end.
    pub fn kinds(&self) -> Vec<(WindowKind, Interval)> {
        let ends = self.pieces.iter().skip(1).map(|piece| piece.from).chain([self.gone_from.unwrap_or(Instant::MAX)]);
        let mut kinds: Vec<(WindowKind, Interval)> = Vec::new();
        for (piece, end) in self.pieces.iter().zip(ends).filter(|(piece, _)| piece.unread.is_none()) {
            match kinds.last_mut() {
                Some((kind, held)) if *kind == piece.target.window => held.end = end,
                _ => kinds.push((piece.target.window, Interval::new(piece.from, end))),
            }
        }
        kinds
    }

    /// From when on it is promised otherwise than `other` says, or printed with other digits; none if it is not.
    pub(super) fn differs_from(&self, other: &Self) -> Option<Instant> {
        let same = |(one, other): &(&Promised, &Promised)| one.from == other.from && one.is(&other.text, &other.target);
        let at_once = |promised: &Promised| promised.target.effective;
        let both = self.pieces.iter().zip(&other.pieces);
        let equal = both.take_while(|both| same(both) && at_once(both.0) == at_once(both.1)).count();
        let begins = |pieces: &[Promised]| pieces.get(equal).map(|piece| piece.from);
        let gone = [self.gone_from, other.gone_from].into_iter().filter(|_| self.gone_from != other.gone_from);
        [begins(&self.pieces), begins(&other.pieces)].into_iter().chain(gone).flatten().min()
    }

    /// What decides how it is measured, as it is promised or was last.
    pub(super) fn newest_text(&self) -> Option<&str> {
        self.pieces.last().map(|newest| newest.text.as_str())
    }

    /// Takes up a version of it; what versions `missed` that cannot be read come before it, if no other version had it yet.
    pub(super) fn take_up(&mut self, from: Instant, target: &Target, missed: Vec<Said>) -> bool {
        let before = (self.pieces.len(), self.gone_from);
        self.gone_from = None;
        let text = target_text(target);
        for Said { from, version, text } in missed {
            let from = if self.pieces.is_empty() { Instant::MIN } else { from };
            self.pieces.push(Promised { from, target: Arc::new(target.clone()), text, unread: Some(version) });
        }
        for known in self.pieces.iter_mut().filter(|piece| piece.unread.is_some() && piece.text == text) {
            (known.target, known.unread) = (Arc::new(target.clone()), None);
        }
        forget_from(&mut self.pieces, |promised| promised.from, from);
        match self.pieces.last_mut() {
            Some(last) if last.is(&text, target) => {
                // Names and parties are those of the newest version; from when on this holds was said with it.
                last.target = Arc::new(Target { effective: last.target.effective, ..target.clone() });
                before != (self.pieces.len(), None)
            }
            last => {
                let from = if last.is_none() { Instant::MIN } else { from };
                self.pieces.push(Promised { from, target: Arc::new(target.clone()), text, unread: None });
                true
            }
        }
    }

    /// Whether anything of what was promised is replaced by a version that does not have it.
    pub(super) fn leave(&mut self, from: Instant) -> bool {
        self.gone_from = Some(self.gone_from.map_or(from, |gone_from| gone_from.min(from)));
        forget_from(&mut self.pieces, |promised| promised.from, from)
    }

    /// A change holds from the next window on: what was promised when the window began counts, unless a later change was to
    /// hold at once. In a window that ends now every change holds at once.
    pub(super) fn holding_for(&self, window: &Window) -> Option<&Promised> {
        let known = |at: Instant| self.pieces.partition_point(|piece| piece.from <= at);
        if let WindowKind::Rolling { .. } = window.kind {
            return self.pieces.get(known(window.as_of).max(1) - 1);
        }
        let (began, ends) = (known(window.interval.start).max(1), window.interval.end.min(window.as_of.plus_ms(1)));
        let within = self.pieces.iter().enumerate().skip(began).take_while(|(_, piece)| piece.from < ends);
        let at_once = within.filter(|(_, piece)| piece.target.effective == Effective::Immediate);
        let seen = at_once.map(|(place, _)| place + 1).last().unwrap_or(began);
        self.pieces.get(seen - 1)
    }

    /// What is promised, with a window of its own kind. Where the kind changed, what was promised when the newest kind's window
    /// began holds to that window's end.
    ///
    /// Nothing where that is what a version says that cannot be read.
    pub(super) fn in_window(&self, window: impl Fn(WindowKind) -> Window) -> Option<(&Promised, Window)> {
        self.promised_in(window).filter(|(promised, _)| promised.unread.is_none())
    }

    fn promised_in(&self, window: impl Fn(WindowKind) -> Window) -> Option<(&Promised, Window)> {
        let mut newest = None;
        for promised in self.pieces.iter().rev() {
            let own = window(promised.target.window);
            if promised.from > own.as_of {
                continue;
            }
            let holds = self.holding_for(&own)?;
            if holds.from == promised.from {
                return Some((promised, own));
            }
            newest = newest.or(Some(holds));
        }
        let holds = newest.or(self.pieces.first())?;
        Some((holds, window(holds.target.window)))
    }

    pub(super) fn holds_in(&self, window: &impl Fn(WindowKind) -> Window) -> bool {
        let Some(gone_from) = self.gone_from else { return true };
        let Some((_, window)) = self.in_window(window) else { return false };
        match window.kind {
            WindowKind::Rolling { .. } => window.as_of < gone_from,
            _ => window.interval.start < gone_from,
        }
    }
}

impl Promised {
    /// Whether it promises what this target with this text does, and is printed alike.
    fn is(&self, text: &str, target: &Target) -> bool {
        self.text == text && printed(&self.target) == printed(target)
    }
}

/// What decides with how many digits its figures are printed, which is not among what decides how they are measured.
fn printed(target: &Target) -> Vec<String> {
    let share = match &target.promise {
        Promise::Availability(promise) => Some(promise.share.decimals().to_string()),
        Promise::Capacity(_) | Promise::Response(_) => None,
    };
    share.into_iter().chain(target.consequences.credits.iter().map(|step| step.percent.to_string())).collect()
}
