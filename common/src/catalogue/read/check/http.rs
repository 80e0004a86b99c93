//! `http`: a URL, and what its answer must be.

use std::ops::RangeInclusive;

use super::pattern::body_pattern_within;
use super::{Asking, Check, Read};
use crate::catalogue::read::MEMBERS_MAX;
use crate::wire::check::HttpCheck;
use crate::yaml::walk::At;

const CODE: RangeInclusive<u32> = 100..=599;

/// `{ url: "https://shop.example/health", expect: { code: [200], body_matches: "ok" } }`
pub(super) fn read(at: &At<'_>, asking: &Asking<'_>) -> Read<Check> {
    at.mapping(|keys| {
        let url = keys.required("url", At::url);
        let expect = keys.or("expect", (Vec::new(), None), |at| expect(at, asking));
        let (url, (codes, body_matches)) = (url?, expect?);
        Ok(Check::Http(HttpCheck { url, codes, body_matches }))
    })
}

fn expect(at: &At<'_>, asking: &Asking<'_>) -> Read<(Vec<u16>, Option<String>)> {
    at.mapping(|keys| {
        let codes = keys.or("code", Vec::new(), |at| at.set("codes", MEMBERS_MAX, code));
        let body_matches = keys.optional("body_matches", |at| {
            let pattern = at.text()?;
            body_pattern_within(&pattern, asking.pattern_size_max)
                .map_err(|why| at.problem(format!("the regular expression cannot be used: {why}")))?;
            Ok(pattern)
        });
        Ok((codes?, body_matches?))
    })
}

fn code(at: &At<'_>) -> Read<u16> {
    u16::try_from(at.small_count(CODE)?).map_err(|_| at.expected("an HTTP code"))
}
