//! The names of series as exporters and people write them: `queue_length{queue="mail"}`.

/// The name of a metric with labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Series {
    /// The metric.
    pub name: String,
    /// Its labels, as they were written.
    pub labels: Vec<(String, String)>,
}

/// Most labels of a series.
const LABELS_MAX: usize = 64;

impl Series {
    /// Reads the whole text as the name of a series.
    ///
    /// ```
    /// use uphold_common::wire::check::Series;
    /// let wanted = Series::parse(r#"queue_length{queue="mail"}"#).unwrap();
    /// let (line, value) = Series::begin(r#"queue_length{host="a",queue="mail"} 7"#).unwrap();
    /// assert!(wanted.means(&line));
    /// assert_eq!(value, " 7");
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        Self::begin(text.trim()).filter(|(_, rest)| rest.is_empty()).map(|(series, _)| series)
    }

    /// The series at the beginning of a text, and what follows it.
    pub fn begin(text: &str) -> Option<(Self, &str)> {
        let end = text.find(|c: char| !is_of_a_name(c)).unwrap_or(text.len());
        let (name, rest) = text.split_at_checked(end)?;
        if name.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let mut series = Self { name: name.to_owned(), labels: Vec::new() };
        let after_name = rest.trim_start_matches([' ', '\t']);
        let rest = match after_name.strip_prefix('{') {
            Some(labels) => series.read_labels(labels)?,
            None => rest,
        };
        (!series.name.is_empty()).then_some((series, rest))
    }

    /// Whether another is one of those that this one means: the same metric, with at least the same labels.
    pub fn means(&self, other: &Self) -> bool {
        self.name == other.name && self.labels.iter().all(|label| other.has(label))
    }

    /// A label that is empty is one that is not there.
    fn has(&self, label: &(String, String)) -> bool {
        self.labels.contains(label) || (label.1.is_empty() && self.labels.iter().all(|(name, _)| *name != label.0))
    }

    /// What follows the closing brace. A name in quotes is that of the metric, if it has none yet.
    fn read_labels<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        let mut rest = text.trim_start();
        loop {
            if let Some(after) = rest.strip_prefix('}') {
                return Some(after);
            }
            let (name, after_name) = match rest.strip_prefix('"').map(unquoted) {
                Some(quoted) => quoted?,
                None => unquoted_name(rest)?,
            };
            let after_name = after_name.trim_start();
            rest = match after_name.strip_prefix('=') {
                Some(value) => {
                    let (value, after) = unquoted(value.trim_start().strip_prefix('"')?)?;
                    if self.labels.len() >= LABELS_MAX {
                        return None;
                    }
                    self.labels.push((name, value));
                    after.trim_start()
                }
                None if self.name.is_empty() && rest.starts_with('"') => {
                    self.name = name;
                    after_name
                }
                None => return None,
            };
            match rest.strip_prefix(',') {
                Some(after) => rest = after.trim_start(),
                None if rest.starts_with('}') => {}
                None => return None,
            }
        }
    }
}

fn is_of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | ':')
}

/// The name of a label, and what follows it.
fn unquoted_name(text: &str) -> Option<(String, &str)> {
    let end = text.find(|c: char| !is_of_a_name(c))?;
    let (name, after) = text.split_at_checked(end).filter(|(name, _)| !name.is_empty())?;
    Some((name.to_owned(), after))
}

/// What stands before the closing quote, and what follows that.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, text.get(at + 1..)?)),
            '\\' => match chars.next()?.1 {
                'n' => value.push('\n'),
                escaped @ ('"' | '\\') => value.push(escaped),
                other => value.extend(['\\', other]),
            },
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_read_as_exporters_write_them() {
        for (text, name, labels) in [
            ("up", "up", &[][..]),
            ("job:up:rate5m", "job:up:rate5m", &[]),
            ("up{}", "up", &[]),
            (r#"up{a="1"}"#, "up", &[("a", "1")]),
            (r#"up { a = "1" , b="2", }"#, "up", &[("a", "1"), ("b", "2")]),
            (r#"up{a="},{\"\\\n x"}"#, "up", &[("a", "},{\"\\\n x")]),
            (r#"{"my.metric",le="+Inf"}"#, "my.metric", &[("le", "+Inf")]),
            (r#"up{"a b"="c"}"#, "up", &[("a b", "c")]),
        ] {
            let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            assert_eq!(Series::parse(text), Some(Series { name: name.to_owned(), labels }), "{text}");
        }
        for text in [
            "",
            "{}",
            "7up",
            "up{",
            "up{a}",
            "up{a=1}",
            "up{a=\"1}",
            "up{a=\"1\"b=\"2\"}",
            "up{,}",
            "up x",
            "ü",
            "{\"a\",\"b\"}",
        ] {
            assert_eq!(Series::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_series_means_those_with_at_least_its_labels() {
        let series = |text: &str| Series::parse(text).unwrap();
        for (wanted, line, meant) in [
            ("up", r#"up{a="1"}"#, true),
            (r#"up{a="1"}"#, r#"up{b="2",a="1"}"#, true),
            (r#"up{a="1"}"#, r#"up{a="2"}"#, false),
            (r#"up{a="1"}"#, "up", false),
            (r#"up{a=""}"#, "up", true),
            (r#"up{a=""}"#, r#"up{a="1"}"#, false),
            ("up", "upper", false),
        ] {
            assert_eq!(series(wanted).means(&series(line)), meant, "{wanted} {line}");
        }
    }
}
