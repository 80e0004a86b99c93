//! Where incidents are told: receivers.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::tickets::tickets;
use crate::catalogue::model::{
    Alertmanager, Channel, Exec, Heartbeat, Mail, MailLogin, MailTls, Receiver, ReceiverUrl, StateWay, Way, Webhook,
};
use crate::yaml::declared::Item;
use crate::yaml::problem::Read;
use crate::yaml::walk::{At, Keys};

/// The ways of telling; a receiver has one of them.
const WAYS: [&str; 6] = ["\"webhook\"", "\"mail\"", "\"exec\"", "\"alertmanager\"", "\"heartbeat\"", "\"http\""];
/// How often an Alertmanager may be told: what was told stands for five times as long, so that it neither resolves at
/// one lost post nor stands for long after the collector is gone.
const EVERY_MS: RangeInclusive<i64> = 1_000..=300_000;
const EVERY_DEFAULT_MS: i64 = 60_000;
/// How often a heartbeat may be told.
const HEARTBEAT_MS: RangeInclusive<i64> = 1_000..=3_600_000;
/// Most addresses of one receiver.
const ADDRESSES_MAX: usize = 50;
/// Longest address of mail, as SMTP bounds it.
const ADDRESS_BYTES_MAX: usize = 254;
/// Longest part of it before the `@`.
const LOCAL_BYTES_MAX: usize = 64;
/// Longest label of a domain.
const LABEL_BYTES_MAX: usize = 63;
/// How long a program may take that is given an event.
const TIMEOUT_MS: RangeInclusive<i64> = 1_000..=60_000;
const TIMEOUT_DEFAULT_MS: i64 = 30_000;
/// Most words of its command.
const WORDS_MAX: usize = 64;
/// The end of the path under which an Alertmanager takes alerts.
const ALERTS: &str = "/alerts";

/// `{ id: duty, webhook: { url_file: /etc/uphold/duty.url } }`
pub(super) fn receiver(item: &Item<'_>) -> Read<Receiver> {
    item.mapping(|keys| {
        let ways = [
            keys.optional("webhook", |at| webhook(at).map(messages)),
            keys.optional("mail", |at| mail(at).map(messages)),
            keys.optional("exec", |at| exec(at).map(messages)),
            keys.optional("alertmanager", |at| alertmanager(at).map(Way::State)),
            keys.optional("heartbeat", |at| heartbeat(at).map(Way::State)),
            keys.optional("http", |at| tickets(at).map(|tickets| messages(Channel::Tickets(tickets)))),
        ];
        let mut ways = super::every(ways)?.into_iter().flatten();
        let missing = || keys.at().problem(format!("how it is told is missing: one of {}", WAYS.join(", ")));
        let way = ways.next().ok_or_else(missing)?;
        if ways.next().is_some() {
            return Err(keys.at().problem(format!("it is told in one way: expected only one of {}", WAYS.join(", "))));
        }
        Ok(Receiver { id: item.id.clone()?, way })
    })
}

fn messages(channel: Channel) -> Way {
    Way::Messages(Arc::new(channel))
}

/// `{ url_file: /etc/uphold/duty.url, secret_file: /etc/uphold/duty.secret }`
fn webhook(at: &At<'_>) -> Read<Channel> {
    at.mapping(|keys| {
        let url = url(keys, At::url);
        let secret_file = keys.optional("secret_file", At::text);
        Ok(Channel::Webhook(Webhook { url: url?, secret_file: secret_file? }))
    })
}

/// `{ server: "mail.example:587", user: uphold, password_file: /etc/uphold/mail.password, from: a@b.example, to: [c@b.example] }`
fn mail(at: &At<'_>) -> Read<Channel> {
    at.mapping(|keys| {
        let server = keys.required("server", At::host_and_port);
        let tls = keys.or("tls", MailTls::Starttls, |at| at.word(&MailTls::WORDS));
        let ca_file = keys.optional("ca_file", At::text);
        let (user, password_file) = (keys.optional("user", At::text), keys.optional("password_file", At::text));
        let from = keys.required("from", mail_address);
        let to = keys.required("to", |at| at.set("addresses", ADDRESSES_MAX, mail_address));
        let login = match (user?, password_file?) {
            (Some(user), Some(password_file)) => Some(MailLogin { user, password_file }),
            (None, None) => None,
            _ => return Err(keys.at().problem("a login needs both \"user\" and \"password_file\"")),
        };
        let (server, tls, to) = (server?, tls?, to?);
        if login.is_some() && tls == MailTls::None {
            return Err(keys
                .at()
                .problem("a password is not sent in the clear: \"tls\" must not be \"none\" with a \"user\""));
        }
        let (host, port) = host_and_port(&server).ok_or_else(|| keys.at().problem("expected a host and a port"))?;
        Ok(Channel::Mail(Mail { host, port, tls, ca_file: ca_file?, login, from: from?, to }))
    })
}

