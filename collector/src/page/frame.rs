//! What every page has: its head, who looks at it, and the warning where the way to it is not safe.

use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Shapes of the states, drawn once and referred to by name.
const SHAPES: &str = include_str!("shapes.svg");

/// Who looks at a page.
#[derive(Clone, Copy, Debug, Default)]
pub struct Visitor<'a> {
    /// The name and the role's word of whoever has signed in.
    pub signed_in: Option<(&'a str, &'a str)>,
    /// The word that forms of this session bring along; without one there are no forms.
    pub form_word: Option<&'a str>,
    /// Whether they may act on incidents.
    pub may_act: bool,
    /// What makes the way to this page unsafe, if something does.
    pub insecure: Option<&'a str>,
}

/// A whole page. `root` leads from its path to `/`: empty, or `../`.
pub(super) fn page(title: &str, root: &str, live: bool, visitor: &Visitor<'_>, body: &Markup) -> String {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="stylesheet" href={ (root) "page.css" };
                link rel="icon" href={ (root) "icon.svg" } type="image/svg+xml";
                @if live {
                    script src={ (root) "page.js" } defer {}
                    noscript { meta http-equiv="refresh" content="10"; }
                }
            }
            body {
                (PreEscaped(SHAPES))
                @if let Some(why) = visitor.insecure {
                    p.insecure role="note" { strong { "This way is not safe." } " " (why) }
                }
                p #lost role="status" hidden {}
                (body)
            }
        }
    };
    document.into_string()
}

/// Who has signed in, and the way in or out.
pub(super) fn visitor_line(root: &str, visitor: &Visitor<'_>) -> Markup {
    html! {
        nav.visitor aria-label="You" {
            @match (visitor.signed_in, visitor.form_word) {
                (Some((name, role)), Some(word)) => {
                    span { (name) ", " (role) }
                    form method="post" action={ (root) "sign-out" } {
                        input type="hidden" name="word" value=(word);
                        button.quiet type="submit" { "Sign out" }
                    }
                }
                _ => a href={ (root) "sign-in" } { "Sign in" },
            }
        }
    }
}
