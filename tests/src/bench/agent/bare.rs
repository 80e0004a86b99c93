//! A bare client: a connection for each request, nothing recorded, nothing judged. What it is off by is the machine's.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::pairs::Measured;
use crate::process::wait::{Stopwatch, wall_ms};

/// Asks at this rate for so long.
pub(super) fn measure(address: SocketAddr, rate: u32, length: Duration) -> io::Result<Vec<Measured>> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let mut ticks = interval(Duration::from_secs(1) / rate.max(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut tasks = JoinSet::new();
        for number in 0..(f64::from(rate) * length.as_secs_f64()) as u64 {
            ticks.tick().await;
            tasks.spawn(one(address, number));
        }
        let mut all = Vec::new();
        while let Some(ended) = tasks.join_next().await {
            all.push(ended.map_err(io::Error::other)??);
        }
        Ok(all)
    })
}

async fn one(address: SocketAddr, number: u64) -> io::Result<Measured> {
    let (at_ms, watch) = (wall_ms(), Stopwatch::start());
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    let mut tasks = JoinSet::new();
    tasks.spawn(connection);
    let request = Request::get(format!("/{number}")).header(HOST, address.to_string()).header(CONNECTION, "close");
    let request = request.body(Empty::<Bytes>::new()).map_err(io::Error::other)?;
    let answer = sender.send_request(request).await.map_err(io::Error::other)?;
    answer.into_body().collect().await.map_err(io::Error::other)?;
    Ok(Measured { number, at_ms, total_us: watch.elapsed().as_micros() as u64 })
}
