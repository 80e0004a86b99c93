//! The TCP probe: resolve, connect, and no more.
//!
//! It sends nothing: what a server makes of a connection without a request is its own affair, and the connection is
//! closed as soon as it stands.

use std::time::Duration;

use uphold_common::wire::check::TcpCheck;

use super::connect::{Target, parse_target};
use super::{Answer, Happened, Judged, Run, Seen};

/// A TCP probe made ready.
#[derive(Debug)]
pub struct TcpProbe {
    target: Target,
}

impl TcpProbe {
    /// Takes the address apart.
    pub fn new(check: &TcpCheck) -> Result<Self, String> {
        let target = parse_target(&check.address)
            .ok_or_else(|| format!("{:?} is no address such as host:443 or [::1]:443", check.address))?;
        Ok(Self { target })
    }

    /// Whom it speaks to.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Connects, or says what happened instead.
    pub async fn run(&self, run: &mut Run, timeout: Duration) -> Result<Answer, Happened> {
        self.target.connect(run, timeout).await?;
        Ok(Answer { code: 0, judged: Judged::Expected, seen: Seen::Connection })
    }
}
