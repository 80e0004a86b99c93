//! The page on which a browser is given a session for a token.

use maud::html;

use super::frame::{Visitor, page};

/// The page. `next` is where to go afterwards; `refusal` is why the last try failed.
pub fn render(organisation: &str, next: &str, refusal: Option<&str>, visitor: &Visitor<'_>) -> String {
    let body = html! {
        main.narrow {
            header.top {
                p.organisation { (organisation) }
                h1 { "Sign in" }
            }
            form.card.sign-in method="post" action="sign-in" {
                @if let Some(refusal) = refusal { p.refusal role="alert" { (refusal) } }
                input type="hidden" name="next" value=(next);
                label for="token" { "Your token" }
                input #token type="password" name="token" required autofocus autocomplete="current-password"
                    placeholder="uphold_…" spellcheck="false";
                button type="submit" { "Sign in" }
                p.note {
                    "An administrator gives tokens on the collector's host: "
                    code { "uphold-collector token add NAME --role viewer" }
                }
            }
        }
    };
    page("Sign in – Uphold", "", false, visitor, &body)
}
