//! The nearest valid word, and how text from outside is shown in a problem.
//!
//! What looks like a URL or an address with a user in it is never repeated: it may hold a secret. Everything else is
//! cut to a length and stripped of control characters, so that a problem is one line whatever was written.

/// Longest text that is repeated, in characters.
const SHOWN_CHARS_MAX: usize = 60;
/// Longest word that is compared with others, in bytes.
const COMPARED_BYTES_MAX: usize = 64;
/// Most words that are listed.
const LISTED_MAX: usize = 8;

/// `text` in quotes, cut; or a description, if it might hold a secret.
pub fn shown(text: &str) -> String {
    if text.contains("://") || text.contains('@') {
        return "a text that is not repeated here, since it may hold a secret".to_owned();
    }
    let mut cut: String =
        text.chars().take(SHOWN_CHARS_MAX).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() {
        cut.push('…');
    }
    format!("\"{cut}\"")
}

/// The one of `words` that was most likely meant by `text`, if any is near enough.
///
/// ```
/// use uphold_common::yaml::words::nearest;
/// assert_eq!(nearest("intervall", ["interval", "timeout"]), Some("interval"));
/// assert_eq!(nearest("colour", ["interval", "timeout"]), None);
/// ```
pub fn nearest<'w>(text: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    if text.is_empty() || text.len() > COMPARED_BYTES_MAX {
        return None;
    }
    let text = text.to_lowercase();
    let slips = match text.chars().count() {
        0..3 => 0,
        chars => 1 + chars / 4,
    };
    words
        .into_iter()
        .filter(|word| word.len() <= COMPARED_BYTES_MAX)
        .map(|word| (strsim::osa_distance(&text, &word.to_lowercase()), word))
        .filter(|(distance, word)| *distance <= slips && *distance < word.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// ` (did you mean "interval"?)`, or nothing when no word is near.
pub fn did_you_mean<'w>(text: &str, words: impl IntoIterator<Item = &'w str>) -> String {
    nearest(text, words).map(|word| format!(" (did you mean \"{word}\"?)")).unwrap_or_default()
}

/// `"a", "b" or "c"`; a long list is cut.
pub fn listed<'w>(words: impl IntoIterator<Item = &'w str>) -> String {
    let quoted: Vec<String> = words.into_iter().map(|word| format!("\"{word}\"")).collect();
    if quoted.len() > LISTED_MAX {
        let first = quoted.get(..LISTED_MAX).unwrap_or_default();
        return format!("{} and {} more", first.join(", "), quoted.len().saturating_sub(LISTED_MAX));
    }
    match quoted.as_slice() {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_is_one_short_line_without_secrets() {
        assert_eq!(shown("30"), "\"30\"");
        assert_eq!(shown("a\nb\u{1b}[0m"), "\"a\u{fffd}b\u{fffd}[0m\"");
        assert_eq!(shown(&"x".repeat(1000)).chars().count(), SHOWN_CHARS_MAX + 3);
        for secret in ["https://hooks.example/s3cret", "user:s3cret@host"] {
            assert!(!shown(secret).contains("s3cret"));
        }
    }

    #[test]
    fn the_nearest_word_is_near() {
        assert_eq!(nearest("hihg", ["low", "high"]), Some("high"));
        assert_eq!(nearest("Live", ["live", "planned"]), Some("live"));
        assert_eq!(nearest("x", ["a", "b"]), None);
        assert_eq!(nearest(&"x".repeat(1000), ["x"]), None);
    }

    #[test]
    fn words_are_listed_as_people_list_them() {
        assert_eq!(listed(["a"]), "\"a\"");
        assert_eq!(listed(["a", "b", "c"]), "\"a\", \"b\" or \"c\"");
        assert_eq!(listed(["a"; 11]), format!("{} and 3 more", ["\"a\""; 8].join(", ")));
    }
}
