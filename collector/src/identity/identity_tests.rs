//! Tokens and deeds over a store: given once, ended for good, each change with its deed.

use uphold_common::ids::Id;
use uphold_common::time::Instant;

use super::deed::{Action, Actor};
use super::keeper::{Keeper, KeeperError, NewToken, deeds};
use super::role::{Right, Role};
use super::secret::Secret;
use super::token::Standing;
use crate::store::{DataDir, EmbeddedStore, Store, StoreOptions};

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

fn at(ms: i64) -> Instant {
    Instant::from_ms(ms)
}

fn new(name: &str, role: Role, secret: &Secret, expires_ms: Option<i64>) -> NewToken {
    NewToken { name: id(name), role, digest: secret.digest(), expires_at: expires_ms.map(at) }
}

fn open(folder: &tempfile::TempDir) -> EmbeddedStore {
    let dir = DataDir::claim(folder.path(), "test", at(0)).unwrap();
    EmbeddedStore::open(dir, StoreOptions::default()).unwrap()
}

const LOCAL: Actor = Actor::Local { uid: Some(7) };

#[test]
fn the_text_of_a_secret_is_read_back_and_nothing_else_is() {
    let secret = Secret::draw().unwrap();
    let text = secret.reveal();
    assert_eq!(text.len(), 7 + 64);
    assert_eq!(Secret::parse(&text), Some(secret.clone()));
    assert_ne!(Secret::draw().unwrap(), secret);
    let upper = text.to_uppercase();
    for wrong in ["", "uphold_", &text[1..], &text[..70], &upper, &format!("{text}0"), &format!("{text}\n")] {
        assert_eq!(Secret::parse(wrong), None, "{wrong:?}");
    }
    assert_eq!(format!("{secret:?}"), "Secret(…)");
}

#[test]
fn each_role_may_what_the_table_says() {
    let agent = Role::Agent { agent: id("zurich-1") };
    let roles = [agent, Role::Viewer, Role::Operator, Role::Approver, Role::Administrator];
    let rights = [Right::Push, Right::Assignment, Right::Figures, Right::Read, Right::Act, Right::Administer];
    let table: Vec<String> =
        roles.iter().map(|role| rights.map(|right| if role.may(right) { 'x' } else { '.' }).iter().collect()).collect();
    assert_eq!(table, ["xxx...", ".xxx..", ".xxxx.", ".xxxx.", ".xxxxx"]);
    for (role, word) in roles.iter().zip(Role::WORDS) {
        assert_eq!((role.as_str(), Role::of(word, role.agent().cloned()).as_ref()), (word, Some(role)));
    }
    assert_eq!(Role::of("agent", None), None);
    assert_eq!(Role::of("viewer", Some(id("zurich-1"))), None);
}

#[test]
fn a_token_is_given_once_and_ends_for_good_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (secret, other) = (Secret::draw().unwrap(), Secret::draw().unwrap());
    {
        let mut store = open(&folder);
        let mut keeper = Keeper::load(&store).unwrap();
        keeper.add(&mut store, new("duty", Role::Operator, &secret, Some(1_000)), &LOCAL, at(10)).unwrap();
        let found = keeper.tokens().of_secret(&secret.digest()).unwrap();
        assert_eq!((found.standing(at(999)), found.standing(at(1_000))), (Standing::Good, Standing::Expired));
        assert!(keeper.tokens().of_secret(&other.digest()).is_none());
        keeper.revoke(&mut store, &id("duty"), &LOCAL, at(20)).unwrap();
        store.close().unwrap();
    }
    let mut store = open(&folder);
    let mut keeper = Keeper::load(&store).unwrap();
    assert_eq!(keeper.tokens().of_secret(&secret.digest()).unwrap().standing(at(21)), Standing::Revoked);
    let again = keeper.add(&mut store, new("duty", Role::Viewer, &other, None), &LOCAL, at(30));
    assert!(matches!(again, Err(KeeperError::NameTaken { standing: Standing::Revoked, .. })), "{again:?}");
    assert!(matches!(keeper.revoke(&mut store, &id("duty"), &LOCAL, at(31)), Err(KeeperError::AlreadyRevoked(_))));
    let unknown = keeper.revoke(&mut store, &id("duti"), &LOCAL, at(31)).unwrap_err();
    assert_eq!(unknown.to_string(), "there is no token duti (did you mean \"duty\"?)");
    let past = keeper.add(&mut store, new("late", Role::Viewer, &other, Some(30)), &LOCAL, at(31));
    assert!(matches!(past, Err(KeeperError::Past(_))));
    keeper.add(&mut store, new("wall", Role::Viewer, &other, None), &LOCAL, at(32)).unwrap();
    let done: Vec<(u64, i64, String)> =
        deeds(&store, 10).unwrap().iter().map(|d| (d.number, d.at.as_ms(), d.action.to_string())).collect();
    let expected = [
        (3, 32, "added the token wall, viewer, without an end"),
        (2, 20, "revoked the token duty"),
        (1, 10, "added the token duty, operator, until 1970-01-01T00:00:01Z"),
    ];
    assert_eq!(done, expected.map(|(number, at, what)| (number, at, what.to_owned())));
}

#[test]
fn deeds_are_in_their_order_also_when_the_clock_is_set_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(&folder);
    let mut keeper = Keeper::default();
    for ms in [5, 3, 3, -4] {
        let deed = keeper.deed(&LOCAL, Action::TokenRevoked { token: id("x") }, at(ms)).unwrap();
        store.commit(&[deed]).unwrap();
        keeper.recorded();
    }
    let order: Vec<u64> = deeds(&store, 3).unwrap().iter().map(|deed| deed.number).collect();
    assert_eq!(order, [4, 3, 2]);
}
