//! Beats in memory and on disk.

use super::*;
use uphold_common::ids::Id;

fn probe(name: &str) -> ProbeId {
    ProbeId::new(Id::new("shop").unwrap(), Id::new(name).unwrap())
}

fn at(ms: i64) -> Instant {
    Instant::from_ms(ms)
}

#[test]
fn the_words_of_jobs_are_those_that_people_know() {
    for (word, said) in [
        ("", Some(Said::Ended(Outcome::Up, 0))),
        ("start", Some(Said::Begun)),
        ("fail", Some(Said::Ended(Outcome::Down, 0))),
        ("degraded", Some(Said::Ended(Outcome::Degraded, 0))),
        ("0", Some(Said::Ended(Outcome::Up, 0))),
        ("1", Some(Said::Ended(Outcome::Down, 1))),
        ("255", Some(Said::Ended(Outcome::Down, 255))),
        ("256", None),
        ("+1", None),
        ("-1", None),
        ("unknown", None),
    ] {
        assert_eq!(Said::parse(word), said, "{word}");
    }
}

#[test]
fn a_job_that_said_that_it_began_took_some_time() {
    let heard = Heard::since(at(5)).after(Said::Begun, at(10));
    assert_eq!((heard.began_ms, heard.ended), (Some(10), None));
    let heard = heard.after(Said::Ended(Outcome::Down, 3), at(25));
    let end = End { at_ms: 25, outcome: Outcome::Down, code: 3, took_ms: Some(15) };
    assert_eq!(heard, Heard { since_ms: 5, began_ms: None, ended: Some(end) });
    let again = heard.after(Said::Ended(Outcome::Up, 0), at(30));
    assert_eq!(again.ended, Some(End { at_ms: 30, outcome: Outcome::Up, code: 0, took_ms: None }));
    let set_back = heard.after(Said::Begun, at(40)).after(Said::Ended(Outcome::Up, 0), at(39));
    assert_eq!(set_back.ended.unwrap().took_ms, Some(0));
}

#[tokio::test]
async fn a_restart_forgets_nothing_and_only_what_is_assigned_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let heartbeats = Heartbeats::open(folder.path());
    let (backup, report) = (probe("backup"), probe("report"));
    assert_eq!(heartbeats.hear(&backup, Said::Begun, at(1)).await, Err(BeatError::NotAssigned));
    heartbeats.assigned([&backup, &report].into_iter(), at(2)).await;
    heartbeats.hear(&backup, Said::Ended(Outcome::Up, 0), at(3)).await.unwrap();
    let kept = heartbeats.of(&backup).unwrap();

    let heartbeats = Heartbeats::open(folder.path());
    assert_eq!(heartbeats.of(&backup), Some(kept));
    assert_eq!(heartbeats.of(&report), Some(Heard::since(at(2))));
    heartbeats.assigned([&backup].into_iter(), at(9)).await;
    assert_eq!((heartbeats.of(&backup), heartbeats.of(&report)), (Some(kept), None));
    heartbeats.assigned([&backup, &report].into_iter(), at(11)).await;
    assert_eq!(Heartbeats::open(folder.path()).of(&report), Some(Heard::since(at(11))));

    std::fs::write(folder.path().join("heartbeats.json"), b"{").unwrap();
    assert_eq!(Heartbeats::open(folder.path()).of(&backup), None);
}

#[tokio::test]
async fn what_cannot_be_kept_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let heartbeats = Heartbeats::open(folder.path());
    heartbeats.assigned([&probe("backup")].into_iter(), at(2)).await;
    // Nobody can put a file in the place of a folder, not even root.
    std::fs::remove_file(folder.path().join("heartbeats.json")).unwrap();
    std::fs::create_dir_all(folder.path().join("heartbeats.json/in the way")).unwrap();
    let heard = heartbeats.hear(&probe("backup"), Said::Ended(Outcome::Up, 0), at(3)).await;
    assert_eq!(heard, Err(BeatError::NotKept));
    assert_eq!(heartbeats.of(&probe("backup")), Some(Heard::since(at(2))));
}
