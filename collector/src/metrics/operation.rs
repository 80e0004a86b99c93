//! What the metrics page says of the program's own work: snapshots, agents, receivers, pushes.

use uphold_common::governed::Sort;

use super::{MetricsError, Sheet, names, number};
use crate::engine::reload::CatalogueReloads;
use crate::limits::Unit;
use crate::listen::tls::Reloads;
use crate::revisions::model::Why;
use crate::snapshot::{
    AgentSnapshot, LimitSnapshot, ListeningSnapshot, LooksSnapshot, ReceiverSnapshot, Snapshot, StateReceiverSnapshot,
};

pub(super) fn write(sheet: &mut Sheet, snapshot: &Snapshot) -> Result<(), MetricsError> {
    let health = &snapshot.health;
    sheet.count(&names::BUILD_INFO, &[env!("CARGO_PKG_VERSION")], 1)?;
    sheet.seconds(&names::START_TIME, &[], health.started_ms)?;
    sheet.seconds(&names::SNAPSHOT_TIME, &[], snapshot.as_of.as_ms())?;
    sheet.put(&names::TICK_DURATION, &[], number(health.tick_us) / 1_000_000.0)?;
    sheet.count(&names::DERIVING, &[], health.deriving)?;
    sheet.count(&names::TIMELINE_BYTES, &[], health.timeline_bytes)?;
    sheet.count(&names::DAYS_DERIVED, &[], health.days_derived)?;
    sheet.count(&names::REVISIONS_WAITING, &[], health.revisions.waiting)?;
    for cause in Why::WORDS {
        sheet.count(&names::REVISIONS, &[cause], health.revisions.issued.get(cause).copied().unwrap_or(0))?;
    }
    sheet.count(&names::CATALOGUE_VERSION, &[], snapshot.catalogue_version)?;
    let CatalogueReloads { taken, refused, wrong } = &snapshot.health.reloads;
    sheet.count(&names::CATALOGUE_RELOADS, &["taken"], *taken)?;
    sheet.count(&names::CATALOGUE_RELOADS, &["refused"], *refused)?;
    sheet.count(&names::CATALOGUE_RELOAD_SUCCESSFUL, &[], u64::from(wrong.is_none()))?;
    for (id, agent) in &snapshot.agents {
        of_agent(sheet, id.as_str(), agent)?;
    }
    for (id, receiver) in &snapshot.receivers {
        of_receiver(sheet, id.as_str(), receiver)?;
    }
    for (id, receiver) in &snapshot.state_receivers {
        of_state_receiver(sheet, id.as_str(), receiver)?;
    }
    sheet.count(&names::LETTERS_DROPPED, &[], health.letters_dropped)?;
    for (result, pushes) in &health.pushes {
        sheet.count(&names::PUSHES, &[result], *pushes)?;
    }
    for (reason, requests) in &health.requests_refused {
        sheet.count(&names::REQUESTS_REFUSED, &[reason], *requests)?;
    }
    sheet.count(&names::ROWS, &[], health.rows)?;
    sheet.count(&names::IMPORT_BATCHES, &["taken"], health.imports.taken)?;
    sheet.count(&names::IMPORT_BATCHES, &["refused"], health.imports.refused)?;
    sheet.count(&names::IMPORT_ROWS, &[], health.imports.rows)?;
    for sort in Sort::ALL {
        let in_force = snapshot.governed.of(sort).filter(|kept| kept.is_in_force()).count();
        sheet.count(&names::RECORDS, &[sort.as_str()], whole(in_force))?;
    }
    of_listening(sheet, &health.listening)
}

