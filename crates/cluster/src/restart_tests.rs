//! The policy under a clock of the tests' own.

use std::time::{Duration, Instant};

use crate::{Restart, RestartPolicy, Verdict, WorkerId};

const MS: Duration = Duration::from_millis(1);
const S: Duration = Duration::from_secs(1);
/// How long the healthy live, and the young.
const HEALTHY: Option<Duration> = Some(S);
const YOUNG: Option<Duration> = Some(Duration::from_millis(999));
const AT_BIRTH: Option<Duration> = None;

/// As on the crate's front page.
fn front_page() -> RestartPolicy {
    RestartPolicy::back_off(100 * MS, 10 * S)
}

#[track_caller]
fn delay(verdict: Verdict) -> Duration {
    match verdict {
        Verdict::Replace { delay } => delay,
        other => panic!("{other:?}"),
    }
}

fn gives_up(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::GiveUp { .. })
}

#[test]
fn the_delay_doubles_up_to_the_most_and_chance_adds_a_fifth_at_most() {
    let now = Instant::now();
    for seed in 0..1000 {
        let mut policy = RestartPolicy::back_off(100 * MS, 1000 * MS).with_seed(seed);
        for expected in [100, 200, 400, 800, 1000, 1000] {
            let delay = delay(policy.decide(1, AT_BIRTH, now));
            assert!(delay >= expected * MS && delay <= expected * MS * 6 / 5, "{delay:?}");
        }
    }
}

#[test]
fn chance_keeps_apart_what_died_together_and_a_seed_repeats_it() {
    let delays = |mut policy: RestartPolicy| -> Vec<Duration> {
        let now = Instant::now();
        (0..100).map(|slot| delay(policy.decide(slot, YOUNG, now))).collect()
    };
    let mut once = delays(front_page().with_seed(7));
    assert_eq!(once, delays(front_page().with_seed(7)));
    assert_ne!(once, delays(front_page().with_seed(8)));
    once.sort();
    once.dedup();
    assert!(once.len() > 90, "{once:?}");
    assert!(once[0] < 105 * MS && once[once.len() - 1] > 115 * MS, "{once:?}");
}

#[test]
fn who_dies_at_birth_is_forked_twelve_times_in_the_first_minute_at_most() {
    let begin = Instant::now();
    for seed in 0..10_000 {
        let mut policy = front_page().with_seed(seed);
        let (mut forks, mut now) = (1, begin);
        loop {
            now += delay(policy.decide(1, AT_BIRTH, now));
            if now >= begin + 60 * S {
                break;
            }
            forks += 1;
        }
        assert!((9..=12).contains(&forks), "{forks} forks with seed {seed}");
    }
}

#[test]
fn who_was_healthy_is_replaced_at_once_and_its_place_begins_again() {
    let now = Instant::now();
    let mut policy = front_page();
    for _ in 0..5 {
        assert!(delay(policy.decide(1, YOUNG, now)) >= 100 * MS);
    }
    assert_eq!(delay(policy.decide(1, HEALTHY, now)), Duration::ZERO);
    assert!(delay(policy.decide(1, YOUNG, now)) <= 120 * MS, "it begins at the first");
}

#[test]
fn one_of_four_killed_every_three_seconds_is_always_replaced_at_once() {
    let mut policy = front_page().at_most(1, 60 * S);
    let mut now = Instant::now();
    for turn in 0..1000 {
        now += 3 * S;
        assert_eq!(delay(policy.decide(turn % 4, Some(2900 * MS), now)), Duration::ZERO);
    }
}

#[test]
fn one_place_where_they_die_young_does_not_slow_down_the_others() {
    let now = Instant::now();
    let mut policy = front_page();
    for _ in 0..20 {
        delay(policy.decide(1, AT_BIRTH, now));
    }
    assert_eq!(delay(policy.decide(2, HEALTHY, now)), Duration::ZERO);
    assert!(delay(policy.decide(3, AT_BIRTH, now)) <= 120 * MS);
    assert!(delay(policy.decide(1, AT_BIRTH, now)) >= 10 * S);
}

#[test]
fn what_counts_as_healthy_can_be_set() {
    let now = Instant::now();
    let mut policy = front_page().healthy_after(5 * S);
    assert!(delay(policy.decide(1, Some(4999 * MS), now)) >= 100 * MS);
    assert_eq!(delay(policy.decide(1, Some(5 * S), now)), Duration::ZERO);
    // Who was never online was not healthy for no time at all.
    assert!(delay(front_page().healthy_after(Duration::ZERO).decide(1, None, now)) >= 100 * MS);
}

