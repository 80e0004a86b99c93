//! Units of systemd: what they start is a command that the programs take, and a store that died is restarted.

use uphold_collector::cli::{STORE_DIED, USAGE};

use super::commands;
use super::pages::Page;

/// What is wrong with a unit.
pub(crate) fn in_unit(unit: &Page) -> Vec<String> {
    let mut refusals: Vec<String> = values(unit, "ExecStart").filter_map(|line| commands::whole(line).err()).collect();
    if values(unit, "ExecStart").next().is_none() {
        refusals.push("it starts nothing".to_owned());
    }
    if values(unit, "Restart").all(|when| !matches!(when, "on-failure" | "always")) {
        refusals.push("it restarts nothing that ended with an exit code of its own".to_owned());
    }
    let never: Vec<&str> = values(unit, "RestartPreventExitStatus").flat_map(str::split_whitespace).collect();
    if never.contains(&STORE_DIED.to_string().as_str()) {
        refusals.push("a store that died is not restarted".to_owned());
    }
    if !never.contains(&USAGE.to_string().as_str()) {
        refusals.push("what only people can put right is restarted for ever".to_owned());
    }
    refusals.iter().map(|why| format!("{}: {why}", unit.path)).collect()
}

fn values<'a>(unit: &'a Page, key: &'a str) -> impl Iterator<Item = &'a str> {
    unit.text.lines().filter_map(move |line| line.strip_prefix(key)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_that_start_or_restart_the_wrong_thing_are_refused() {
        let start = "ExecStart=/usr/bin/uphold-collector serve --config a.yaml\n";
        for (unit, refusals) in [
            (format!("{start}Restart=on-failure\nRestartPreventExitStatus=2\n"), 0),
            (format!("{start}Restart=on-failure\nRestartPreventExitStatus=2 4\n"), 1),
            (format!("{start}Restart=on-abort\nRestartPreventExitStatus=2\n"), 1),
            (format!("{start}Restart=always\n"), 1),
            ("ExecStart=/usr/bin/uphold-collector server\nRestart=always\nRestartPreventExitStatus=2\n".to_owned(), 1),
            ("Restart=always\nRestartPreventExitStatus=2\n".to_owned(), 1),
        ] {
            assert_eq!(in_unit(&Page::of("a.service", &unit)).len(), refusals, "{unit}");
        }
    }
}
