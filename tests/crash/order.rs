//! The order of things, as the operating system sees it: a batch is written to a file, that file is synced, the sync
//! comes back without an error, and only then is the push answered with 200.
//!
//! The collector runs under strace, which notes every call with its bytes. The write is known by the bytes of the batch,
//! the answer by the port of whoever pushed. It does not matter which file it is, nor which thread does what.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::thread;

use uphold_common::wire::push::PUSH_CONTENT_TYPE;
use uphold_tests::process::child::system_program;

use crate::load::{batch, push};
use crate::site::{AGENTS, DEADLINE, Site, present, until};

/// How many batches each agent pushes.
const BATCHES: u64 = 5;
/// The bytes of a batch that are looked for; they lie behind its head, which all batches share.
const MARK: std::ops::Range<usize> = 40..72;

/// One call of the system that is of interest, with where in the trace it began and ended.
#[derive(Debug)]
struct Call<'a> {
    name: &'a str,
    /// What is between its parentheses, and the result.
    said: String,
    began: usize,
    ended: usize,
}

impl Call<'_> {
    /// The file or connection it is about.
    fn of(&self) -> &str {
        self.said
            .split_once('<')
            .and_then(|(_, rest)| rest.split_once(">,").or_else(|| rest.split_once(">)")))
            .map_or("", |(of, _)| of)
    }

    fn succeeded(&self) -> bool {
        self.said.rsplit_once(" = ").is_some_and(|(_, result)| !result.starts_with('-') && !result.starts_with('?'))
    }
}

/// The calls of a trace. What one thread does while another's call is under way stands between the halves of that.
fn calls(trace: &str) -> Vec<Call<'_>> {
    let (mut all, mut unfinished) = (Vec::new(), BTreeMap::new());
    for (place, line) in trace.lines().enumerate() {
        let Some((thread, rest)) = line.split_once(' ').map(|(thread, rest)| (thread, rest.trim_start())) else {
            continue;
        };
        if let Some((first, _)) = rest.split_once(" <unfinished ...>") {
            unfinished.insert(thread, (place, first));
        } else if let Some((_, second)) = rest.split_once(" resumed>") {
            if let Some((began, first)) = unfinished.remove(thread)
                && let Some((name, said)) = first.split_once('(')
            {
                all.push(Call { name, said: format!("{said}{second}"), began, ended: place });
            }
        } else if let Some((name, said)) = rest.split_once('(') {
            all.push(Call { name, said: said.to_owned(), began: place, ended: place });
        }
    }
    all
}

/// Bytes as strace writes them when told to write all of them so.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect()
}

