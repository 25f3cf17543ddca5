//! A service whose standard output nobody reads: it serves, takes no memory for what is not read,
//! and ends when it is asked to.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, ErrorKind, PipeReader, Write, pipe};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use nix::fcntl::OFlag;
use nix::sys::signal::Signal;

use crate::crowd::{Asks, Crowd, request};
use crate::lesson::{Folder, HTTP_SERVER, Lesson, POLYGLOT, POLYGLOT_OWN, SCHEDULING, SHUTDOWN};
use crate::support::{IN_TIME, Run, SOON, url};
use crate::trials::trial;
use crate::{needing, proc};

/// A reader may hold up the end for a second. The rest is for a busy machine.
const PROMPT: Duration = Duration::from_secs(5);

pub fn tests() -> Vec<Trial> {
    let mut trials = Vec::new();
    let all = SCHEDULING.into_iter().chain([SHUTDOWN, HTTP_SERVER, POLYGLOT, POLYGLOT_OWN]);
    for lesson in all {
        let name = format!("{}_stops_although_nobody_reads_what_it_tells", lesson.name);
        trials.push(needing(trial(name, move || stops(&lesson)), &lesson, None));
        if let Some(path) = lesson.long {
            let name = format!("{}_ends_on_a_second_signal_although_nobody_reads", lesson.name);
            trials.push(needing(trial(name, move || ends(&lesson, path)), &lesson, None));
        }
    }
    let [lesson, _] = SCHEDULING;
    let name = format!("{}_takes_no_memory_for_what_nobody_reads", lesson.name);
    trials.push(trial(name, move || takes_no_memory(&lesson)));
    trials
}

struct Unread {
    run: Run,
    address: SocketAddr,
    _pipe: BufReader<PipeReader>,
    _folder: Folder,
}

/// Starts it, and hears that it serves. From then on its pipe is full, and nobody reads.
fn start(lesson: &Lesson) -> Unread {
    let folder = Folder::new();
    let (reader, writer) = pipe().expect("a pipe");
    // Opened anew, so that it alone does not block.
    let filler = OpenOptions::new()
        .write(true)
        .custom_flags(OFlag::O_NONBLOCK.bits())
        .open(format!("/proc/self/fd/{}", writer.as_raw_fd()));
    let mut command = lesson.command(&folder, &[]);
    let run = Run::spawn(&mut command, writer.into());
    let mut pipe = BufReader::new(reader);
    let mut line = String::new();
    let address = loop {
        line.clear();
        pipe.read_line(&mut line).expect("it begins");
        match url(&line) {
            Some(address) => break address.parse().expect("an address"),
            None => assert!(!line.is_empty(), "it does not serve"),
        }
    };
    let mut filler = filler.expect("it is ours");
    let full = loop {
        // So few bytes are written all at once or not at all: pipe(7).
        if let Err(error) = filler.write_all(&[b'x'; 512]) {
            break error.kind();
        }
    };
    assert_eq!(full, ErrorKind::WouldBlock);
    Unread { run, address, _pipe: pipe, _folder: folder }
}

fn stops(lesson: &Lesson) {
    let server = start(lesson);
    let begun = Instant::now();
    server.run.signal(Signal::SIGTERM);
    let output = server.run.finish(IN_TIME);
    assert!(output.status.success(), "{output:#?}");
    assert!(begun.elapsed() < PROMPT, "{:?}", begun.elapsed());
    server.run.assert_nothing_left(SOON);
}

/// Somebody is being served, so that it does not end by itself.
fn ends(lesson: &Lesson, path: &'static str) {
    let server = start(lesson);
    let mut stream = TcpStream::connect(server.address).expect("somebody listens");
    stream.write_all(request(path).as_bytes()).expect("it is taken");
    let begun = Instant::now();
    server.run.signal(Signal::SIGTERM);
    while proc::is_pending(server.run.pid(), Signal::SIGTERM) {
        assert!(begun.elapsed() < PROMPT, "the first one is not heard");
        thread::sleep(Duration::from_millis(1)); // nothing to wait on
    }
    server.run.signal(Signal::SIGINT);
    let output = server.run.finish(IN_TIME);
    assert_eq!(output.status.signal(), Some(Signal::SIGINT as i32), "{output:#?}");
    assert!(begun.elapsed() < PROMPT, "{:?}", begun.elapsed());
    server.run.assert_nothing_left(SOON);
}

/// Each request is told, with its path of 3 KB: the last ones are not kept any more.
fn takes_no_memory(lesson: &Lesson) {
    const MOST: u64 = 2 * 1024;
    let path: &'static str = format!("/{}", "x".repeat(3000)).leak();
    let server = start(lesson);
    let crowd = Crowd::start(server.address, &[Asks::For(path); 8], Duration::ZERO, IN_TIME);
    crowd.wait_for_answers(600);
    let before = proc::resident(server.run.pid());
    for answers in [1200, 1800, 2400, 3000] {
        crowd.wait_for_answers(answers);
    }
    let more = proc::resident(server.run.pid()).saturating_sub(before);
    assert!(crowd.leave().iter().all(|visit| visit.answer.is_ok()));
    println!("{}: {more} KiB more after 2400 requests that nobody reads of", lesson.name);
    assert!(more < MOST, "{more} KiB");
    server.run.signal(Signal::SIGTERM);
    assert!(server.run.finish(IN_TIME).status.success());
}
