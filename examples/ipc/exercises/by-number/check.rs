//! One worker multiplies and answers backwards; the other one interrupts.

mod exercise;
mod solution;

use cluster::{Error, Primary, Role, Worker, WorkerId};
use exercises::{Events, Exercise, Verdict, same, stay};

type Products =
    fn(&mut Primary, WorkerId, &[(u64, u64); 3]) -> Result<[u64; 3], Error>;

pub fn exercise() -> Exercise {
    Exercise::new(file!(), judge, exercise::products, solution::products)
}

fn judge(role: Role, products: Products) -> Verdict {
    match role {
        Role::Worker(me) if me.id().get() == 1 => interrupt(me),
        Role::Worker(me) => multiply(me),
        Role::Primary(mut primary) => {
            primary.fork()?;
            let worker = primary.fork()?;
            for pairs in [[(6, 7), (2, 2), (10, 10)], [(1, 1), (0, 5), (3, 9)]]
            {
                let expected = pairs.map(|(a, b)| a * b);
                let seen = products(&mut primary, worker, &pairs)?;
                same(format!("the products of {pairs:?}"), expected, seen)?;
            }
            primary.dismiss()
        }
    }
}

fn interrupt(me: Worker) -> Verdict {
    for number in 0..3 {
        me.send((number, 999))?;
    }
    stay(me)
}

fn multiply(mut me: Worker) -> Verdict {
    let mut answers = Vec::new();
    while let Some(message) = me.recv()? {
        let (number, a, b): (usize, u64, u64) = message.parse()?;
        answers.push((number, a * b));
        if answers.len() == 3 {
            for answer in answers.drain(..).rev() {
                me.send(answer)?;
            }
        }
    }
    Ok(())
}