/// Pushes, and gives the port it was pushed from and the status.
fn push_from(port: u16, body: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let from = stream.local_addr().unwrap().port();
    let head = format!(
        "POST /api/v1/push HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\ncontent-type: {PUSH_CONTENT_TYPE}\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    (from, String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned())
}

/// What was pushed: from which port, and the mark of its batch.
struct Pushed {
    from: u16,
    mark: String,
}

/// All agents push at once, so that some share a sync.
fn push_all(port: u16, present: i64) -> Vec<Pushed> {
    let agent = |agent: usize| {
        let one = |seq: u64| {
            let batch = batch(agent, seq, present);
            let framed = batch.encode().unwrap();
            let mark = hex(&framed[MARK]);
            let (from, status) = push_from(port, &push(&batch, framed, seq - 1));
            assert_eq!(status, "HTTP/1.1 200 OK");
            Pushed { from, mark }
        };
        (1..=BATCHES).map(one).collect::<Vec<_>>()
    };
    thread::scope(|scope| {
        let agents: Vec<_> = (0..AGENTS.len()).map(|number| scope.spawn(move || agent(number))).collect();
        agents.into_iter().flat_map(|agent| agent.join().unwrap()).collect()
    })
}

/// What a trace proves of a push; an error says what is out of order.
fn proven(calls: &[Call<'_>], collector_port: u16, pushed: &Pushed) -> Result<(), String> {
    let connection = format!("TCP:[127.0.0.1:{collector_port}->127.0.0.1:{}]", pushed.from);
    let yes = hex(b"HTTP/1.1 200");
    let answered = calls.iter().find(|call| call.of() == connection && call.said.contains(&yes));
    let answered = answered.ok_or_else(|| format!("no answer through {connection}"))?;
    let on_file = |call: &&Call<'_>| call.of().starts_with(r"\x2f");
    let written = calls.iter().filter(on_file).find(|call| call.said.contains(&pushed.mark) && call.succeeded());
    let written = written.ok_or("its bytes were written to no file")?;
    if written.ended >= answered.began {
        return Err(format!("written at {} and answered at {}", written.ended, answered.began));
    }
    let synced = |call: &&Call<'_>| {
        matches!(call.name, "fdatasync" | "fsync")
            && call.of() == written.of()
            && call.succeeded()
            && written.ended < call.began
            && call.ended < answered.began
    };
    calls
        .iter()
        .find(synced)
        .map(drop)
        .ok_or_else(|| format!("{} was not synced between {} and {}", written.of(), written.ended, answered.began))
}

/// Starts a collector under strace; each call with all its bytes, in hexadecimal.
fn traced(present: i64, trace: &Path) -> Site {
    let mut site = Site::new(present, "");
    let calls = "trace=write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,fdatasync,fsync,sync_file_range,msync";
    let strace = system_program("strace").unwrap().display().to_string();
    // The tracer is the grandchild, so that the process that is asked to end is the collector.
    let words =
        [&strace, "-D", "-f", "-q", "-yy", "-xx", "-s", "1000000", "-e", calls, "-o", &trace.display().to_string()];
    site.behind = words.iter().map(|word| (*word).to_owned()).collect();
    site.start();
    site
}

#[test]
fn a_push_is_answered_after_its_bytes_were_written_and_synced() {
    let (present, folder) = (present(), tempfile::tempdir().unwrap());
    let trace = folder.path().join("trace");
    let mut site = traced(present, &trace);
    let pushed = push_all(site.port, present);
    let id = site.collector.as_ref().unwrap().id().to_string();
    site.stop();
    let read = || String::from_utf8_lossy(&fs::read(&trace).unwrap()).into_owned();
    let ended = |text: &str| text.lines().any(|line| line.starts_with(&id) && line.contains("+++ exited with 0 +++"));
    let trace = until("the trace to be whole", || Some(read()).filter(|text| ended(text)));
    let calls = calls(&trace);
    let wrong: Vec<String> = pushed.iter().filter_map(|one| proven(&calls, site.port, one).err()).collect();
    assert!(wrong.is_empty(), "{} of {} pushes:\n{}", wrong.len(), pushed.len(), wrong.join("\n"));
    let synced = calls.iter().filter(|call| call.name == "fdatasync").count();
    println!("{} pushes, {synced} syncs, {} calls", pushed.len(), calls.len());
}

#[test]
fn what_is_out_of_order_in_a_trace_is_seen() {
    let pushed = Pushed { from: 7, mark: hex(b"batch") };
    let (bytes, yes) = (hex(b"a batch!"), hex(b"HTTP/1.1 200 OK"));
    let write = format!("1 pwrite64(5<\\x2fd>, \"{bytes}\", 8, 0) = 8");
    let (sync, other) = ("1 fdatasync(5<\\x2fd>) = 0", "1 fdatasync(6<\\x2fe>) = 0");
    let (begins, ends) = ("1 fdatasync(5<\\x2fd> <unfinished ...>", "1 <... fdatasync resumed>) = 0");
    let answer = format!("2 writev(9<TCP:[127.0.0.1:8->127.0.0.1:7]>, [{{iov_base=\"{yes}\", iov_len=15}}], 1) = 15");
    let failed = "1 fdatasync(5<\\x2fd>) = -1 EIO (Input/output error)";
    for (lines, sound) in [
        (vec![write.as_str(), sync, &answer], true),
        (vec![&write, begins, ends, &answer], true),
        (vec![&write, other, sync, &answer], true),
        (vec![&write, begins, &answer, ends], false),
        (vec![&write, other, &answer, sync], false),
        (vec![sync, &write, &answer], false),
        (vec![begins, &write, ends, &answer], false),
        (vec![&write, failed, &answer], false),
        (vec![&answer, &write, sync], false),
        (vec![sync, &answer], false),
        (vec![&write, sync], false),
    ] {
        let text = lines.join("\n");
        assert_eq!(proven(&calls(&text), 8, &pushed).is_ok(), sound, "{text}");
    }
}
