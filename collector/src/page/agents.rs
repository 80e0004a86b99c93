//! Who measures and who is told: the agents with what they report of themselves, and the receivers of incidents.

use maud::{Markup, html};

use uphold_common::wire::batch::Epoch;
use uphold_common::wire::push::SeqRange;

use super::text::{Clock, counted};
use crate::snapshot::{AgentSnapshot, ReceiverSnapshot, Snapshot, StateReceiverSnapshot};
use crate::store::Gaps;

/// From where on the difference of two clocks is worth a word; below lies what travelled in between.
const OFFSET_SHOWN_MS: u64 = 1_000;
/// How many ranges of lost batches are named; the log names all.
const LOST_SHOWN: usize = 3;
/// How much of an epoch is shown: enough to tell those of an agent apart.
const EPOCH_SHOWN: usize = 8;

pub(super) fn section(snapshot: &Snapshot, clock: &Clock<'_>) -> Markup {
    html! {
        section.agents {
            h2 { "Agents" }
            @if snapshot.agents.is_empty() { p.empty { "No agent is named in the catalogue, and none has pushed." } }
            @else {
                div.card {
                    table {
                        thead { tr { th scope="col" { "Agent" } th scope="col" { "Last push" } th scope="col" { "Backlog" } } }
                        tbody { @for (id, agent) in &snapshot.agents { (of_agent(id.as_str(), agent, clock)) } }
                    }
                }
            }
        }
        @if !snapshot.receivers.is_empty() || !snapshot.state_receivers.is_empty() { (receivers(snapshot, clock)) }
    }
}

fn receivers(snapshot: &Snapshot, clock: &Clock<'_>) -> Markup {
    html! {
        section.receivers {
            h2 { "Receivers" }
            @if !snapshot.receivers.is_empty() {
                div.card {
                    table {
                        thead { tr { th scope="col" { "Receiver" } th scope="col" { "Delivered" } th scope="col" { "Waiting" } } }
                        tbody { @for (id, receiver) in &snapshot.receivers { (of_receiver(id.as_str(), receiver)) } }
                    }
                }
            }
            @if !snapshot.state_receivers.is_empty() {
                div.card {
                    table {
                        thead { tr { th scope="col" { "Alertmanager" } th scope="col" { "Last told" } th scope="col" { "Alerts" } } }
                        tbody {
                            @for (id, receiver) in &snapshot.state_receivers {
                                (of_state_receiver(id.as_str(), receiver, clock))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn of_agent(id: &str, agent: &AgentSnapshot, clock: &Clock<'_>) -> Markup {
    let mut remarks = remarks(agent);
    if let Some(at) = agent.stopped_at {
        remarks.insert(0, format!("ended as it was asked to, {}", clock.ago(at)));
    }
    html! {
        tr data-agent=(id) {
            th scope="row" { a href={ "agents/" (id) } { (id) } @if !remarks.is_empty() { span.remark { (remarks.join(", ")) } } }
            @match agent.last_push {
                Some(at) => {
                    td { (clock.ago(at)) }
                    td { @if agent.backlog_batches == 0 { "none" } @else { (batches(agent.backlog_batches)) } }
                }
                None => { td { "none yet" } td { "–" } }
            }
        }
    }
}

/// What the agent reported of its own measuring, and how far its clock is off.
pub(super) fn remarks(agent: &AgentSnapshot) -> Vec<String> {
    let offset = agent.clock_offset_ms;
    let mut remarks = Vec::new();
    if agent.last_push.is_some() && offset.unsigned_abs() >= OFFSET_SHOWN_MS {
        let direction = if offset < 0 { "behind" } else { "ahead" };
        let ms = offset.unsigned_abs();
        remarks.push(format!("clock {}.{} s {direction}", ms / 1_000, ms % 1_000 / 100));
    }
    let facts = &agent.facts;
    for (count, what) in [
        (facts.spool_overflow_batches, "batches lost to a full spool"),
        (facts.spool_corrupt, "spool files unreadable"),
        (facts.quarantined, "batches refused"),
        (facts.clock_steps, "clock steps"),
        (facts.skipped_attempts, "attempts skipped"),
        (facts.abrupt_ends, "starts after an abrupt end"),
    ] {
        if count > 0 {
            remarks.push(format!("{what}: {count}"));
        }
    }
    let Gaps { missing_batches, lost_batches, lost } = &agent.gaps;
    if *missing_batches > 0 {
        remarks.push(format!("batches missing and asked for again: {missing_batches}"));
    }
    if *lost_batches > 0 {
        let named: Vec<String> = lost.iter().rev().take(LOST_SHOWN).map(lost_range).collect();
        let more = if lost.len() > LOST_SHOWN { " and further ones" } else { "" };
        remarks.push(format!("batches lost for good: {lost_batches}, {}{more}", named.join(" and ")));
    }
    remarks
}

fn lost_range((epoch, range): &(Epoch, SeqRange)) -> String {
    let SeqRange { first, last } = range;
    let epoch: String = epoch.to_string().chars().take(EPOCH_SHOWN).collect();
    if first == last {
        format!("seq {first} of epoch {epoch}")
    } else {
        format!("seq {first} to {last} of epoch {epoch}")
    }
}

fn of_receiver(id: &str, receiver: &ReceiverSnapshot) -> Markup {
    html! {
        tr data-receiver=(id) {
            th scope="row" {
                (id)
                @if receiver.dead_letters > 0 { span.remark { "given up: " (receiver.dead_letters) } }
                @if receiver.breaker_open { span.remark { "fails again and again, and is only probed" } }
                @if let Some(error) = &receiver.last_error { span.remark { "last attempt: " (error) } }
            }
            td { (receiver.delivered) }
            td { @if receiver.waiting == 0 { "none" } @else { (receiver.waiting) } }
        }
    }
}

fn of_state_receiver(id: &str, receiver: &StateReceiverSnapshot, clock: &Clock<'_>) -> Markup {
    html! {
        tr data-receiver=(id) {
            th scope="row" {
                (id)
                @if let Some(error) = &receiver.last_error { span.remark { "last attempt: " (error) } }
            }
            @match receiver.told {
                Some(at) => {
                    td { (clock.ago(at)) }
                    td { @if receiver.alerts == 0 { "none" } @else { (receiver.alerts) } }
                }
                None => { td { "not yet" } td { "–" } }
            }
        }
    }
}

pub(super) fn batches(count: u64) -> String {
    counted(usize::try_from(count).unwrap_or(usize::MAX), "batch", "batches")
}
