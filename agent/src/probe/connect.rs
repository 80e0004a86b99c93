//! The first two phases of every attempt: from a name to addresses, from addresses to a connection.
//!
//! Addresses are tried in the order the resolver gave them. Each gets its equal part of the time that is left, so that
//! one address that swallows everything (an IPv6 route that leads nowhere) does not eat the deadline of the others.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpStream;
use uphold_common::wire::check::IpChoice;

use crate::accept::Accept;

use super::{Happened, Run, Trouble, TroubleKind};

/// Most addresses of a name that are tried.
const ADDRESSES_MAX: usize = 8;
/// Most addresses of a name that are chosen from.
const ADDRESSES_CHOSEN_FROM_MAX: usize = 64;

/// Where a probe connects to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// A name, or an address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Target {
    /// A connection, or what happened instead.
    pub async fn connect(&self, ip: IpChoice, run: &mut Run, timeout: Duration) -> Result<TcpStream, Happened> {
        let addresses = self.addresses(ip, run).await?;
        let mut troubles = Vec::new();
        for (nth, address) in addresses.iter().enumerate() {
            let left = timeout.saturating_sub(run.watch.elapsed());
            let untried = u32::try_from(addresses.len() - nth).unwrap_or(u32::MAX);
            match tokio::time::timeout(left / untried.max(1), TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    run.phase_ended(|phases| &mut phases.connect);
                    run.peer = Some(*address);
                    // Without it the request could wait for an acknowledgement and the first byte would look slow.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Ok(Err(error)) => troubles.push(Trouble::from(&error)),
                Err(_) => troubles.push(Trouble::from(&io::Error::from(io::ErrorKind::TimedOut))),
            }
        }
        Err(worst(troubles, timeout <= run.watch.elapsed()))
    }

    /// The addresses that can be spoken to.
    pub(super) async fn addresses(&self, ip: IpChoice, run: &mut Run) -> Result<Vec<SocketAddr>, Happened> {
        let only_first = run.only_first.take();
        let mut addresses = chosen(self.resolve().await?, only_first.unwrap_or(ip));
        if only_first.is_some() {
            addresses.truncate(1);
        }
        if addresses.is_empty() {
            let text = format!("{} has no address of the version that is asked for", self.host);
            return Err(Happened::NotResolved(text));
        }
        let addresses = self.accepted(addresses, &run.accept)?;
        run.phase_ended(|phases| &mut phases.resolve);
        if run.noted.address.is_none() {
            run.noted.address = addresses.first().map(SocketAddr::ip);
            run.noted.lookup = run.phases.resolve;
        }
        Ok(addresses)
    }

    /// Those of the addresses that this host lets its agent speak to.
    fn accepted(&self, addresses: Vec<SocketAddr>, accept: &Accept) -> Result<Vec<SocketAddr>, Happened> {
        let mut refused = None;
        let mut accepted = addresses;
        accepted.retain(|address| {
            let why = accept.refuses(&self.host, *address);
            let spoken_to = why.is_none();
            refused = refused.take().or(why);
            spoken_to
        });
        match refused {
            Some(why) if accepted.is_empty() => Err(Happened::NotTried(why)),
            _ => Ok(accepted),
        }
    }

    async fn resolve(&self) -> Result<Vec<SocketAddr>, Happened> {
        if let Ok(address) = self.host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, self.port)]);
        }
        match tokio::net::lookup_host((self.host.as_str(), self.port)).await {
            Ok(found) => {
                let addresses: Vec<SocketAddr> = found.take(ADDRESSES_CHOSEN_FROM_MAX).collect();
                if addresses.is_empty() {
                    return Err(Happened::NotResolved(format!("{} has no address", self.host)));
                }
                Ok(addresses)
            }
            Err(error) => {
                let trouble = Trouble::from(&error);
                // Out of handles or memory is the agent's own trouble also while it asks for a name.
                if trouble.kind == TroubleKind::OfTheAgent && error.raw_os_error().is_some() {
                    return Err(Happened::NotConnected(trouble));
                }
                Err(Happened::NotResolved(trouble.text))
            }
        }
    }
}

