//! Attempts against mail servers that refuse, hang, drip, flood, and speak something else: what becomes of the letter, and
//! that nothing they say goes anywhere.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use uphold_common::catalogue::model::{Channel, MailLogin, MailTls};

use super::*;
use crate::notify::entry::Key;
use crate::notify::message::Kind;
use crate::notify::testing::{at, id};
use crate::notify::verdict::{Outcome, judge};

/// What a server does when it is sent a line that begins with this, or at the first byte for the empty one; everything else
/// it answers as it should.
#[derive(Clone, Copy, Debug)]
enum Does {
    /// It answers with these bytes and goes on.
    Says(&'static str),
    /// It answers with these bytes, and then with nothing more.
    SaysAndHangs(&'static str),
    /// It repeats what it was sent.
    Repeats,
    /// It answers with these bytes again and again.
    Floods(&'static str),
    /// It answers with a byte now and then.
    Drips,
    /// It ends the connection.
    Leaves,
}

/// A server, and the lines that it was sent.
struct Server {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(at: &'static str, does: Does) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, heard) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let lines = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = converse(stream, at, does, &lines).await;
            }
        });
        Self { address, heard }
    }

    fn heard(&self, begin: &str) -> usize {
        self.heard.lock().unwrap().iter().filter(|line| line.starts_with(begin)).count()
    }
}

async fn converse(stream: TcpStream, at: &str, does: Does, heard: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let (mut line, mut in_letter) = (String::new(), false);
    loop {
        let usual = match line.get(..4).unwrap_or_default() {
            _ if in_letter => {
                if line == ".\r\n" {
                    "250 taken\r\n"
                } else {
                    ""
                }
            }
            "" => "220 here\r\n",
            "EHLO" => "250-here\r\n250 AUTH PLAIN\r\n",
            "AUTH" => "235 welcome\r\n",
            "DATA" => "354 go on\r\n",
            _ => "250 good\r\n",
        };
        let begins =
            if at.is_empty() { line.is_empty() } else { line.starts_with(at) && (!in_letter || at == ".\r\n") };
        match does {
            _ if !begins => stream.write_all(usual.as_bytes()).await?,
            Does::Says(said) => stream.write_all(said.as_bytes()).await?,
            Does::SaysAndHangs(said) => {
                stream.write_all(said.as_bytes()).await?;
                tokio::time::sleep(Duration::from_mins(1)).await;
            }
            Does::Repeats => stream.write_all(line.clone().as_bytes()).await?,
            Does::Floods(said) => loop {
                stream.write_all(said.repeat(1_000).as_bytes()).await?;
            },
            Does::Drips => loop {
                stream.write_all(b"2").await?;
                tokio::time::sleep(Duration::from_millis(50)).await;
            },
            Does::Leaves => return Ok(()),
        }
        in_letter =
            line != ".\r\n" && (in_letter || line.starts_with("DATA") && !(begins && matches!(does, Does::Says(_))));
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        heard.lock().unwrap().push(line.clone());
    }
}

const PASSWORD: &str = "s3cr3t pa55";
/// The same as `AUTH PLAIN` carries it.
const ENCODED: &str = "AHVwaG9sZABzM2NyM3QgcGE1NQ==";

/// An attempt at this server, with a login, in the clear.
async fn attempt(server: &Server, total: Duration) -> Attempt {
    rustls::crypto::ring::default_provider().install_default().ok();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), PASSWORD).unwrap();
    let mail = Mail {
        host: server.address.ip().to_string(),
        port: server.address.port(),
        tls: MailTls::None,
        ca_file: None,
        login: Some(MailLogin { user: "uphold".to_owned(), password_file: file.path().display().to_string() }),
        from: "uphold@example.com".to_owned(),
        to: vec!["duty@example.com".to_owned(), "lead@example.com".to_owned()],
    };
    let delivery = Delivery {
        key: Key { receiver: id("people"), order: 1 },
        channel: Arc::new(Channel::Mail(mail.clone())),
        id: "0a1b2c3d-INC-7.1".to_owned(),
        incident: None,
        kind: Kind::Opened,
        body: serde_json::json!({ "subject": "INC-7", "data": { "summary": "the shop is down" } }).to_string(),
        attempt: 1,
        repeated: false,
        at: at(0),
        kept: None,
    };
    MailClient::new(Timeouts { connect: total, total }).deliver(&mail, &delivery).await
}

