//! How the report writes: colours, instants, lengths, bars and columns.

use anstyle::AnsiColor;
use jiff::tz::TimeZone;
use uphold_common::measure::kinds::{Kind, Kinds};
use uphold_common::time::{DurationText, Instant};

use super::Style;

/// The least width of a line: what a table of breaks needs.
const WIDTH_MIN: usize = 60;

/// The kinds in the order of a bar, with the character that stands for each.
const KINDS: [(Kind, char); 7] = [
    (Kind::Up, '█'),
    (Kind::Degraded, '▒'),
    (Kind::Down, '×'),
    (Kind::Unmeasured, '·'),
    (Kind::Maintenance, 'm'),
    (Kind::Excluded, 'e'),
    (Kind::NotAgreed, '-'),
];

pub(super) struct Ink<'a> {
    colour: bool,
    pub(super) width: usize,
    zone: Option<&'a TimeZone>,
}

impl<'a> Ink<'a> {
    pub(super) fn new(style: Style, zone: Option<&'a TimeZone>) -> Self {
        Self { colour: style.colour, width: usize::from(style.width).max(WIDTH_MIN), zone }
    }

    fn paint(&self, style: anstyle::Style, text: &str) -> String {
        if self.colour && !text.is_empty() { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    pub(super) fn bold(&self, text: impl AsRef<str>) -> String {
        self.paint(anstyle::Style::new().bold(), text.as_ref())
    }

    pub(super) fn soft(&self, text: &str) -> String {
        self.paint(anstyle::Style::new().dimmed(), text)
    }

    pub(super) fn good(&self, text: &str) -> String {
        self.paint(AnsiColor::Green.on_default(), text)
    }

    pub(super) fn bad(&self, text: &str) -> String {
        self.paint(AnsiColor::Red.on_default().bold(), text)
    }

    /// An instant in the zone of the report.
    pub(super) fn moment(&self, at: Instant) -> String {
        let zone = self.zone.cloned().unwrap_or(TimeZone::UTC);
        at.to_timestamp().to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
    }

    /// An instant to the millisecond, with the offset from UTC that the zone of the report had then.
    pub(super) fn exactly(&self, at: Instant) -> String {
        let zone = self.zone.cloned().unwrap_or(TimeZone::UTC);
        at.to_timestamp().to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S%.3f %:z").to_string()
    }

    /// A kind with its sign.
    pub(super) fn kind(&self, kind: Kind) -> String {
        let sign = KINDS.into_iter().find(|(other, _)| *other == kind).map_or(' ', |(_, sign)| sign);
        self.of_kind(kind, &format!("{sign} {}", kind.as_str().replace('_', " ")))
    }

    /// Text in the colour of a kind.
    pub(super) fn of_kind(&self, kind: Kind, text: &str) -> String {
        let style = match kind {
            Kind::Up => AnsiColor::Green.on_default(),
            Kind::Degraded => AnsiColor::Yellow.on_default(),
            Kind::Down => AnsiColor::Red.on_default(),
            Kind::Unmeasured | Kind::NotAgreed => anstyle::Style::new().dimmed(),
            Kind::Maintenance | Kind::Excluded => AnsiColor::Blue.on_default(),
        };
        self.paint(style, text)
    }

    /// The kinds side by side on `width` characters; each that there was has at least one.
    pub(super) fn kinds_bar(&self, kinds: &Kinds, width: usize) -> String {
        let parts = cells(kinds, width).into_iter();
        parts.map(|(kind, sign, count)| self.of_kind(kind, &sign.to_string().repeat(count))).collect()
    }

    /// Each kind that there was with its sign and its length.
    pub(super) fn kinds_legend(&self, kinds: &Kinds) -> Vec<String> {
        let there =
            KINDS.into_iter().map(|(kind, sign)| (kind, sign, length_of(kinds, kind))).filter(|part| part.2 > 0);
        there
            .map(|(kind, sign, ms)| {
                format!("{} {} {}", self.of_kind(kind, &sign.to_string()), kind.as_str().replace('_', " "), length(ms))
            })
            .collect()
    }

    /// A bar of which a part is filled.
    pub(super) fn share_bar(&self, part: i64, whole: i64, width: usize) -> String {
        let filled = scaled(part.clamp(0, whole.max(0)), whole, width);
        let (full, rest) = ("█".repeat(filled), "░".repeat(width - filled));
        format!("{}{}", self.good(&full), self.soft(&rest))
    }
}

const fn length_of(kinds: &Kinds, kind: Kind) -> i64 {
    match kind {
        Kind::Up => kinds.up,
        Kind::Degraded => kinds.degraded,
        Kind::Down => kinds.down,
        Kind::Unmeasured => kinds.unmeasured,
        Kind::Maintenance => kinds.maintenance,
        Kind::Excluded => kinds.excluded,
        Kind::NotAgreed => kinds.not_agreed,
    }
}

/// How many of `width` characters a part of a whole fills, cut.
fn scaled(part: i64, whole: i64, width: usize) -> usize {
    let width_wide = i128::try_from(width).unwrap_or(0);
    let cells = (i128::from(part) * width_wide).checked_div(i128::from(whole)).unwrap_or(0);
    usize::try_from(cells).unwrap_or(0).min(width)
}

/// How many characters each kind gets: its share and at least one, the largest taking what that leaves.
fn cells(kinds: &Kinds, width: usize) -> Vec<(Kind, char, usize)> {
    let there = KINDS.into_iter().map(|(kind, sign)| (kind, sign, length_of(kinds, kind))).filter(|part| part.2 > 0);
    let there: Vec<(Kind, char, i64)> = there.collect();
    let Some(largest) = there.iter().map(|part| part.2).max() else { return Vec::new() };
    let total = kinds.total();
    let mut cells: Vec<(Kind, char, usize)> =
        there.iter().map(|(kind, sign, ms)| (*kind, *sign, scaled(*ms, total, width).max(1))).collect();
    let used: usize = cells.iter().map(|cell| cell.2).sum();
    if let Some(place) = there.iter().position(|part| part.2 == largest)
        && let Some(cell) = cells.get_mut(place)
    {
        cell.2 = (cell.2 + width).saturating_sub(used).max(1);
    }
    cells
}

/// A length as people write it, to the millisecond below an hour.
pub(super) fn length(ms: i64) -> String {
    DurationText(ms).to_string()
}

/// Text from outside as a terminal may have it: without control characters.
pub fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// A text of several lines on one, without control characters.
pub(super) fn in_line(text: &str) -> String {
    clean(&text.lines().collect::<Vec<_>>().join(" "))
}

/// `text` filled up to `width` characters.
pub(super) fn padded(text: &str, width: usize) -> String {
    format!("{text:<width$}")
}

/// The pieces behind each other, on as many lines of `width` characters as they need. Signs are counted, not colours.
pub(super) fn wrapped(pieces: &[String], width: usize) -> Vec<String> {
    let mut lines: Vec<(String, usize)> = Vec::new();
    for piece in pieces {
        let length = visible(piece);
        match lines.last_mut() {
            Some((line, used)) if *used + 2 + length <= width => {
                line.push_str("  ");
                line.push_str(piece);
                *used += 2 + length;
            }
            _ => lines.push((piece.clone(), length)),
        }
    }
    lines.into_iter().map(|(line, _)| line).collect()
}

/// How many characters of a text are seen: all but escape sequences, which end with an `m` here.
fn visible(text: &str) -> usize {
    let mut escaped = false;
    let seen = |c: char| {
        let hidden = escaped || c == '\u{1b}';
        escaped = hidden && c != 'm';
        !hidden
    };
    text.chars().map(seen).filter(|seen| *seen).count()
}

/// The lines, without spaces at their ends.
pub(super) fn join(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_wide_as_it_should_be_and_shows_every_kind_there_was() {
        let day = 86_400_000;
        for kinds in [
            Kinds { up: day, ..Kinds::default() },
            Kinds { up: day - 3, down: 1, degraded: 1, unmeasured: 1, ..Kinds::default() },
            Kinds { up: 1, down: 1, degraded: 1, unmeasured: 1, maintenance: 1, excluded: 1, not_agreed: 1 },
        ] {
            for width in [7, 24, 76] {
                let ink = Ink::new(Style::default(), None);
                let bar = ink.kinds_bar(&kinds, width);
                assert_eq!(bar.chars().count(), width, "{bar}");
                assert_eq!(ink.kinds_legend(&kinds).len(), cells(&kinds, width).len());
            }
        }
        assert_eq!(cells(&Kinds::default(), 10), Vec::new());
    }

    #[test]
    fn colours_take_no_room() {
        let ink = Ink::new(Style { colour: true, width: 80 }, None);
        let pieces = [ink.bad("down"), ink.good("up")];
        assert!(pieces[0].contains('\u{1b}') && visible(&pieces[0]) == 4);
        assert_eq!(wrapped(&pieces, 8).len(), 1);
        assert_eq!(wrapped(&pieces, 7).len(), 2);
        assert_eq!(clean("a\u{1b}[2Jb\n"), "a\u{fffd}[2Jb\u{fffd}");
    }
}
