//! Three workers come, with a lot to say; one of four dies at birth.

mod exercise;
mod solution;

use cluster::{Error, Event, Primary, Role, Settings, Signal, WorkerId};
use exercises::{Events, Exercise, Verdict, same, stay};

type RollCall = fn(&mut Primary) -> Result<Vec<WorkerId>, Error>;

pub fn exercise() -> Exercise {
    Exercise::new(file!(), judge, exercise::roll_call, solution::roll_call)
}

fn judge(role: Role, roll_call: RollCall) -> Verdict {
    match role {
        Role::Worker(me) => {
            me.send("here I am")?;
            me.send("what a day")?;
            stay(me)
        }
        Role::Primary(mut primary) => {
            let all = call(&mut primary, roll_call)?;
            same("workers online", vec![1, 2, 3], all)?;
            dismiss_by_force(&mut primary)?;

            primary.fork_with(Settings::new().exec("false"))?;
            let all = call(&mut primary, roll_call)?;
            same("workers online, if 4 dies at birth", vec![5, 6, 7], all)?;
            primary.dismiss()
        }
    }
}

fn call(primary: &mut Primary, roll_call: RollCall) -> Result<Vec<u32>, Error> {
    for _ in 0..3 {
        primary.fork()?;
    }
    Ok(roll_call(primary)?.into_iter().map(|worker| worker.get()).collect())
}

fn dismiss_by_force(primary: &mut Primary) -> Verdict {
    for worker in primary.workers().collect::<Vec<_>>() {
        primary.kill(worker, Signal::SIGKILL)?;
        primary.until("its exit", |event| {
            matches!(event, Event::Exit { .. }).then_some(())
        })?;
    }
    Ok(())
}
