//! A service on port 3000, one worker per CPU: `cargo run -p cluster --example server`. Another
//! port, and another number of workers: `cargo run -p cluster --example server -- 8080 4`
//!
//! Try `nc localhost 3000`, kill a worker, press Ctrl-C. A worker that dies is replaced, ever more
//! slowly if it goes on dying.

use std::io::Write;
use std::time::Duration;

use cluster::{Error, Event, Primary, RestartPolicy, Role, Signal, Worker};

/// Runs the service, or one of its workers.
pub fn main() -> std::process::ExitCode {
    let result = cluster::role().and_then(|role| match role {
        Role::Primary(primary) => supervise(primary),
        Role::Worker(me) => serve(me),
    });
    match result {
        Ok(true) => std::process::ExitCode::SUCCESS,
        Ok(false) => std::process::ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

/// Whether the service was asked to stop, and every worker left as it was asked to.
fn supervise(mut primary: Primary) -> Result<bool, Error> {
    primary.signals(&[Signal::SIGINT, Signal::SIGTERM])?;
    for _ in 0..argument(2).unwrap_or_else(cluster::available_parallelism) {
        primary.fork()?;
    }
    let mut restart = RestartPolicy::back_off(Duration::from_millis(100), Duration::from_secs(10))
        .at_most(30, Duration::from_secs(60));
    let mut well = false;
    while let Some(event) = primary.next_event()? {
        match event {
            Event::Listening(worker, address) => eprintln!("{worker} listens on {address}"),
            Event::ListenFailed { worker, error } => eprintln!("{worker}: {error:#}"),
            Event::ForkFailed { error, .. } => eprintln!("{error:#}"), // it is tried again
            Event::Exit { worker, exit, voluntary: false } => {
                eprintln!("{worker} {exit}; {}", restart.after(worker, &mut primary));
            }
            Event::Signal(_) => primary.begin_shutdown(Duration::from_secs(10)),
            Event::Stopped(report) => {
                well = report.is_clean();
                for (worker, exit) in report.died {
                    eprintln!("{worker} {exit} while the service stopped");
                }
            }
            Event::Error(worker, error) => eprintln!("{worker}: {error}"),
            _ => {}
        }
    }
    Ok(well)
}

fn serve(mut me: Worker) -> Result<bool, Error> {
    let port = argument(1).unwrap_or(3000);
    let listener = match me.listen(format!("127.0.0.1:{port}")) {
        Err(Error::Leaving) => return Ok(true), // asked to stop before it could begin
        listener => listener?,
    };
    for connection in listener.incoming() {
        // A client that has gone away again is no reason to stop.
        let _ = writeln!(connection?, "hello from {}, process {}", me.id(), std::process::id());
    }
    Ok(true)
}

/// The number in this place of the command line. Workers are started with the arguments of their
/// primary.
fn argument(place: usize) -> Option<usize> {
    std::env::args().nth(place)?.parse().ok()
}