/// `{ command: [/usr/local/bin/page, duty], timeout: 30s }`
fn exec(at: &At<'_>) -> Read<Channel> {
    at.mapping(|keys| {
        let words = keys.required("command", |at| {
            let words = at.list(At::text)?;
            match words.first() {
                Some(_) if words.len() > WORDS_MAX => {
                    Err(at.problem(format!("expected at most {WORDS_MAX} words, found {}", words.len())))
                }
                Some(program) if program.starts_with('/') => Ok(words),
                _ => Err(at.expected("the absolute path of a program, then its arguments")),
            }
        });
        let timeout_ms = keys.or("timeout", TIMEOUT_DEFAULT_MS, |at| at.duration_ms(TIMEOUT_MS));
        let mut words = words?.into_iter();
        let program = words.next().unwrap_or_default();
        Ok(Channel::Exec(Exec { program, arguments: words.collect(), timeout_ms: timeout_ms? }))
    })
}

/// The two sides of `host:port`, an address without its brackets.
fn host_and_port(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    Some((host.trim_start_matches('[').trim_end_matches(']').to_owned(), port.parse().ok()?))
}

/// An address of mail alone, such as `duty@example.com`: what stands between its brackets elsewhere.
fn mail_address(at: &At<'_>) -> Read<String> {
    let wanted = "an address of mail such as \"duty@example.com\"";
    let text = at.scalar(wanted)?;
    // What is refused here would be refused with each letter, and nobody would read it.
    let sides = text.rsplit_once('@').filter(|(local, domain)| is_local_part(local) && is_domain(domain));
    if sides.is_some() && text.len() <= ADDRESS_BYTES_MAX { Ok(text.to_owned()) } else { Err(at.expected(wanted)) }
}

/// What stands before the `@`: atoms with full stops between them.
fn is_local_part(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    text.len() <= LOCAL_BYTES_MAX && text.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(plain))
}

/// What stands behind it: the labels of a name.
fn is_domain(text: &str) -> bool {
    text.split('.').all(|label| {
        let plain = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        plain && (1..=LABEL_BYTES_MAX).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
    })
}

/// `{ url: "http://127.0.0.1:9093", every: 1m }`
fn alertmanager(at: &At<'_>) -> Read<StateWay> {
    at.mapping(|keys| {
        let url = url(keys, base_url);
        let every_ms = keys.or("every", EVERY_DEFAULT_MS, |at| at.duration_ms(EVERY_MS));
        let watchdog = keys.or("watchdog", false, At::flag);
        Ok(StateWay::Alertmanager(Alertmanager { url: url?, every_ms: every_ms?, watchdog: watchdog? }))
    })
}

/// `{ url_file: /etc/uphold/heartbeat.url, every: 1m }`
fn heartbeat(at: &At<'_>) -> Read<StateWay> {
    at.mapping(|keys| {
        let url = url(keys, At::url);
        let every_ms = keys.or("every", EVERY_DEFAULT_MS, |at| at.duration_ms(HEARTBEAT_MS));
        Ok(StateWay::Heartbeat(Heartbeat { url: url?, every_ms: every_ms? }))
    })
}

/// A URL that a path is appended to. What is there of the path of the API already would stand there twice.
fn base_url(at: &At<'_>) -> Read<String> {
    let text = at.url()?;
    if text.contains(['?', '#']) {
        return Err(at.problem("expected the address of the Alertmanager alone, without \"?\" and \"#\""));
    }
    if text.trim_end_matches('/').ends_with(ALERTS) {
        return Err(at.problem("expected the address of the Alertmanager alone: the path of its API is appended"));
    }
    Ok(text)
}

/// One of `url`, which `read` reads, and `url_file`.
pub(super) fn url<'t>(keys: &Keys<'t>, read: impl FnOnce(&At<'t>) -> Read<String>) -> Read<ReceiverUrl> {
    let url = keys.optional("url", read);
    let file = keys.optional("url_file", At::text);
    match (url?, file?) {
        (Some(url), None) => Ok(ReceiverUrl::Url(url)),
        (None, Some(file)) => Ok(ReceiverUrl::File(file)),
        (None, None) => Err(keys.at().problem("the URL is missing: expected \"url\" or \"url_file\"")),
        (Some(_), Some(_)) => Err(keys.at().problem("expected one of \"url\" and \"url_file\", not both")),
    }
}
