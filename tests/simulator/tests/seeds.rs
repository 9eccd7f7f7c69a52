//! Thousands of worlds in which everything fails, and in which everything that must hold does.

#[test]
fn whatever_fails_nothing_is_lost_doubled_or_stuck() {
    let seeds = std::env::var("SIYU_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000);
    let report = siyu_simulator::run_seeds(0, seeds);
    let failures: Vec<&str> = report.failures.iter().map(|(_, failure)| failure.as_str()).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    assert_eq!(report.seeds, seeds);
    // A simulation in which nothing happens proves nothing.
    assert!(report.runs > seeds && report.commits > seeds && report.transfers > seeds / 2, "{report:?}");
}

#[test]
fn however_hosts_come_go_and_lose_each_other_every_wish_is_done_once() {
    let seeds = std::env::var("SIYU_FLEET_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(500);
    let report = siyu_simulator::run_fleet_seeds(0, seeds);
    let failures: Vec<&str> = report.failures.iter().map(|(_, failure)| failure.as_str()).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    assert_eq!(report.seeds, seeds);
    assert!(report.runs > seeds && report.commits > seeds && report.transfers > seeds / 2, "{report:?}");
}