/// Those that are tried, in their order.
fn chosen(mut addresses: Vec<SocketAddr>, ip: IpChoice) -> Vec<SocketAddr> {
    match ip {
        IpChoice::Any => {}
        IpChoice::Only4 => addresses.retain(SocketAddr::is_ipv4),
        IpChoice::Only6 => addresses.retain(SocketAddr::is_ipv6),
        // The order among those of one version stays.
        IpChoice::Prefer4 => addresses.sort_by_key(SocketAddr::is_ipv6),
        IpChoice::Prefer6 => addresses.sort_by_key(SocketAddr::is_ipv4),
    }
    addresses.truncate(ADDRESSES_MAX);
    addresses
}

/// Of what the addresses said, what tells most: trouble of the service before trouble of the agent, since an agent
/// without IPv6 that is refused over IPv4 did measure.
pub(super) fn worst(troubles: Vec<Trouble>, out_of_time: bool) -> Happened {
    let of_the_service = troubles.iter().position(|trouble| trouble.kind != TroubleKind::OfTheAgent);
    match troubles.into_iter().nth(of_the_service.unwrap_or_default()) {
        Some(trouble) if trouble.kind == TroubleKind::Other && out_of_time => Happened::TimedOut,
        Some(trouble) => Happened::NotConnected(trouble),
        None => Happened::NotTried("there was no address to try".to_owned()),
    }
}

/// Takes `host:port` or `[address]:port` apart.
pub fn parse_target(text: &str) -> Option<Target> {
    let (host, port) = text.rsplit_once(':')?;
    let bare = host.strip_prefix('[').map_or(Some(host), |rest| rest.strip_suffix(']'))?;
    let bracketed = bare.len() != host.len();
    if bare.is_empty() || bracketed != bare.contains(':') {
        return None;
    }
    let port = port.parse().ok().filter(|port| *port > 0)?;
    Some(Target { host: bare.to_owned(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        for (text, host, port) in
            [("127.0.0.1:80", "127.0.0.1", 80), ("[::1]:443", "::1", 443), ("db.example:5432", "db.example", 5432)]
        {
            assert_eq!(parse_target(text), Some(Target { host: host.to_owned(), port }), "{text}");
        }
        for text in ["", "host", ":80", "host:", "host:0", "host:99999", "::1:80", "[::1:80", "[host]:80", "[]:80"] {
            assert_eq!(parse_target(text), None, "{text}");
        }
    }

    #[test]
    fn addresses_are_chosen_by_their_version() {
        let all = ["192.0.2.1:1", "[2001:db8::1]:1", "192.0.2.2:1", "[2001:db8::2]:1"];
        for (ip, order) in [
            (IpChoice::Any, &[0, 1, 2, 3][..]),
            (IpChoice::Only4, &[0, 2]),
            (IpChoice::Only6, &[1, 3]),
            (IpChoice::Prefer4, &[0, 2, 1, 3]),
            (IpChoice::Prefer6, &[1, 3, 0, 2]),
        ] {
            let addresses = all.iter().map(|address| address.parse().unwrap()).collect();
            let expected: Vec<SocketAddr> = order.iter().map(|at| all[*at].parse().unwrap()).collect();
            assert_eq!(chosen(addresses, ip), expected, "{ip:?}");
        }
    }

    #[test]
    fn trouble_of_the_service_counts_before_trouble_of_the_agent() {
        let of = |kind| Trouble { kind, text: String::new() };
        let (agent, refused) = (of(TroubleKind::OfTheAgent), of(TroubleKind::Refused));
        let other = of(TroubleKind::Other);
        assert_eq!(worst(vec![agent.clone(), refused.clone()], true), Happened::NotConnected(refused));
        assert_eq!(worst(vec![agent.clone()], false), Happened::NotConnected(agent.clone()));
        assert_eq!(worst(vec![agent, other], true), Happened::TimedOut);
    }
}
