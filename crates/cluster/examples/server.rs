//! A service on port 3000, one worker per CPU: `cargo run -p cluster --example server`
//!
//! Try `nc localhost 3000`, kill a worker, press Ctrl-C. A worker that dies is replaced, ever more slowly if it goes on dying.

use std::io::Write;
use std::time::Duration;

use cluster::{Error, Event, Primary, RestartPolicy, Role, Signal, Worker};

fn main() -> std::process::ExitCode {
    let result = cluster::role().and_then(|role| match role {
        Role::Primary(primary) => supervise(primary),
        Role::Worker(me) => serve(me),
    });
    match result {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn supervise(mut primary: Primary) -> Result<(), Error> {
    primary.signals(&[Signal::SIGINT, Signal::SIGTERM])?;
    for _ in 0..cluster::available_parallelism() {
        primary.fork()?;
    }
    let mut restart = RestartPolicy::back_off(Duration::from_millis(100), Duration::from_secs(10))
        .at_most(30, Duration::from_secs(60));
    while let Some(event) = primary.next_event()? {
        match event {
            Event::Listening(worker, address) => eprintln!("{worker} listens on {address}"),
            Event::Exit { worker, exit, voluntary: false } => {
                eprintln!("{worker} {exit}; {}", restart.after(worker, &mut primary));
            }
            Event::Signal(_) => primary.begin_shutdown(Duration::from_secs(10)),
            Event::Error(worker, error) => eprintln!("{worker}: {error}"),
            _ => {}
        }
    }
    Ok(())
}

fn serve(mut me: Worker) -> Result<(), Error> {
    let listener = me.listen("127.0.0.1:3000")?;
    for connection in listener.incoming() {
        // A client that has gone away again is no reason to stop.
        let _ = writeln!(connection?, "hello from {}, process {}", me.id(), std::process::id());
    }
    Ok(())
}
