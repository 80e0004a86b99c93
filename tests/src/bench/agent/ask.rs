//! Whoever asks an exporter: connections that are kept, one request at a time on each, at a pace or without a pause.

use std::io;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use crate::process::kept::Kept;
use crate::process::wait::{Stopwatch, rest};

/// How long an exporter may be silent.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is asked, and what shows in an answer that it is a good one.
#[derive(Clone, Debug)]
pub(super) struct Question {
    /// Whom.
    pub(super) address: SocketAddr,
    /// Where.
    pub(super) path: String,
    /// A piece of a good answer.
    pub(super) good: &'static str,
}

/// What was answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Answers {
    /// As it is expected.
    pub(super) good: u64,
    /// Anything else.
    pub(super) others: u64,
}

/// How often a request is sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    /// So many a second, whatever the answers take.
    Rate(f64),
    /// The next as soon as the last is answered.
    WithoutPause,
}

impl Question {
    /// Asks for so long, over so many connections.
    pub(super) fn ask(&self, pace: Pace, connections: u32, length: Duration) -> io::Result<Answers> {
        let began = Stopwatch::start();
        let answered: Vec<io::Result<Answers>> = thread::scope(|scope| {
            let ask = |nth: u32| scope.spawn(move || self.ask_on_one(pace, nth, connections, began, length));
            let asking: Vec<_> = (0..connections).map(ask).collect();
            let ended = |asking: thread::ScopedJoinHandle<'_, _>| {
                asking.join().unwrap_or_else(|_| Err(io::Error::other("a thread that asks has ended")))
            };
            asking.into_iter().map(ended).collect()
        });
        let mut all = Answers::default();
        for answers in answered {
            let Answers { good, others } = answers?;
            all.good += good;
            all.others += others;
        }
        Ok(all)
    }

    /// Of the requests at a pace, each connection sends those whose number leaves its own.
    fn ask_on_one(&self, pace: Pace, nth: u32, of: u32, began: Stopwatch, length: Duration) -> io::Result<Answers> {
        let request = format!("GET {} HTTP/1.1\r\nhost: {}\r\n\r\n", self.path, self.address);
        let (mut connection, mut answers) = (Kept::to(self.address, PATIENCE), Answers::default());
        let mut number = nth;
        loop {
            let due = match pace {
                Pace::Rate(rate) => Duration::from_secs_f64(f64::from(number) / rate),
                Pace::WithoutPause => began.elapsed(),
            };
            if due >= length {
                return Ok(answers);
            }
            rest(due.saturating_sub(began.elapsed()));
            let answer = connection.exchange(request.as_bytes())?;
            if answer.status == 200 && String::from_utf8_lossy(&answer.body).contains(self.good) {
                answers.good += 1;
            } else {
                answers.others += 1;
            }
            number += of;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::nginx::Nginx;

    #[test]
    fn a_pace_is_kept_over_all_connections_and_what_is_not_good_is_counted() {
        let nginx = Nginx::start("").unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], nginx.port()));
        for (good, expected) in [("ok", Answers { good: 20, others: 0 }), ("no", Answers { good: 0, others: 20 })] {
            let question = Question { address, path: "/health".to_owned(), good };
            let asked = question.ask(Pace::Rate(100.0), 3, Duration::from_millis(200)).unwrap();
            assert_eq!(asked, expected);
        }
    }
}