fn of_agent(sheet: &mut Sheet, id: &str, agent: &AgentSnapshot) -> Result<(), MetricsError> {
    let labels = [id];
    if let Some(at) = agent.last_push {
        sheet.seconds(&names::AGENT_LAST_PUSH, &labels, at.as_ms())?;
        sheet.count(&names::AGENT_BACKLOG, &labels, agent.backlog_batches)?;
        sheet.seconds(&names::AGENT_CLOCK_OFFSET, &labels, agent.clock_offset_ms)?;
    }
    let facts = &agent.facts;
    sheet.count(&names::AGENT_SPOOL_OVERFLOW, &labels, facts.spool_overflow_batches)?;
    sheet.count(&names::AGENT_SPOOL_CORRUPT, &labels, facts.spool_corrupt)?;
    sheet.count(&names::AGENT_QUARANTINED, &labels, facts.quarantined)?;
    sheet.count(&names::AGENT_CLOCK_STEPS, &labels, facts.clock_steps)?;
    sheet.count(&names::AGENT_SKIPPED, &labels, facts.skipped_attempts)?;
    sheet.count(&names::AGENT_ABRUPT_ENDS, &labels, facts.abrupt_ends)?;
    sheet.count(&names::AGENT_MISSING, &labels, agent.gaps.missing_batches)?;
    sheet.count(&names::AGENT_LOST, &labels, agent.gaps.lost_batches)
}

fn of_receiver(sheet: &mut Sheet, id: &str, receiver: &ReceiverSnapshot) -> Result<(), MetricsError> {
    let labels = [id];
    sheet.count(&names::RECEIVER_WAITING, &labels, receiver.waiting)?;
    sheet.count(&names::RECEIVER_DEAD, &labels, receiver.dead_letters)?;
    sheet.count(&names::RECEIVER_DELIVERED, &labels, receiver.delivered)?;
    sheet.count(&names::RECEIVER_FAILED, &labels, receiver.failed_attempts)?;
    sheet.count(&names::RECEIVER_BREAKER, &labels, u64::from(receiver.breaker_open))?;
    if let Some(LooksSnapshot { made, failed, last }) = receiver.looks {
        sheet.count(&names::RECEIVER_LOOKS, &labels, made)?;
        sheet.count(&names::RECEIVER_LOOKS_FAILED, &labels, failed)?;
        if let Some(last) = last {
            sheet.seconds(&names::RECEIVER_LOOKED, &labels, last.as_ms())?;
        }
    }
    Ok(())
}

fn of_listening(sheet: &mut Sheet, listening: &ListeningSnapshot) -> Result<(), MetricsError> {
    for LimitSnapshot { limit, value, reached } in &listening.limits {
        let labels = [limit.key()];
        match limit.unit() {
            Unit::Time => sheet.put(&names::LIMIT, &labels, number(*value) / 1_000.0)?,
            Unit::Count | Unit::Bytes => sheet.count(&names::LIMIT, &labels, *value)?,
        }
        sheet.count(&names::LIMIT_REACHED, &labels, *reached)?;
    }
    sheet.count(&names::CONNECTIONS, &[], listening.connections)?;
    sheet.count(&names::BODY_BYTES, &[], listening.body_bytes)?;
    if let Some(Reloads { taken, refused }) = listening.certificate_reloads {
        sheet.count(&names::CERTIFICATE_RELOADS, &["taken"], taken)?;
        sheet.count(&names::CERTIFICATE_RELOADS, &["refused"], refused)?;
    }
    Ok(())
}

fn of_state_receiver(sheet: &mut Sheet, id: &str, receiver: &StateReceiverSnapshot) -> Result<(), MetricsError> {
    let labels = [id];
    sheet.count(&names::RECEIVER_DELIVERED, &labels, receiver.delivered)?;
    sheet.count(&names::RECEIVER_FAILED, &labels, receiver.failed_attempts)?;
    if let Some(told) = receiver.told {
        sheet.count(&names::RECEIVER_ALERTS, &labels, receiver.alerts)?;
        sheet.seconds(&names::RECEIVER_TOLD, &labels, told.as_ms())?;
    }
    Ok(())
}

pub(super) fn whole(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
