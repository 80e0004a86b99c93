//! The end of each command's help: examples that can be typed as they are, and what the exit codes mean.

use uphold_manual::after_help;

const USAGE: (u8, &str) = (2, "the command line or the configuration is not right");
const CUT_SHORT: (u8, &str) = (super::CUT_SHORT, "it was told to end before it was done");

/// The end of the program's help.
pub(super) fn program() -> String {
    let examples = [
        "uphold-agent probe https://shop.example/health --body-matches ok",
        "uphold-agent enrol --collector https://uphold.example --token-file ./token",
        "uphold-agent check --name zurich-1 --collector https://uphold.example",
        "uphold-agent run --config /etc/uphold/agent.yaml",
        "uphold-agent figures webshop --collector https://uphold.example",
    ];
    let codes = [
        (0, "fine"),
        (1, "the probe is down, or what was asked for failed"),
        USAGE,
        (3, "the agent could not measure"),
        CUT_SHORT,
    ];
    after_help::written(&examples, &codes)
}

pub(super) fn run() -> String {
    let examples = [
        "uphold-agent run --config /etc/uphold/agent.yaml",
        "uphold-agent run --name zurich-1 --collector https://uphold.example",
    ];
    let codes = [
        (0, "it was asked to end, and what it saw is delivered or kept"),
        (1, "the data directory or the port could not be had, or what was seen could not be kept"),
        USAGE,
        (super::CUT_SHORT, "it was told to end for the second time; what it saw is kept"),
    ];
    after_help::written(&examples, &codes)
}

pub(super) fn probe() -> String {
    let examples = [
        "uphold-agent probe http://127.0.0.1:8080/health",
        "uphold-agent probe https://shop.example/ --code 200 --slow-after 800ms",
        "uphold-agent probe tcp://[2001:db8::1]:443 --timeout 2s --format json",
        "uphold-agent probe tls://shop.example:443",
        "uphold-agent probe --check '{ tls: { address: \"a.example:443\" } }'",
    ];
    let codes = [(0, "up or degraded"), (1, "down"), USAGE, (3, "the agent could not measure"), CUT_SHORT];
    after_help::written(&examples, &codes)
}

pub(super) fn check() -> String {
    let examples = [
        "uphold-agent check --config /etc/uphold/agent.yaml",
        "uphold-agent check --name zurich-1 --collector https://uphold.example",
    ];
    let codes = [(0, "the agent would work"), (1, "it would not, and every reason was told"), USAGE, CUT_SHORT];
    after_help::written(&examples, &codes)
}

pub(super) fn capacity() -> String {
    let examples = ["uphold-agent capacity", "uphold-agent capacity --over 10s --format json"];
    let codes = [(0, "shown"), (1, "this host cannot be read, or it could not be written"), USAGE, CUT_SHORT];
    after_help::written(&examples, &codes)
}

pub(super) fn enrol() -> String {
    let examples = [
        "uphold-agent enrol --collector https://uphold.example --token-file ./token",
        "uphold-agent enrol --collector http://127.0.0.1:8080 --config ./agent.yaml",
    ];
    let codes = [
        (0, "the configuration and the token are in their places, or were there already"),
        (1, "it would not work and every reason was told, or it could not be written; what was there stays"),
        (2, "the command line, the token or the CA file is not right, or another configuration is there"),
        CUT_SHORT,
    ];
    after_help::written(&examples, &codes)
}

pub(super) fn beat() -> String {
    let examples = [
        "uphold-agent beat shop/backup",
        "uphold-agent beat shop/backup --says fail",
        "uphold-agent beat shop/backup -- /usr/local/bin/backup --all",
    ];
    let codes = [
        (0, "the job did well, and the agent has heard it"),
        (1, "the agent has not heard it"),
        USAGE,
        CUT_SHORT,
        (127, "the job could not be run; every other code is its own"),
    ];
    after_help::written(&examples, &codes)
}

pub(super) fn figures() -> String {
    let examples = [
        "uphold-agent figures webshop --collector https://uphold.example",
        "uphold-agent figures webshop --collector https://uphold.example --format json",
    ];
    let codes = [(0, "the figures were printed"), (1, "the collector has none, or was not reached"), USAGE, CUT_SHORT];
    after_help::written(&examples, &codes)
}

/// What a command that only prints may end with.
fn printed(examples: &[&str]) -> String {
    after_help::written(examples, &[(0, "printed"), (1, "it could not be written"), USAGE])
}

pub(super) fn completions() -> String {
    printed(&[
        "uphold-agent completions bash > /etc/bash_completion.d/uphold-agent",
        "uphold-agent completions zsh > _uphold-agent",
    ])
}

pub(super) fn man() -> String {
    printed(&["uphold-agent man | man -l -", "uphold-agent man --dir /usr/local/share/man/man1"])
}