#[test]
fn a_fixed_delay_is_always_that_delay() {
    let now = Instant::now();
    for lived in [AT_BIRTH, YOUNG, HEALTHY] {
        for (mut policy, expected) in
            [(RestartPolicy::at_once(), Duration::ZERO), (RestartPolicy::fixed(S), S)]
        {
            for _ in 0..3 {
                assert_eq!(delay(policy.decide(1, lived, now)), expected);
            }
        }
    }
}

#[test]
fn too_many_young_deaths_in_a_period_are_given_up_and_later_ones_are_not() {
    let now = Instant::now();
    for mut policy in [RestartPolicy::at_once(), front_page()] {
        policy = policy.at_most(3, 1000 * MS);
        for (slot, at) in [(1, 0), (2, 100), (3, 200)] {
            delay(policy.decide(slot, AT_BIRTH, now + at * MS));
        }
        let given_up = policy.decide(4, YOUNG, now + 300 * MS);
        assert_eq!(given_up, Verdict::GiveUp { restarts: 3, period: 1000 * MS });
        assert!(gives_up(policy.decide(1, YOUNG, now + 999 * MS)));
        delay(policy.decide(1, YOUNG, now + 1000 * MS)); // the first one is long ago
        assert!(gives_up(policy.decide(1, YOUNG, now + 1060 * MS)));
    }
}

#[test]
fn the_healthy_are_replaced_and_use_nothing_up_even_when_others_were_given_up() {
    let now = Instant::now();
    let mut policy = RestartPolicy::at_once().at_most(2, 60 * S);
    for slot in 0..100 {
        delay(policy.decide(slot, HEALTHY, now));
    }
    for _ in 0..2 {
        delay(policy.decide(1, YOUNG, now));
    }
    assert!(gives_up(policy.decide(1, YOUNG, now)));
    delay(policy.decide(2, HEALTHY, now));
    assert!(gives_up(policy.decide(2, YOUNG, now)));
}

#[test]
fn a_long_life_of_deaths_neither_overflows_nor_keeps_memory() {
    let mut policy = front_page().at_most(100, 60 * S);
    let mut now = Instant::now();
    for death in 0..100_000 {
        now += S;
        let lived = [AT_BIRTH, YOUNG, HEALTHY][death as usize % 3];
        if let Verdict::Replace { delay } = policy.decide(death, lived, now) {
            assert!(delay <= 12 * S);
        }
        assert!(policy.deaths.len() <= 60 && policy.places.len() <= 620);
    }
    let mut policy = RestartPolicy::back_off(MS, S);
    for _ in 0..10_000 {
        assert!(delay(policy.decide(1, AT_BIRTH, now)) <= 1200 * MS);
    }
    assert_eq!((policy.deaths.len(), policy.places.len()), (0, 1));
    now += 601 * S;
    delay(policy.decide(2, HEALTHY, now));
    assert_eq!(policy.places.len(), 1, "not yet");
    delay(policy.decide(2, HEALTHY, now + S));
    assert_eq!(policy.places.len(), 0);
}

#[test]
fn the_longest_times_do_not_overflow() {
    let now = Instant::now();
    for mut policy in [
        RestartPolicy::fixed(Duration::MAX),
        RestartPolicy::back_off(Duration::MAX, Duration::ZERO),
        RestartPolicy::back_off(Duration::ZERO, Duration::MAX),
        RestartPolicy::back_off(MS, Duration::MAX),
    ] {
        policy = policy.at_most(usize::MAX, Duration::MAX).healthy_after(Duration::MAX);
        for _ in 0..100 {
            let _ = now + delay(policy.decide(1, Some(100 * S), now));
        }
    }
}

#[test]
fn what_was_done_is_said_in_one_line_and_what_to_do_in_a_second() {
    let worker = WorkerId(5);
    for (restart, line) in [
        (Restart::In { delay: Duration::ZERO, worker }, "worker 5 comes at once"),
        (Restart::In { delay: 1500 * MS, worker }, "worker 5 comes in 1500 ms"),
        (Restart::GaveUp { restarts: 20, period: 60 * S }, "gave up after 20 restarts within 60s"),
        (Restart::Stopping, "nobody comes: the shutdown has begun"),
    ] {
        assert_eq!(restart.to_string(), line);
        assert_eq!(format!("{restart:#}"), format!("{line}\n{}", restart.advice()));
    }
}
