//! What Linux says of its memory and of how much else there is: `/proc/meminfo`, and limits in `/proc/sys`. Pure.

/// `/proc/meminfo`, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Memory {
    /// All there is.
    pub(super) total: u64,
    /// What new work could have without swapping, as the kernel estimates it; caches that can go are in it.
    pub(super) available: u64,
    /// All swap there is.
    pub(super) swap_total: u64,
    /// What of it is free.
    pub(super) swap_free: u64,
}

/// Reads `/proc/meminfo`; a kernel that estimates nothing (before 3.14) tells nothing that could be shown instead.
pub(super) fn meminfo(text: &str) -> Option<Memory> {
    let (mut total, mut available, mut memory) = (None, None, Memory::default());
    for line in text.lines() {
        let Some((name, rest)) = line.split_once(':') else { continue };
        let bytes = || rest.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1_024);
        match name {
            "MemTotal" => total = bytes(),
            "MemAvailable" => available = bytes(),
            "SwapTotal" => memory.swap_total = bytes()?,
            "SwapFree" => memory.swap_free = bytes()?,
            _ => {}
        }
    }
    Some(Memory { total: total?, available: available?, ..memory })
}

/// Reads `/proc/sys/fs/file-nr`: how many files are open, and how many may be.
pub(super) fn files(text: &str) -> Option<(u64, u64)> {
    let mut words = text.split_ascii_whitespace().map(str::parse::<u64>);
    let (allocated, unused, most) = (words.next()?.ok()?, words.next()?.ok()?, words.next()?.ok()?);
    Some((allocated.saturating_sub(unused), most))
}

/// Reads a file with one number in it.
pub(super) fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_as_the_kernel_estimates_it() {
        let text = "MemTotal:       24684092 kB\nMemFree:          214212 kB\nMemAvailable:   21311556 kB\n\
                    Buffers:          1 kB\nSwapTotal:       1048572 kB\nSwapFree:        1048000 kB\nHugePages_Total: 0\n";
        let kib = |n: u64| n * 1_024;
        assert_eq!(
            meminfo(text),
            Some(Memory {
                total: kib(24_684_092),
                available: kib(21_311_556),
                swap_total: kib(1_048_572),
                swap_free: kib(1_048_000),
            })
        );
        let without_swap = meminfo("MemTotal: 2 kB\nMemAvailable: 1 kB\n").unwrap();
        assert_eq!((without_swap.swap_total, without_swap.swap_free), (0, 0));
        for text in
            ["", "MemTotal: 2 kB\n", "MemTotal: 2 kB\nMemAvailable: 1 MB\n", "MemTotal: 99999999999999999999 kB\n"]
        {
            assert_eq!(meminfo(text), None, "{text:?}");
        }
    }

    #[test]
    fn files_and_numbers_are_read() {
        for (text, expected) in [
            ("413\t0\t2466177\n", Some((413, 2_466_177))),
            ("413 13 9223372036854775807\n", Some((400, 9_223_372_036_854_775_807))),
            ("413 0\n", None),
            ("a 0 1\n", None),
        ] {
            assert_eq!(files(text), expected, "{text:?}");
        }
        assert_eq!([number("32768\n"), number(""), number("-1\n")], [Some(32_768), None, None]);
    }
}
