//! The ICMP probe: echo requests to one host, and what comes back until the deadline.
//!
//! How long it took is the resolving and the middle round trip together: what one request takes. The gaps between requests
//! are the probe's own, and so is the waiting for what is lost; an attempt that fails took as long as it lasted.

mod packet;
mod socket;
mod tally;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;
use uphold_common::observation::Micros;
use uphold_common::wire::check::{IcmpCheck, IpChoice, IpVersion};

use super::connect::Target;
use super::{Answer, Happened, Judged, Run, Seen, Trouble, TroubleKind};
use packet::Echo;
use tally::Tally;

pub use tally::IcmpSeen;

/// Most bytes of a packet that are read: more than any reply to a request has.
const PACKET_BYTES_MAX: usize = 1_024;
/// Of the internet protocol itself; a host is accepted where no port is asked for.
const NO_PORT: u16 = 0;

/// An ICMP probe made ready.
#[derive(Debug)]
pub struct IcmpProbe {
    target: Target,
    ip: Option<IpVersion>,
    packets: u16,
    gap: Duration,
    loss_at_most_ppb: i64,
    hops_max: Option<u8>,
}

impl IcmpProbe {
    /// Takes the numbers over.
    pub fn new(check: &IcmpCheck) -> Result<Self, String> {
        let packets = u16::try_from(check.packets).ok().filter(|packets| *packets > 0);
        Ok(Self {
            target: Target { host: check.host.clone(), port: NO_PORT },
            ip: check.ip,
            packets: packets.ok_or_else(|| format!("{} packets cannot be sent", check.packets))?,
            gap: Duration::from_millis(u64::try_from(check.gap_ms).unwrap_or_default()),
            loss_at_most_ppb: check.loss_at_most_ppb,
            hops_max: None,
        })
    }

    /// The same, whose requests go over at most so many hops.
    pub(super) fn over_hops(self, hops_max: Option<u8>) -> Self {
        Self { hops_max, ..self }
    }

    /// Whom it speaks to.
    pub fn target(&self) -> &str {
        &self.target.host
    }

    /// Asks, and says what came back or what happened instead.
    pub async fn run(&self, run: &mut Run) -> Result<Answer, Happened> {
        let (address, socket, kind) = self.open(run).await?;
        run.peer = Some(SocketAddr::new(address, NO_PORT));
        let random = getrandom::u64().map_err(|error| Happened::NotTried(format!("no random number: {error}")))?;
        let nonce = random.to_be_bytes();
        let [high, low, ..] = nonce;
        let echo = Echo { kind, id: u16::from_be_bytes([high, low]), nonce };
        self.exchange(run, &socket, &echo).await
    }

    /// A socket to the first address that can be spoken to.
    async fn open(&self, run: &mut Run) -> Result<(IpAddr, UdpSocket, socket::Kind), Happened> {
        let mut refused = None;
        for address in
            self.target.addresses(IpChoice::Any, run).await?.iter().map(SocketAddr::ip).filter(|ip| self.wants(*ip))
        {
            match socket::open(address, self.hops_max) {
                Ok((socket, kind)) => return Ok((address, socket, kind)),
                Err(happened) => refused = refused.or(Some(happened)),
            }
        }
        Err(refused.unwrap_or_else(|| {
            let version = if self.ip == Some(IpVersion::Four) { "IPv4" } else { "IPv6" };
            Happened::NotResolved(format!("{} has no {version} address", self.target.host))
        }))
    }

    fn wants(&self, ip: IpAddr) -> bool {
        self.ip.is_none_or(|version| ip.is_ipv4() == (version == IpVersion::Four))
    }

    async fn exchange(&self, run: &mut Run, socket: &UdpSocket, echo: &Echo) -> Result<Answer, Happened> {
        let began = run.watch.elapsed();
        let resolved_us = run.phases.resolve.get().unwrap_or_default();
        run.noted.setup = Micros::new(run.watch.elapsed_us().saturating_sub(resolved_us));
        let mut tally = Tally::new(self.packets);
        let mut buffer = [0; PACKET_BYTES_MAX];
        while !tally.is_complete() {
            let due = began.saturating_add(self.gap.saturating_mul(u32::from(tally.sent())));
            let until_due = due.saturating_sub(run.watch.elapsed());
            if tally.sent() < self.packets && until_due.is_zero() {
                let sent = socket.send(&echo.request(tally.sent())).await;
                tally.was_sent(run.watch.elapsed_us());
                if let Err(error) = sent {
                    let trouble = Trouble::from(&error);
                    // What this host itself cannot send says nothing of the other.
                    if trouble.kind == TroubleKind::OfTheAgent {
                        return Err(Happened::NotConnected(trouble));
                    }
                    tally.was_refused(trouble);
                }
                continue;
            }
            let received = if tally.sent() < self.packets {
                let Ok(received) = tokio::time::timeout(until_due, socket.recv(&mut buffer)).await else { continue };
                received
            } else {
                socket.recv(&mut buffer).await
            };
            match received {
                Ok(length) => {
                    let replied = echo.replied(buffer.get(..length).unwrap_or_default());
                    tally.came_back(replied, run.watch.elapsed_us());
                }
                Err(error) => tally.was_refused(Trouble::from(&error)),
            }
            run.overdue = Some(self.ended(run, &tally).map_or_else(|happened| happened, Happened::Answered));
        }
        self.ended(run, &tally)
    }

    /// What is said when nothing more comes.
    fn ended(&self, run: &mut Run, tally: &Tally) -> Result<Answer, Happened> {
        let seen = tally.seen()?;
        let judged = seen.judged(self.loss_at_most_ppb);
        let resolved_us = run.phases.resolve.get().unwrap_or_default();
        run.phases.first_byte = Micros::new(seen.middle_us);
        run.lasted = (judged == Judged::Expected).then(|| Micros::new(resolved_us.saturating_add(seen.middle_us)));
        Ok(Answer { code: 0, judged, seen: Seen::Icmp(seen) })
    }
}
