//! One worker comes, one never does, and one talks all the time.

mod exercise;
mod solution;

use std::thread;
use std::time::{Duration, Instant};

use cluster::{Error, Primary, Role, Settings, Worker, WorkerId};
use exercises::{Events, Exercise, Verdict, Wrong, same};

type ComesOnline = fn(&mut Primary, WorkerId, Duration) -> Result<bool, Error>;

const LONG: Duration = Duration::from_secs(9);
const SHORT: Duration = Duration::from_millis(300);

pub fn exercise() -> Exercise {
    Exercise::new(
        file!(),
        judge,
        exercise::comes_online,
        solution::comes_online,
    )
}

fn judge(role: Role, comes_online: ComesOnline) -> Verdict {
    match role {
        Role::Worker(me) => talk(me),
        Role::Primary(mut primary) => {
            let talker = primary.fork()?;
            let comes = comes_online(&mut primary, talker, LONG)?;
            same("comes online, if it does", true, comes)?;

            let sleeper = Settings::new().exec("sleep").args(["60"]);
            let sleeper = primary.fork_with(sleeper)?;
            let start = Instant::now();
            let comes = comes_online(&mut primary, sleeper, SHORT)?;
            same("comes online, if it sleeps for ever", false, comes)?;
            if start.elapsed() < SHORT {
                let seen = format!("{:?}", start.elapsed());
                return Err(Wrong::new("a wait of 300 ms", seen).into());
            }

            let dead = primary.fork_with(Settings::new().exec("false"))?;
            let comes = comes_online(&mut primary, dead, LONG)?;
            same("comes online, if it dies at birth", false, comes)?;
            primary.kill(sleeper, cluster::Signal::SIGKILL)?;
            primary.dismiss()
        }
    }
}

fn talk(mut me: Worker) -> Verdict {
    while !me.is_leaving() {
        me.send("and another thing")?;
        // It takes a breath, and hears whether it should leave.
        let breath = Instant::now() + Duration::from_millis(20);
        while let Some(event) = me.next_event_before(breath)? {
            if matches!(event, cluster::WorkerEvent::Deadline) {
                break;
            }
        }
    }
    Ok(())
}
