//! A collector that is killed again and again under load: everything that was acknowledged is there once, and every
//! figure equals that of a twin that got the same batches in one go and was left alone.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use uphold_tests::process::wait::rest;

use crate::kept::differences;
use crate::load::{self, Delivered, Dice, Expected};
use crate::site::{AGENTS, SEALS_OFTEN, Site, difference, present, until};
use crate::sizes::cycles;

/// How long a collector lives at most before it is killed: its ticks and with them its seals are a second apart.
const LIVES_MS: u64 = 1_800;
/// Of so many lives one is as long as it takes to seal.
const SEALS_EVERY: u64 = 3;

/// Kills under load; gives what each agent delivered.
fn killed_under_load(site: &mut Site, present: i64, cycles: u64) -> Vec<Delivered> {
    let (over, give_up, port) = (AtomicBool::new(false), AtomicBool::new(false), site.port);
    let mut dice = Dice(20_261_122);
    thread::scope(|scope| {
        let agents: Vec<_> = (0..AGENTS.len())
            .map(|agent| {
                let (over, give_up) = (&over, &give_up);
                scope.spawn(move || load::run(port, agent, present, over, give_up))
            })
            .collect();
        for cycle in 0..cycles {
            site.start();
            // Whoever is always killed before it seals takes in nothing any more once its head is full.
            if cycle % SEALS_EVERY == 0 {
                until("a seal", || site.metric("uphold_store_seals_total").filter(|seals| *seals >= 1.0));
            }
            rest(Duration::from_millis(dice.below(LIVES_MS)));
            site.kill();
        }
        site.start();
        over.store(true, Ordering::Relaxed);
        agents.into_iter().map(|agent| agent.join().unwrap()).collect()
    })
}

/// The twin: the same batches, by agent in their order, and nothing that disturbs.
fn twin(present: i64, delivered: &[Delivered]) -> Site {
    let site = Site::started(present, "");
    let (port, never) = (site.port, AtomicBool::new(false));
    thread::scope(|scope| {
        for (agent, done) in delivered.iter().enumerate() {
            let never = &never;
            scope.spawn(move || {
                for seq in 1..=done.batches {
                    let batch = load::batch(agent, seq, present);
                    assert!(load::deliver(port, &batch, &mut Delivered::default(), never));
                }
            });
        }
    });
    site
}

#[test]
fn whatever_moment_it_is_killed_at_nothing_acknowledged_is_lost_or_doubled() {
    let (present, cycles) = (present(), cycles());
    let mut site = Site::new(present, SEALS_OFTEN);
    let delivered = killed_under_load(&mut site, present, cycles);
    let batches: u64 = delivered.iter().map(|done| done.batches).sum();
    let broken: u64 = delivered.iter().map(|done| done.broken).sum();
    println!("{cycles} kills, {batches} batches acknowledged, {broken} tries broken: {delivered:?}");
    // A start is quick, so many a kill falls between two pushes of an agent; each fourth has to meet one on its way.
    assert!(batches > cycles && broken >= cycles / 4, "there was hardly any load: {delivered:?}");
    for done in &delivered {
        assert!(done.missed.is_empty(), "{:?}", done.missed);
    }
    assert!(!site.said().contains("panicked"), "{}", site.said());

    let figures = site.figures(present);
    site.stop();
    let mut expected = Expected::default();
    for (agent, done) in delivered.iter().enumerate() {
        (1..=done.batches).for_each(|seq| expected.add(load::batch(agent, seq, present)));
    }
    let found = differences(&site.data, &expected);
    assert!(found.is_empty(), "{} differences, such as\n{}", found.len(), found[..found.len().min(20)].join("\n"));
    site.start();
    let restarted = difference(&site.figures(present), &figures);
    assert_eq!(restarted, None, "a restart changed figures");
    let twin = difference(&twin(present, &delivered).figures(present), &figures);
    assert_eq!(twin, None, "the twin that was left alone has other figures");
}
