//! Text as people wrote it, into HTML and out of what ticket systems give back: without the tags and entities of HTML, without control
//! characters, bounded. Pure.

use crate::incident::act::COMMENT_BYTES_MAX;

/// The entities that editors write; others stay as they are.
const ENTITIES: [(&str, &str); 10] = [
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&#60;", "<"),
    ("&#62;", ">"),
    ("&quot;", "\""),
    ("&#39;", "'"),
    ("&#039;", "'"),
    ("&nbsp;", " "),
    // The last: what it becomes is no beginning of another.
    ("&#38;", "&"),
    ("&amp;", "&"),
];
/// Tags that end a line.
const BREAKS: [&str; 7] = ["br", "/p", "/div", "/li", "/tr", "/h1", "/blockquote"];
/// What says that a text was cut.
const CUT: &str = " …";

/// The text of some HTML. What is not HTML loses what looks like a tag, so only descriptions of systems that write HTML ask
/// for it.
pub fn plain(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        let begins = after.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!');
        let tag = if begins { after.split_once('>') } else { None };
        if let Some((tag, behind)) = tag {
            let name: String = tag.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '/').collect();
            let name = name.to_ascii_lowercase();
            if BREAKS.contains(&name.trim_end_matches('/')) {
                text.push('\n');
            }
            rest = behind;
        } else {
            text.push('<');
            rest = after;
            // No tag ends any more; to look for each of their ends would take as long as the square of the text.
            if begins {
                break;
            }
        }
    }
    text.push_str(rest);
    for (entity, character) in ENTITIES {
        text = text.replace(entity, character);
    }
    text.trim().to_owned()
}

/// `text` as HTML.
pub fn html(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    text.replace('\n', "<br>")
}

/// `text` as a comment that is taken over: control characters are spaces, and what is too long is cut between characters.
pub fn taken_over(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let text: String =
        text.chars().map(|c| if c.is_control() && !matches!(c, '\n' | '\t') { ' ' } else { c }).collect();
    let text = text.trim();
    if text.len() <= COMMENT_BYTES_MAX {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(COMMENT_BYTES_MAX - CUT.len());
    format!("{}{CUT}", text.get(..end).unwrap_or_default().trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::act::Comment;

    #[test]
    fn html_becomes_its_text() {
        for (given, expected) in [
            ("plain", "plain"),
            ("<p>one</p><p>two &amp; three</p>", "one\ntwo & three"),
            ("a<br/>b<BR>c", "a\nb\nc"),
            ("<a href=\"https://x.example/?a>b\">link</a>", "b\">link"),
            ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
            ("&amp;lt;b&amp;gt;", "&lt;b&gt;"),
            ("<unclosed", "<unclosed"),
            ("<!-- note -->text", "text"),
        ] {
            assert_eq!(plain(given), expected, "{given}");
        }
        // Within the time that one look at each of its characters takes.
        let hostile = "<a".repeat(512 * 1024);
        assert_eq!(plain(&hostile), hostile);
        let text = "a < b & \"c\"\nd > e";
        assert_eq!(plain(&html(text)), text);
    }

    #[test]
    fn what_is_taken_over_is_a_comment() {
        assert_eq!(taken_over(" a\r\nb\u{1b}[31m\0 "), "a\nb [31m");
        let long = "ü".repeat(COMMENT_BYTES_MAX);
        let cut = taken_over(&long);
        assert!(cut.len() <= COMMENT_BYTES_MAX && cut.ends_with("ü …"), "{}", cut.len());
        assert!(Comment::new(&cut).is_ok());
        assert_eq!(taken_over(&cut), cut, "cutting again changes nothing");
        assert_eq!(taken_over("\u{7}"), "");
    }
}
