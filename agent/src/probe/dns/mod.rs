//! The DNS probe: one question to one server, over UDP or TCP.
//!
//! The question is asked once: a datagram that is lost is a failure, which `fall` weighs. An answer that did not fit into
//! a datagram is asked for again over TCP. What arrives over UDP and is not the answer to this question, by its id and by
//! the question in it, is ignored: anybody may send a datagram. If nothing else came until the deadline, that is said.
//!
//! Of several addresses each gets its equal part of the time that is left, as for connections.

mod expected;
mod message;
mod servers;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use uphold_common::wire::check::{DnsCheck, IpChoice, Over};

use super::connect::{Target, parse_target, worst};
use super::{Answer, Happened, Run, Seen, Trouble};
use expected::Expected;
use message::{Question, Received};

pub use message::DnsSeen;

/// Most bytes of a datagram that are read: more than the question says there is room for.
const DATAGRAM_BYTES_MAX: usize = 4_096;
/// How many datagrams that are no answer to the question are ignored.
const IGNORED_MAX: usize = 256;

/// A DNS probe made ready.
#[derive(Debug)]
pub struct DnsProbe {
    question: Question,
    /// Who is asked; `None`: whom this host asks.
    server: Option<Target>,
    over: Over,
    expected: Expected,
}

impl DnsProbe {
    /// Takes name and address apart and compiles the expression.
    pub fn new(check: &DnsCheck) -> Result<Self, String> {
        let server = check.server.as_deref().map(|server| {
            parse_target(server).ok_or_else(|| format!("{server:?} is no address such as host:53 or [::1]:53"))
        });
        Ok(Self {
            question: Question::new(check)?,
            server: server.transpose()?,
            over: check.over,
            expected: Expected::new(check)?,
        })
    }

    /// Whom it speaks to.
    pub fn target(&self) -> String {
        self.server.as_ref().map_or_else(|| "the name servers of this host".to_owned(), Target::to_string)
    }

    /// Asks, and says what was answered or what happened instead.
    pub async fn run(&self, run: &mut Run, timeout: Duration) -> Result<Answer, Happened> {
        let addresses = match &self.server {
            Some(server) => server.addresses(IpChoice::Any, run).await?,
            None => servers::of_this_host(&run.accept).map_err(Happened::NotTried)?,
        };
        let mut troubles = Vec::new();
        for (nth, address) in addresses.iter().enumerate() {
            let left = timeout.saturating_sub(run.watch.elapsed());
            let untried = u32::try_from(addresses.len() - nth).unwrap_or(u32::MAX);
            match tokio::time::timeout(left / untried.max(1), self.ask(run, *address)).await {
                Ok(Ok(seen)) => return Ok(self.judged(seen)),
                Ok(Err(Happened::NotConnected(trouble))) => troubles.push(trouble),
                Ok(Err(other)) => return Err(other),
                Err(_) => troubles.push(Trouble::from(&io::Error::from(io::ErrorKind::TimedOut))),
            }
        }
        match worst(troubles, timeout <= run.watch.elapsed()) {
            Happened::TimedOut => Err(run.overdue.take().unwrap_or(Happened::TimedOut)),
            happened => Err(happened),
        }
    }

    fn judged(&self, seen: DnsSeen) -> Answer {
        let (judged, unexpected) = self.expected.judge(&seen);
        Answer { code: seen.rcode, judged, seen: Seen::Dns(DnsSeen { unexpected, ..seen }) }
    }

    async fn ask(&self, run: &mut Run, address: SocketAddr) -> Result<DnsSeen, Happened> {
        run.peer = Some(address);
        let id = getrandom::u32().map_err(|error| Happened::NotTried(format!("no random number: {error}")))?;
        // Half of the random bits are enough for an id.
        let [high, low, ..] = id.to_be_bytes();
        let id = u16::from_be_bytes([high, low]);
        let query = self.question.query(id).map_err(Happened::NotTried)?;
        if self.over == Over::Udp
            && let Some(seen) = self.over_udp(run, address, id, &query).await?
        {
            return Ok(seen);
        }
        self.over_tcp(run, address, id, &query).await
    }

    /// The answer, or nothing when it did not fit into a datagram.
    async fn over_udp(
        &self,
        run: &mut Run,
        to: SocketAddr,
        id: u16,
        query: &[u8],
    ) -> Result<Option<DnsSeen>, Happened> {
        let any = match to.ip() {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let socket = UdpSocket::bind((any, 0)).await.map_err(not_connected)?;
        // From now on only this server's datagrams arrive, and its refusals.
        socket.connect(to).await.map_err(not_connected)?;
        socket.send(query).await.map_err(not_connected)?;
        let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
        for _ in 0..IGNORED_MAX {
            let length = socket.recv(&mut buffer).await.map_err(not_connected)?;
            match self.question.read(id, buffer.get(..length).unwrap_or_default()) {
                Received::Answer(seen) => {
                    run.phase_ended(|phases| &mut phases.first_byte);
                    return Ok(Some(seen));
                }
                Received::Cut => return Ok(None),
                Received::Foreign(why) => {
                    run.overdue = Some(Happened::NotUnderstood(format!("nothing came but what is no answer: {why}")));
                }
            }
        }
        Err(Happened::NotUnderstood(format!("{IGNORED_MAX} datagrams came, and none is an answer")))
    }

    async fn over_tcp(&self, run: &mut Run, to: SocketAddr, id: u16, query: &[u8]) -> Result<DnsSeen, Happened> {
        let mut stream = TcpStream::connect(to).await.map_err(not_connected)?;
        run.phase_ended(|phases| &mut phases.connect);
        // Without it the question could wait for an acknowledgement and the answer would look slow.
        let _ = stream.set_nodelay(true);
        let length =
            u16::try_from(query.len()).map_err(|_| Happened::NotTried("the question is too long".to_owned()))?;
        let framed = [&length.to_be_bytes(), query].concat();
        stream.write_all(&framed).await.map_err(not_connected)?;
        let length = stream.read_u16().await.map_err(not_connected)?;
        run.phase_ended(|phases| &mut phases.first_byte);
        let mut bytes = vec![0; usize::from(length)];
        stream.read_exact(&mut bytes).await.map_err(not_connected)?;
        run.phase_ended(|phases| &mut phases.transfer);
        match self.question.read(id, &bytes) {
            Received::Answer(seen) => Ok(seen),
            Received::Cut => Err(Happened::NotUnderstood("an answer that is cut, over TCP".to_owned())),
            Received::Foreign(why) => Err(Happened::NotUnderstood(why.to_owned())),
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to `map_err`")]
fn not_connected(error: io::Error) -> Happened {
    Happened::NotConnected(Trouble::from(&error))
}
