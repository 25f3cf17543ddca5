//! What learners write, now and then.

use cluster::{Primary, Worker};

pub fn todo() -> u32 {
    todo!("answer 42")
}

pub fn wrong() -> u32 {
    41
}

pub fn panics() -> u32 {
    let none: Option<u32> = None;
    none.expect("a number is here")
}

pub fn loops() -> u32 {
    loop {
        std::hint::spin_loop();
    }
}

pub fn leaves() -> u32 {
    std::process::exit(0)
}

pub fn overflows() -> u32 {
    #[allow(unconditional_recursion)] // this is the fault
    fn deeper(depth: u64) -> u64 {
        std::hint::black_box(deeper(depth + 1)) + 1
    }
    deeper(0) as u32
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
