//! The words of a scenario's line, taken one by one: times, lengths, numbers, outcomes.

use super::{DAY_MS, MIDNIGHT_MS, Out, Span, St};

/// What was expected where, for the message.
pub(super) type Reading<T> = Result<T, String>;

/// The words of one line.
pub(super) struct Words<'a> {
    line: usize,
    rest: std::iter::Peekable<std::vec::IntoIter<&'a str>>,
}

impl<'a> Words<'a> {
    /// The words of `text`, without its remark and its separators; parentheses stand alone.
    pub(super) fn new(line: usize, text: &'a str) -> Self {
        let said = text.split('#').next().unwrap_or_default();
        let words: Vec<&str> = said.split_whitespace().flat_map(apart).filter(|w| *w != "|").collect();
        Self { line, rest: words.into_iter().peekable() }
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

/// `08:00`, `08:00:30`, `08:00:30.500`, each with `+1d` for a later day.
pub(super) fn time(word: &str) -> Option<i64> {
    let (clock, days) = match word.split_once('+') {
        Some((clock, days)) => (clock, days.strip_suffix('d')?.parse::<i64>().ok()?),
        None => (word, 0),
    };
    let (whole, ms) = match clock.split_once('.') {
        Some((whole, ms)) if ms.len() == 3 => (whole, ms.parse::<i64>().ok()?),
        Some(_) => return None,
        None => (clock, 0),
    };
    let parts: Vec<i64> = whole.split(':').map(|p| p.parse().ok()).collect::<Option<_>>()?;
    let seconds = match parts.as_slice() {
        [h, m] => h * 3600 + m * 60,
        [h, m, s] => h * 3600 + m * 60 + s,
        _ => return None,
    };
    Some(MIDNIGHT_MS + days * DAY_MS + seconds * 1000 + ms)
}

/// `08:00-09:00`.
pub(super) fn span(word: &str) -> Option<Span> {
    let (from, to) = word.split_once('-')?;
    Some((time(from)?, time(to)?)).filter(|(from, to)| from <= to)
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

/// `up`, `slow`, `DOWN`, `unk`, `..`, each with `*30` for thirty; nothing seen is no outcome.
pub(super) fn outcomes(word: &str) -> Option<(Option<Out>, usize)> {
    let (word, times) = match word.split_once('*') {
        Some((word, times)) => (word, times.parse().ok()?),
        None => (word, 1),
    };
    let out = match word {
        "up" => Some(Out::Up),
        "slow" => Some(Out::Degraded),
        "DOWN" => Some(Out::Down),
        "unk" => Some(Out::Unknown),
        ".." => None,
        _ => return None,
    };
    Some((out, times))
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

/// An instant as the scenario writes it.
pub(super) fn time_word(at: i64) -> String {
    let (days, ms) = ((at - MIDNIGHT_MS).div_euclid(DAY_MS), (at - MIDNIGHT_MS).rem_euclid(DAY_MS));
    let mut word = format!("{:02}:{:02}", ms / 3_600_000, ms / 60_000 % 60);
    if ms % 60_000 != 0 {
        word += &format!(":{:02}", ms / 1000 % 60);
    }
    if ms % 1000 != 0 {
        word += &format!(".{:03}", ms % 1000);
    }
    if days == 0 { word } else { format!("{word}+{days}d") }
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
    fn times_and_lengths_read_as_they_are_written() {
        for word in ["08:00", "23:59:59", "08:00:30.500", "08:00+1d"] {
            assert_eq!(time_word(time(word).unwrap()), word);
        }
        for (word, ms) in [("5m", 300_000), ("1m55s", 115_000), ("500ms", 500), ("-2m", -120_000), ("0s", 0)] {
            assert_eq!((length(word), length_word(ms).as_str()), (Some(ms), word));
        }
        for bad in ["", "5", "m", "5x", "5m3"] {
            assert_eq!(length(bad), None, "{bad}");
        }
        for bad in ["8", "08:00:00.5", "a:b", "08:00+d"] {
            assert_eq!(time(bad), None, "{bad}");
        }
        assert_eq!(percentage("99.95%"), Some((999_500_000, 2)));
    }

    #[test]
    fn parentheses_stand_alone() {
        let mut words = Words::new(1, "all web (any a b)  # and a remark");
        let mut all = Vec::new();
        while let Ok(word) = words.next("a word") {
            all.push(word);
        }
        assert_eq!(all, ["all", "web", "(", "any", "a", "b", ")"]);
    }
}
