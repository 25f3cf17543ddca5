//! One worker for each CPU: asked on all CPUs, and once more on a single one.

mod exercise;
mod solution;

use cluster::{Error, Event, Primary, Role, available_parallelism};
use exercises::{Events, Exercise, Verdict, Wrong, stay};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

type FillTheSeats = fn(&mut Primary) -> Result<(), Error>;

pub fn exercise() -> Exercise {
    Exercise::new(
        file!(),
        judge,
        exercise::fill_the_seats,
        solution::fill_the_seats,
    )
}

fn judge(role: Role, fill_the_seats: FillTheSeats) -> Verdict {
    match role {
        Role::Worker(me) => {
            me.send(std::env::var("SEAT").ok())?;
            stay(me)
        }
        Role::Primary(mut primary) => {
            look(&mut primary, fill_the_seats)?;
            keep_one_cpu()?;
            look(&mut primary, fill_the_seats)
        }
    }
}

fn look(primary: &mut Primary, fill_the_seats: FillTheSeats) -> Verdict {
    fill_the_seats(primary)?;
    let workers = primary.workers().count();
    let mut seats = Vec::new();
    for _ in 0..workers {
        let seat = primary.until("a worker that says its seat", |event| {
            let Event::Message(_, message) = event else { return None };
            Some(message.parse::<Option<String>>())
        })?;
        seats.push(seat?.unwrap_or("none".into()));
    }
    seats.sort_unstable();
    let cpus = available_parallelism();
    let mut expected: Vec<_> = (0..cpus).map(|seat| seat.to_string()).collect();
    expected.sort_unstable();
    if seats != expected {
        let [expected, seen] = [expected, seats].map(|all| all.join(", "));
        return Err(Wrong::new(
            format!("with {cpus} CPU(s): {cpus} worker(s), seats: {expected}"),
            format!("{workers} worker(s), seats: {seen}"),
        )
        .into());
    }
    primary.dismiss()
}

/// From now on this process, and what it forks, may use one CPU.
fn keep_one_cpu() -> nix::Result<()> {
    let this = Pid::from_raw(0);
    let allowed = sched_getaffinity(this)?;
    let mut one = CpuSet::new();
    let mut all = 0..CpuSet::count();
    one.set(all.find(|&cpu| allowed.is_set(cpu) == Ok(true)).unwrap_or(0))?;
    sched_setaffinity(this, &one)
}
