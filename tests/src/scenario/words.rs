//! The words of a scenario's line, taken one by one: times, lengths, numbers, outcomes.

use super::clock::Clock;
use super::{DAY_MS, Out, Span, St};
use crate::reference::fraction;

/// What was expected where, for the message.
pub(super) type Reading<T> = Result<T, String>;

/// The words of one line.
pub(super) struct Words<'a> {
    line: usize,
    clock: Clock,
    rest: std::iter::Peekable<std::vec::IntoIter<&'a str>>,
}

impl<'a> Words<'a> {
    /// The words of `text`, without its remark and its separators; parentheses stand alone.
    pub(super) fn new(line: usize, text: &'a str, clock: &Clock) -> Self {
        let said = text.split('#').next().unwrap_or_default();
        let words: Vec<&str> = said.split_whitespace().flat_map(apart).filter(|w| *w != "|").collect();
        Self { line, clock: clock.clone(), rest: words.into_iter().peekable() }
    }

    /// The line's number.
    pub(super) const fn line(&self) -> usize {
        self.line
    }

    /// The next word without taking it.
    pub(super) fn peek(&mut self) -> Option<&'a str> {
        self.rest.peek().copied()
    }

    /// The next word, which is to be `what`.
    pub(super) fn next(&mut self, what: &str) -> Reading<&'a str> {
        self.rest.next().ok_or_else(|| self.wrong(what, "the end of the line"))
    }

    /// Takes the next word if it is this one.
    pub(super) fn take(&mut self, word: &str) -> bool {
        self.rest.next_if(|w| *w == word).is_some()
    }

    /// The next word, read by `read`.
    pub(super) fn parse<T>(&mut self, what: &str, read: impl FnOnce(&str) -> Option<T>) -> Reading<T> {
        let word = self.next(what)?;
        read(word).ok_or_else(|| self.wrong(what, word))
    }

    /// The next word, which is to be a time.
    pub(super) fn time(&mut self) -> Reading<i64> {
        let clock = self.clock.clone();
        self.parse("a time", |word| clock.time(word))
    }

    /// The next word, which is to be a span.
    pub(super) fn span(&mut self, what: &str) -> Reading<Span> {
        let clock = self.clock.clone();
        self.parse(what, |word| clock.span(word))
    }

    /// What follows this word as a time, if it comes next.
    pub(super) fn time_after(&mut self, word: &str) -> Reading<Option<i64>> {
        if self.take(word) { self.time().map(Some) } else { Ok(None) }
    }

    /// The message that `found` is not `what`.
    pub(super) fn wrong(&self, what: &str, found: &str) -> String {
        format!("line {}: expected {what}, found {found}", self.line)
    }
}

/// Parentheses away from the words they touch.
fn apart(word: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = word;
    while let Some(i) = rest.find(['(', ')']) {
        parts.extend([&rest[..i], &rest[i..=i]].into_iter().filter(|p| !p.is_empty()));
        rest = &rest[i + 1..];
    }
    parts.extend(Some(rest).filter(|p| !p.is_empty()));
    parts
}

/// `5m`, `1m55s`, `500ms`, `-2m`.
pub(super) fn length(word: &str) -> Option<i64> {
    if let Some(positive) = word.strip_prefix('-') {
        return Some(-length(positive)?);
    }
    let (mut total, mut rest) = (0, word);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, unit) = rest.split_at(digits);
        let end = unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len());
        let ms = match &unit[..end] {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => DAY_MS,
            _ => return None,
        };
        total += number.parse::<i64>().ok()? * ms;
        rest = &unit[end..];
    }
    (!word.is_empty()).then_some(total)
}

/// `99.9%`, in parts per billion, and the number of its decimals.
pub(super) fn percentage(word: &str) -> Option<(i64, u32)> {
    let number = word.strip_suffix('%')?;
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    let parts = format!("{whole}{decimals:0<7}").parse().ok()?;
    (decimals.len() <= 7).then_some((parts, u32::try_from(decimals.len()).ok()?))
}

/// What an attempt said and how long it took, and how many of them there were.
pub(super) type Outcomes = (Option<(Out, Option<u64>)>, usize);

/// `up`, `slow`, `DOWN`, `unk`, `..`, each with `/230ms` for how long it took and `*30` for thirty; nothing seen is no
/// outcome.
pub(super) fn outcomes(word: &str) -> Option<Outcomes> {
    let (word, times) = match word.split_once('*') {
        Some((word, times)) => (word, times.parse().ok()?),
        None => (word, 1),
    };
    let (word, us) = match word.split_once('/') {
        Some((word, took)) => (word, Some(micros(took)?)),
        None => (word, None),
    };
    let out = match word {
        "up" => Some(Out::Up),
        "slow" => Some(Out::Degraded),
        "DOWN" => Some(Out::Down),
        "unk" => Some(Out::Unknown),
        ".." if us.is_none() => None,
        _ => return None,
    };
    Some((out.map(|out| (out, us)), times))
}

/// `230ms` or `1500us`, in microseconds.
pub(super) fn micros(word: &str) -> Option<u64> {
    match word.strip_suffix("us") {
        Some(number) => number.parse().ok(),
        None => u64::try_from(length(word)? * 1000).ok(),
    }
}

/// `14.4`, as a fraction.
pub(super) fn decimal(word: &str) -> Option<(i128, i128)> {
    let (whole, decimals) = word.split_once('.').unwrap_or((word, ""));
    let over = format!("{whole}{decimals}").parse().ok()?;
    fraction(over, 10_i128.checked_pow(u32::try_from(decimals.len()).ok()?)?)
}

/// `up`, `degraded`, `unmeasured`, `down`.
pub(super) fn state(word: &str) -> Option<St> {
    match word {
        "up" => Some(St::Up),
        "degraded" => Some(St::Degraded),
        "unmeasured" => Some(St::Unmeasured),
        "down" => Some(St::Down),
        _ => None,
    }
}

/// A state as the scenario writes it.
pub(super) const fn state_word(state: St) -> &'static str {
    match state {
        St::Up => "up",
        St::Degraded => "degraded",
        St::Unmeasured => "unmeasured",
        St::Down => "down",
    }
}

/// A length as the scenario writes it.
pub(super) fn length_word(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    let mut rest = ms.unsigned_abs();
    let mut word = String::new();
    for (unit, size) in [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)] {
        if rest >= size {
            word += &format!("{}{unit}", rest / size);
            rest %= size;
        }
    }
    if word.is_empty() { "0s".to_owned() } else { format!("{sign}{word}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_read_as_they_are_written() {
        for (word, ms) in [("5m", 300_000), ("1m55s", 115_000), ("500ms", 500), ("-2m", -120_000), ("0s", 0)] {
            assert_eq!((length(word), length_word(ms).as_str()), (Some(ms), word));
        }
        for bad in ["", "5", "m", "5x", "5m3"] {
            assert_eq!(length(bad), None, "{bad}");
        }
        assert_eq!(percentage("99.95%"), Some((999_500_000, 2)));
    }

    #[test]
    fn parentheses_stand_alone() {
        let mut words = Words::new(1, "all web (any a b)  # and a remark", &Clock::default());
        let mut all = Vec::new();
        while let Ok(word) = words.next("a word") {
            all.push(word);
        }
        assert_eq!(all, ["all", "web", "(", "any", "a", "b", ")"]);
    }
}
