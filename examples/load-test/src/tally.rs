//! What was measured: plain data.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::Result;

/// What went wrong with a request, by name.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Trouble {
    Refused,
    ClosedEarly,
    NeverAnswered,
    InvalidHttp,
    Status(u16),
    /// The system has no connection for us.
    System(i32),
}

impl Trouble {
    pub(crate) fn name(self) -> String {
        match self {
            Trouble::Refused => "refused".to_owned(),
            Trouble::ClosedEarly => "closed early".to_owned(),
            Trouble::NeverAnswered => "never answered".to_owned(),
            Trouble::InvalidHttp => "invalid HTTP".to_owned(),
            Trouble::Status(status) => format!("status {status}"),
            Trouble::System(errno) => {
                let errno = nix::errno::Errno::from_raw(errno);
                errno.desc().to_lowercase()
            }
        }
    }
}

/// What one thread, or all of them, measured.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    /// Microseconds, of the requests that were answered well.
    pub(crate) latency: Histogram<u64>,
    /// Requests by worker, and in the first place those by nobody known.
    workers: Vec<u64>,
    pub(crate) troubles: BTreeMap<Trouble, u64>,
    pub(crate) took: Duration,
    /// The time that the load generator itself used a CPU.
    pub(crate) own_cpu: Duration,
}

/// Greater numbers of workers are not told apart.
const MOST_WORKERS: usize = 100_000;

impl Tally {
    pub(crate) fn new() -> Result<Tally> {
        Ok(Tally {
            // Up to an hour, to three digits.
            latency: Histogram::new_with_bounds(1, 3_600_000_000, 3)?,
            workers: vec![0],
            troubles: BTreeMap::new(),
            took: Duration::ZERO,
            own_cpu: Duration::ZERO,
        })
    }

    pub(crate) fn answered(&mut self, latency: Duration, worker: Option<u32>) {
        self.latency.saturating_record(latency.as_micros() as u64);
        let worker = worker.unwrap_or(0) as usize;
        if worker >= self.workers.len() && worker < MOST_WORKERS {
            self.workers.resize(worker + 1, 0);
        }
        if let Some(count) = self.workers.get_mut(worker) {
            *count += 1;
        }
    }

    pub(crate) fn trouble(&mut self, trouble: Trouble) {
        *self.troubles.entry(trouble).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: &Tally) {
        self.latency += &other.latency;
        if other.workers.len() > self.workers.len() {
            self.workers.resize(other.workers.len(), 0);
        }
        for (mine, theirs) in self.workers.iter_mut().zip(&other.workers) {
            *mine += theirs;
        }
        for (&trouble, count) in &other.troubles {
            *self.troubles.entry(trouble).or_default() += count;
        }
    }

    pub(crate) fn requests(&self) -> u64 {
        self.latency.len()
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.requests() as f64 / self.took.as_secs_f64().max(1e-9)
    }

    pub(crate) fn errors(&self) -> u64 {
        self.troubles.values().sum()
    }

    /// Who answered how many, of those who said who they are.
    pub(crate) fn shares(&self) -> Vec<(usize, u64)> {
        let all = self.workers.iter().copied().enumerate().skip(1);
        all.filter(|(_, count)| *count > 0).collect()
    }

    pub(crate) fn quantile(&self, quantile: f64) -> Duration {
        Duration::from_micros(self.latency.value_at_quantile(quantile))
    }

    pub(crate) fn most(&self) -> Duration {
        Duration::from_micros(self.latency.max())
    }

    pub(crate) fn to_json(&self) -> Value {
        let us = |quantile| self.latency.value_at_quantile(quantile);
        let shares = self.shares().into_iter();
        let workers: BTreeMap<String, u64> =
            shares.map(|(id, count)| (id.to_string(), count)).collect();
        let troubles = self.troubles.iter();
        let troubles: BTreeMap<String, u64> =
            troubles.map(|(it, count)| (it.name(), *count)).collect();
        json!({
            "requests": self.requests(),
            "seconds": self.took.as_secs_f64(),
            "requests_per_second": self.per_second(),
            "errors": self.errors(),
            "errors_by_name": troubles,
            "latency_us": {
                "p50": us(0.5), "p90": us(0.9), "p99": us(0.99),
                "p999": us(0.999), "max": self.latency.max(),
            },
            "workers": workers,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tallies_of_threads_add_up() {
        let (mut one, mut two) = (Tally::new().unwrap(), Tally::new().unwrap());
        let ms = Duration::from_millis;
        one.answered(ms(1), Some(1));
        two.answered(ms(3), Some(2));
        two.answered(ms(3), None);
        two.trouble(Trouble::Refused);
        one.add(&two);
        one.took = ms(500);
        assert_eq!((one.requests(), one.errors()), (3, 1));
        assert_eq!(one.shares(), [(1, 1), (2, 1)]);
        assert_eq!(one.per_second(), 6.0);
        let json = one.to_json();
        assert_eq!(json["errors_by_name"]["refused"], 1);
        let p50 = json["latency_us"]["p50"].as_u64().unwrap();
        assert!((2990..3010).contains(&p50), "{json}");
    }
}
