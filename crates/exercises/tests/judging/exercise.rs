//! What learners write, now and then.

use cluster::{Primary, Worker};

pub fn todo() -> u32 {
    todo!("answer 42")
}

pub fn wrong() -> u32 {
    41
}

pub fn panics() -> u32 {
    "forty-two".parse().expect("a number is here")
}

pub fn loops() -> u32 {
    println!("round and round");
    loop {
        std::hint::spin_loop();
    }
}

pub fn leaves() -> u32 {
    std::process::exit(0)
}

pub fn aborts() -> u32 {
    std::process::abort()
}

pub fn right() -> u32 {
    42
}

pub fn fails(primary: &mut Primary) -> Result<(), cluster::Error> {
    let nobody = cluster::Settings::new().exec("/no/such/program");
    primary.fork_with(nobody).map(drop)
}

pub fn forks(primary: &mut Primary) -> Result<(), cluster::Error> {
    primary.fork().map(drop)
}

pub fn worker_with_a_todo(_: Worker) {
    todo!("greet the primary")
}

pub fn worker_that_never_ends(_: Worker) {
    loop {
        std::thread::park();
    }
}

pub fn worker_that_panics(_: Worker) {
    panic!("no seat is left")
}
