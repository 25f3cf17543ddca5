//! A request is in flight when the service is asked to stop: it is answered; and if its worker is
//! killed, that is told.

use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::crowd::{Asks, answer, request};
use crate::lesson::{HTTP_SERVER, Lesson, POLYGLOT, POLYGLOT_OWN, SCHEDULING, SHUTDOWN, Server};
use crate::support::{IN_TIME, SOON};
use crate::trials::trial;
use crate::{needing, proc};

/// How long the rest of a request is on its way, where a service has no work that takes long.
const ON_ITS_WAY: Duration = Duration::from_millis(1500);

pub fn tests() -> Vec<Trial> {
    let mut trials = Vec::new();
    let all = SCHEDULING.into_iter().chain([SHUTDOWN, HTTP_SERVER, POLYGLOT, POLYGLOT_OWN]);
    for lesson in all {
        let name = format!("{}_answers_what_is_in_flight_when_its_group_gets_sigterm", lesson.name);
        let answered = trial(name, move || is_answered(&lesson));
        trials.push(needing(answered, &lesson, None));
        let name = format!("{}_exits_1_and_names_the_worker_killed_while_it_stops", lesson.name);
        let named = trial(name, move || is_named(&lesson));
        trials.push(needing(named, &lesson, None));
    }
    trials
}

/// A request that is in the hands of a worker for some time.
struct InFlight {
    stream: TcpStream,
    worker: Pid,
    /// What is not sent yet.
    rest: &'static str,
}

fn begin(lesson: &Lesson, server: &Server) -> InFlight {
    let mut stream = TcpStream::connect(server.address).expect("somebody listens");
    stream.set_read_timeout(Some(IN_TIME)).expect("a timeout");
    let request = request(lesson.long.unwrap_or("/"));
    let (now, rest) = match lesson.long {
        Some(_) => (&*request, ""),
        None => (request.trim_end(), "\r\n\r\n"),
    };
    stream.write_all(now.as_bytes()).expect("it is taken");
    let client = stream.local_addr().expect("an address").port();
    InFlight { stream, worker: server.reader_of(client), rest }
}

fn is_answered(lesson: &Lesson) {
    let server = lesson.start();
    let mut request = begin(lesson, &server);
    server.run.signal_group(Signal::SIGTERM);
    if !request.rest.is_empty() {
        thread::sleep(ON_ITS_WAY);
        let _ = request.stream.write_all(request.rest.as_bytes()); // or see what is answered
    }
    let answer = answer(&mut request.stream, Asks::For(""));
    println!("{}, in flight when the group gets SIGTERM: {answer:?}", lesson.name);
    let output = server.run.finish(lesson.grace * 2);
    assert!(answer.is_ok(), "{answer:?}: {output:#?}");
    assert!(output.status.success(), "{output:#?}");
    server.run.assert_nothing_left(SOON);
}

fn is_named(lesson: &Lesson) {
    let server = lesson.start();
    let request = begin(lesson, &server);
    let number = proc::worker_number(request.worker).expect("it has a number");
    server.run.signal(Signal::SIGTERM);
    server.run.wait_for_line("stop", IN_TIME); // `begins to stop`, `stops`
    kill(request.worker, Signal::SIGKILL).expect("it is there");
    let output = server.run.finish(lesson.grace * 2);
    let code = output.status.code();
    println!("{}, killed while it stops: exit code {code:?}", lesson.name);
    assert_eq!(code, Some(1), "{output:#?}");
    assert!(!output.stdout.contains("SIGKILL, as asked"), "nobody asked for it: {output:#?}");
    // In the line with the reason, or the last one that tells of the whole.
    let told = output.stdout.lines().last().into_iter().chain(output.stderr.lines());
    let name = format!("worker {number}");
    assert!(told.into_iter().any(|it| it.contains(&name)), "{name} is not named: {output:#?}");
    server.run.assert_nothing_left(SOON);
}
