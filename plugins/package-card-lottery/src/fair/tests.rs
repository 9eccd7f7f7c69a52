//! The published vectors, and that numbers are fair.

use super::*;

fn seed() -> Secret {
    let mut bytes = [0; 32];
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::try_from(place).unwrap();
    }
    Secret::of(bytes)
}

fn lot(entry_key: &str) -> Lot<'_> {
    Lot { campaign: "niukaixi-2026q4", config_version: 1, entry_key, draw_no: 1 }
}

#[test]
fn the_published_vectors_hold() {
    let keyed = seed().keyed();
    assert_eq!(seed().commitment(), "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd");
    for (card, digest, r) in [
        ("card:0001", "0212bbcb71314408", 968),
        ("card:0002", "e9dcab67b74bfefe", 598),
        ("card:0003", "c6bd53dab3be4871", 297),
        ("card:0099", "80674ab791c45de7", 383),
    ] {
        assert_eq!(hex(&keyed.of(&[&format!("niukaixi-2026q4|1|{card}|1|0")])[..8]), digest);
        assert_eq!(keyed.draw(lot(card), 1000), Number { r, ctr: 0 });
    }
}

#[test]
fn a_hundred_thousand_cards_give_the_published_frequencies() {
    let keyed = seed().keyed();
    let mut found = [0; 4];
    for card in 0..100_000 {
        let r = keyed.draw(lot(&format!("card:{card:06}")), 1000).r;
        found[[5, 50, 300, 1000].iter().position(|end| r < *end).unwrap()] += 1;
    }
    assert_eq!(found, [522, 4_652, 25_010, 69_816]);
}

#[test]
fn a_million_draws_stay_within_four_sigma() {
    let keyed = seed().keyed();
    let (draws, weights) = (1_000_000_u32, [1_u64, 9, 90, 400, 500]);
    let mut found = [0_u32; 5];
    for entry in 0..draws {
        let mut r = keyed.draw(lot(&entry.to_string()), 1000).r;
        let prize = weights.iter().position(|weight| {
            let hit = r < *weight;
            r = r.wrapping_sub(*weight);
            hit
        });
        found[prize.unwrap()] += 1;
    }
    for (weight, count) in weights.iter().zip(found) {
        let p = *weight as f64 / 1000.0;
        let (mean, sigma) = (f64::from(draws) * p, (f64::from(draws) * p * (1.0 - p)).sqrt());
        assert!(
            (f64::from(count) - mean).abs() < 4.0 * sigma,
            "weight {weight}: {count} of {mean} ± {sigma}"
        );
    }
}

#[test]
fn a_number_that_would_favour_small_remainders_is_thrown_away() {
    // A little more than half of 2^64: almost every second number is thrown away.
    let (keyed, total) = (seed().keyed(), (1 << 63) + 1);
    let numbers: Vec<Number> =
        (0..200).map(|entry| keyed.draw(lot(&format!("card:{entry}")), total)).collect();
    assert!(numbers.iter().all(|number| number.r < total));
    let thrown = numbers.iter().filter(|number| number.ctr > 0).count();
    assert!((60..140).contains(&thrown), "{thrown} of 200");
}

#[test]
fn a_total_of_one_and_of_nothing_give_zero() {
    for total in [0, 1] {
        assert_eq!(seed().keyed().draw(lot("card:0001"), total), Number { r: 0, ctr: 0 });
    }
}

#[test]
fn a_secret_is_not_printed_and_reads_back() {
    assert_eq!(format!("{:?} {:?}", seed(), seed().keyed()), "Secret Keyed");
    let text = serde_json::to_string(&seed()).unwrap();
    assert_eq!(serde_json::from_str::<Secret>(&text).unwrap(), seed());
    for bad in ["", "00", &"g".repeat(64), &"é".repeat(32)] {
        assert_eq!(Secret::from_hex(bad), None, "{bad}");
    }
}

#[test]
fn public_randomness_changes_every_draw() {
    let mixed = seed().mixed_with("drand:1", "ab");
    assert_ne!(mixed, seed());
    assert_ne!(mixed, seed().mixed_with("drand:1", "ac"));
    assert_ne!(mixed, seed().mixed_with("drand:2", "ab"));
}
