//! A connection that is kept, as agents keep theirs: one request after the other, none before the answer to the last.
//!
//! What breaks is opened again by the next request; whoever sends decides whether to send again.

use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Most bytes of an answer's body.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// Most lines of an answer's head.
const HEAD_LINES_MAX: usize = 100;

/// What was answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// How long to wait before the request may come again, if that is said.
    pub retry_after: Option<Duration>,
    /// The body.
    pub body: Vec<u8>,
    closes: bool,
}

/// A connection to a server, opened when it is first needed.
#[derive(Debug)]
pub struct Kept {
    address: SocketAddr,
    patience: Duration,
    stream: Option<BufReader<TcpStream>>,
}

impl Kept {
    /// A connection to `address`, which may be silent for as long as `patience`.
    pub const fn to(address: SocketAddr, patience: Duration) -> Self {
        Self { address, patience, stream: None }
    }

    /// Sends a request and reads its answer. After an error the next request has a new connection.
    pub fn exchange(&mut self, request: &[u8]) -> io::Result<Answer> {
        let mut stream = self.stream.take().map_or_else(|| self.connect(), Ok)?;
        // Whoever was turned away may still find the answer that says so.
        let sent = stream.get_mut().write_all(request);
        let answer = read_answer(&mut stream).or_else(|error| sent.and(Err(error)))?;
        if !answer.closes {
            self.stream = Some(stream);
        }
        Ok(answer)
    }

    fn connect(&self) -> io::Result<BufReader<TcpStream>> {
        let stream = TcpStream::connect_timeout(&self.address, self.patience)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(self.patience))?;
        stream.set_write_timeout(Some(self.patience))?;
        Ok(BufReader::new(stream))
    }
}

fn read_answer(stream: &mut BufReader<TcpStream>) -> io::Result<Answer> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 || lines.len() > HEAD_LINES_MAX {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line.trim_end().is_empty() {
            break;
        }
        lines.push(line.trim_end().to_ascii_lowercase());
    }
    let bad = || io::Error::new(io::ErrorKind::InvalidData, "no HTTP answer");
    let status = lines.first().and_then(|line| line.split(' ').nth(1)?.parse().ok()).ok_or_else(bad)?;
    let header = |name: &str| lines.iter().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let body = if header("transfer-encoding:") == Some("chunked") {
        read_chunks(stream)?
    } else {
        let length: usize = match (status, header("content-length:")) {
            (204, None) => 0,
            (_, length) => length.and_then(|length| length.parse().ok()).ok_or_else(bad)?,
        };
        let mut body = vec![0; length.min(ANSWER_BYTES_MAX)];
        stream.read_exact(&mut body)?;
        body
    };
    Ok(Answer {
        status,
        retry_after: header("retry-after:").and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs),
        body,
        closes: header("connection:") == Some("close"),
    })
}

/// A body that comes in chunks, up to the line after the last one.
fn read_chunks(stream: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let length = line.trim_end().split(';').next().and_then(|length| usize::from_str_radix(length, 16).ok());
        let room = ANSWER_BYTES_MAX - body.len();
        let Some(length) = length.filter(|length| *length <= room) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "chunks of HTTP are expected, up to a bound"));
        };
        let begun = body.len();
        body.resize(begun + length, 0);
        stream.read_exact(body.get_mut(begun..).unwrap_or_default())?;
        // The line's end after each chunk, the last of which is empty.
        line.clear();
        stream.read_line(&mut line)?;
        if length == 0 {
            return Ok(body);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_put_together_and_what_follows_them_stays() {
        let mut stream = io::Cursor::new(b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\nHTTP/1.1 200".as_slice());
        assert_eq!(read_chunks(&mut stream).unwrap(), b"abcde");
        let mut rest = String::new();
        stream.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "HTTP/1.1 200");
        for broken in [b"".as_slice(), b"x\r\n", b"3\r\nab", b"fffffff\r\n"] {
            assert!(read_chunks(&mut io::Cursor::new(broken)).is_err());
        }
    }
}
