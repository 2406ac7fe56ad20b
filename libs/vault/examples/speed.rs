//! What a new member costs: a key, its wrapping, two seals and a blind index; and a reader's part: unwrap and open.
//!
//! `cargo run --release -p senani-vault --example speed`

use std::hint::black_box;
use std::time::{Duration, Instant};

use senani_vault::{Context, IndexKind, Keys, Vault};
use uuid::Uuid;

const ROUNDS: u32 = 200_000;
const PHONE: &[u8] = b"+911061200042";
const NAMES: &[u8] = "{\"en\":\"Sita Devi\",\"hi\":\"सीता देवी\"}".as_bytes();

fn main() {
    let vault = Vault::new(Keys::generate().expect("the system has random numbers"));
    let newcomer = |member: Uuid| {
        let (key, wrapped) = vault.new_key(member);
        let phone = key.seal(PHONE, &Context::new("member_identifier", "value_sealed", member).part(1));
        let names = key.seal(NAMES, &Context::new("member", "names_sealed", member));
        (wrapped, phone, names, vault.blind_index(IndexKind::Phone, PHONE))
    };
    let written = each(|round| drop(black_box(newcomer(Uuid::from_u128(round.into())))));
    let member = Uuid::from_u128(7);
    let (wrapped, phone, ..) = newcomer(member);
    let place = Context::new("member_identifier", "value_sealed", member).part(1);
    let read = each(|_| {
        let key = vault.unwrap(member, &wrapped).expect("our own key");
        drop(black_box(key.open(&phone, &place).expect("our own seal")));
    });
    println!("new key, wrap, two seals, blind index: {} ns", written.as_nanos());
    println!("unwrap and open: {} ns", read.as_nanos());
}

/// The time of one round, as the best of five runs says: the others were disturbed.
fn each(mut work: impl FnMut(u32)) -> Duration {
    let runs = (0..5).map(|_| {
        let start = Instant::now();
        (0..ROUNDS).for_each(&mut work);
        start.elapsed() / ROUNDS
    });
    runs.min().unwrap_or_default()
}
