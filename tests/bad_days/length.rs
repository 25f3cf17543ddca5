//! How long the bad days last: short as one of many tests, or in the full length of what is
//! promised.

use std::time::Duration;

/// `BAD_DAYS_SECONDS=60` makes them long.
const VARIABLE: &str = "BAD_DAYS_SECONDS";

/// How many times, and how long.
#[derive(Clone, Copy, Debug)]
pub struct Length {
    /// How long a program cannot be started.
    pub unstartable: Duration,
    /// How often each service is stopped under load.
    pub stops: usize,
    /// How often a worker dies just before the service is asked to stop.
    pub deaths_before_the_stop: usize,
    /// How long one worker after the other is killed, and how often.
    pub killing: Duration,
    pub between_kills: Duration,
    /// How long workers that die at birth are watched.
    pub births: Duration,
}

pub fn length() -> Length {
    let ms = Duration::from_millis;
    let seconds: Option<u64> = std::env::var(VARIABLE).ok().and_then(|it| it.parse().ok());
    match seconds {
        Some(seconds @ 30..) => Length {
            unstartable: ms(5000),
            stops: 50,
            deaths_before_the_stop: 30,
            killing: ms(seconds * 1000),
            between_kills: ms(3000),
            births: ms(seconds * 1000),
        },
        _ => Length {
            unstartable: ms(1500),
            stops: 4,
            deaths_before_the_stop: 8,
            killing: ms(9000),
            between_kills: ms(900),
            births: ms(7000),
        },
    }
}