#[derive(Debug, PartialEq, Eq)]
enum Became {
    Delivered,
    Again,
    DeadLetter,
}

fn became(attempt: &Attempt) -> (Became, String) {
    match judge(attempt, at(0)) {
        Outcome::Delivered => (Became::Delivered, String::new()),
        Outcome::Failed { retryable: true, error, .. } => (Became::Again, error),
        Outcome::Failed { retryable: false, error, .. } => (Became::DeadLetter, error),
    }
}

#[tokio::test]
async fn a_server_in_trouble_loses_no_letter_and_is_not_sent_it_for_ever() {
    const NOT_IN_TIME: &str = "the mail server did not answer in time";
    const NO_SMTP: &str = "the mail server broke off, or answered with something else than SMTP";
    const TOO_MUCH: &str = "could not reach the mail server: it said more than 65536 bytes";
    const PAGE: &str = "HTTP/1.1 400 Bad Request\r\ncontent-type: text/html\r\n\r\n<html>s3cr3t</html>\r\n";
    use Became::{Again, DeadLetter, Delivered};
    let table = [
        ("nothing at all", Does::Says("250 never said\r\n"), Delivered, ""),
        ("", Does::Says("421 too busy\r\n"), Again, "the mail server answered 421"),
        ("", Does::Says("554 no service\r\n"), DeadLetter, "the mail server answered 554"),
        ("", Does::SaysAndHangs(""), Again, NOT_IN_TIME),
        ("", Does::Drips, Again, NOT_IN_TIME),
        ("", Does::Leaves, Again, NO_SMTP),
        ("", Does::Says(PAGE), Again, NO_SMTP),
        ("", Does::Floods("2"), Again, TOO_MUCH),
        ("EHLO", Does::Floods("250-more\r\n"), Again, TOO_MUCH),
        ("EHLO", Does::Says("250-here\r\n999 there\r\n"), Again, NO_SMTP),
        ("AUTH", Does::Says("535 5.7.8 AHVwaG9sZABzM2NyM3QgcGE1NQ==\r\n"), DeadLetter, "the mail server answered 535"),
        ("AUTH", Does::Repeats, Again, NO_SMTP),
        ("MAIL", Does::Says("451 later\r\n"), Again, "the mail server answered 451"),
        ("RCPT", Does::Says("450 later\r\n"), Again, "the mail server answered 450"),
        ("RCPT", Does::Says("550 nobody\r\n"), DeadLetter, "the mail server answered 550"),
        ("RCPT", Does::SaysAndHangs("550 nobody\r\n"), DeadLetter, "the mail server answered 550"),
        ("DATA", Does::Says("503 no\r\n"), DeadLetter, "the mail server answered 503"),
        (".\r\n", Does::Says("452 no room\r\n"), Again, "the mail server answered 452"),
        (".\r\n", Does::Says("554 spam\r\n"), DeadLetter, "the mail server answered 554"),
        (".\r\n", Does::SaysAndHangs(""), Again, NOT_IN_TIME),
        (".\r\n", Does::Leaves, Again, NO_SMTP),
        (".\r\n", Does::SaysAndHangs("250 taken\r\n"), Delivered, ""),
        ("QUIT", Does::Floods("2"), Delivered, ""),
        ("QUIT", Does::Says("500 never\r\n"), Delivered, ""),
    ];
    let mut wrong = Vec::new();
    for (at, does, expected, why) in table {
        let server = Server::start(at, does).await;
        // What is slow on a busy machine is not taken for what hangs.
        let total = Duration::from_secs(if why == NOT_IN_TIME { 1 } else { 5 });
        let (found, error) = became(&attempt(&server, total).await);
        if (&found, error.as_str()) != (&expected, why) || error.contains("s3cr3t") || error.contains(ENCODED) {
            wrong.push(format!("{at:?} {does:?}: {found:?}: {error}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_letter_that_was_taken_is_not_sent_again_because_nobody_says_goodbye() {
    let server = Server::start("QUIT", Does::SaysAndHangs("")).await;
    assert_eq!(attempt(&server, Duration::from_secs(3)).await, Attempt::Replied { code: 250 });
    assert_eq!((server.heard("RCPT TO:<duty@example.com>"), server.heard("DATA")), (1, 1));
    assert_eq!(server.heard("RCPT"), 2);
}
