//! What Linux says of its processors: `/proc/stat`, `/proc/loadavg`, `/proc/pressure`. Pure.

/// The kinds of processor time that are told, in the order of [`Stat::kinds_ms`]. Idle time is what is left.
pub(super) const KINDS: [&str; 8] = ["user", "nice", "system", "iowait", "irq", "softirq", "steal", "guest"];
/// The place of `iowait` among them: a processor that waits for a disk is idle.
const IOWAIT: usize = 3;
/// How long a tick is, in which the kernel tells processor time on every machine that this is built for.
const TICK_MS: u64 = 10;

/// `/proc/stat`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stat {
    /// Milliseconds of each kind, of all processors together. They exclude each other: what guests took is in no other.
    pub(super) kinds_ms: [u64; 8],
    /// Processors that are on.
    pub(super) processors: u64,
}

impl Stat {
    /// Milliseconds in which processors were in use. Time that the hypervisor gave to others is among them: this machine
    /// asked for it, and cannot have it.
    pub(super) fn busy_ms(&self) -> u64 {
        self.kinds_ms.iter().enumerate().filter(|(place, _)| *place != IOWAIT).map(|(_, ms)| ms).sum()
    }
}

/// Reads `/proc/stat`.
pub(super) fn stat(text: &str) -> Option<Stat> {
    let mut lines = text.lines().take_while(|line| line.starts_with("cpu"));
    let mut ticks = [0_u64; 10];
    let all = lines.next()?.strip_prefix("cpu ")?;
    let mut found = 0;
    for (tick, word) in ticks.iter_mut().zip(all.split_ascii_whitespace()) {
        *tick = word.parse().ok()?;
        found += 1;
    }
    let [user, nice, system, _idle, iowait, irq, softirq, steal, guest, guest_nice] = ticks;
    // The kernel counts guests among user and nice as well.
    let kinds = [
        user.saturating_sub(guest),
        nice.saturating_sub(guest_nice),
        system,
        iowait,
        irq,
        softirq,
        steal,
        guest.saturating_add(guest_nice),
    ];
    let processors = lines.count() as u64;
    (found >= 4 && processors > 0)
        .then(|| Stat { kinds_ms: kinds.map(|ticks| ticks.saturating_mul(TICK_MS)), processors })
}

/// `/proc/loadavg`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Load {
    /// Thousandths of tasks that ran or wanted to, as a mean of the last minute.
    pub(super) thousandths: u64,
    /// Threads there are.
    pub(super) threads: u64,
}

/// Reads `/proc/loadavg`: `0.17 1.09 1.28 1/86 31799`.
pub(super) fn load(text: &str) -> Option<Load> {
    let mut words = text.split_ascii_whitespace();
    let (whole, hundredths) = words.next()?.split_once('.')?;
    if hundredths.len() != 2 {
        return None;
    }
    let thousandths = whole.parse::<u64>().ok()?.checked_mul(1_000)? + hundredths.parse::<u64>().ok()? * 10;
    let (_, threads) = words.nth(2)?.split_once('/')?;
    Some(Load { thousandths, threads: threads.parse().ok()? })
}

/// Microseconds in which some task was stalled, and in which all that had something to do were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stalled {
    /// Some.
    pub(super) some_us: Option<u64>,
    /// All of them; older kernels do not tell it of processors.
    pub(super) full_us: Option<u64>,
}

/// Reads one of `/proc/pressure`: the totals, and not the means that the kernel makes of them.
pub(super) fn pressure(text: &str) -> Stalled {
    let mut stalled = Stalled::default();
    for line in text.lines() {
        let total = line.rsplit_once("total=").and_then(|(_, total)| total.trim_end().parse().ok());
        match line.split(' ').next() {
            Some("some") => stalled.some_us = total,
            Some("full") => stalled.full_us = total,
            _ => {}
        }
    }
    stalled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_told_once() {
        let text = "cpu  5832474 2534297 1144472 4709977 85394 3 52506 6876 100 7\n\
                    cpu0 2751760 1251096 540568 2589403 28225 0 17098 3453 0 0\n\
                    cpu1 3080713 1283201 603903 2120574 57168 0 35408 3422 0 0\n\
                    intr 1 cpu 2\nctxt 3\n";
        let stat = stat(text).unwrap();
        let ticks = [5_832_374, 2_534_290, 1_144_472, 85_394, 3, 52_506, 6_876, 107];
        assert_eq!((stat.kinds_ms, stat.processors), (ticks.map(|ticks| ticks * 10), 2));
        let busy = 5_832_474 + 2_534_297 + 1_144_472 + 3 + 52_506 + 6_876;
        assert_eq!(stat.busy_ms(), busy * 10, "neither idle nor waiting for a disk, and no guest twice");
    }

    #[test]
    fn an_old_kernel_tells_fewer_kinds_and_nonsense_tells_none() {
        let old = stat("cpu 1 2 3 4\ncpu0 1 2 3 4\n").unwrap();
        assert_eq!((old.kinds_ms, old.processors), ([10, 20, 30, 0, 0, 0, 0, 0], 1));
        for text in ["", "cpu", "cpu 1 2 3\ncpu0 1 2 3\n", "cpu a b c d\ncpu0 1\n", "cpu 1 2 3 4\n", "intr 1\n"] {
            assert_eq!(stat(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_load_and_the_threads_stand_in_one_line() {
        for (text, expected) in [
            ("0.17 1.09 1.28 1/86 31799\n", Some(Load { thousandths: 170, threads: 86 })),
            ("112.05 80.00 1.28 3/12086 7", Some(Load { thousandths: 112_050, threads: 12_086 })),
            ("0.1 1.09 1.28 1/86 31799\n", None),
            ("0.17 1.09 1.28 86 31799\n", None),
            ("0.17\n", None),
            ("", None),
        ] {
            assert_eq!(load(text), expected, "{text:?}");
        }
    }

    #[test]
    fn stalls_are_told_by_their_totals() {
        let both = "some avg10=44.34 avg60=60.96 avg300=31.39 total=25774785009\n\
                    full avg10=0.00 avg60=0.00 avg300=0.00 total=17\n";
        for (text, some_us, full_us) in [
            (both, Some(25_774_785_009), Some(17)),
            ("some avg10=0.00 avg60=0.00 avg300=0.00 total=5\n", Some(5), None),
            ("some avg10=0.00 total=x\nless total=3\n", None, None),
            ("", None, None),
        ] {
            assert_eq!(pressure(text), Stalled { some_us, full_us }, "{text:?}");
        }
    }
}
