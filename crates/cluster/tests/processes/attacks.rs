//! Workers that attack their primary: its memory stays small, it goes on serving, and SIGTERM is
//! obeyed.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio as Std};
use std::time::{Duration, Instant};

use cluster::{Address, Event, Primary, SendError, Signal, Stdio, Worker, WorkerId};

use crate::harness::{DEADLINE, Events, Program, Test, part, plain, test};
use crate::hostile::channel;
use crate::memory::Watch;

/// What workers may take to leave, if they are asked to.
const GRACE: Duration = Duration::from_secs(2);
/// How long a client waits for its answer.
const PATIENCE: Duration = Duration::from_secs(3);
const MEBIBYTE: usize = 1 << 20;
/// The longest line that is taken, if nobody says otherwise, is a little longer.
const LONG: usize = 79 * MEBIBYTE / 10;
const LINES: usize = 12;

pub fn tests() -> Vec<Test> {
    [
        ("a_grandchild_that_writes_without_end_does_not_freeze_the_primary", "grandchild"),
        ("one_line_of_62_mb_costs_the_primary_no_memory", "one line"),
        ("many_lines_near_the_limit_cost_the_primary_no_memory", "long lines"),
        ("messages_that_a_worker_never_takes_cost_neither_side_memory", "untaken"),
    ]
    .map(|(name, attack)| {
        let outside = match attack {
            "grandchild" => |test: &Test| is_borne(test, "grandchild", "gone after"),
            "one line" => {
                |test: &Test| is_borne(test, "one line", "gone after 0 messages, 1 error")
            }
            "long lines" => {
                |test: &Test| is_borne(test, "long lines", "gone after 12 messages, 0 errors")
            }
            _ => |test: &Test| is_borne(test, "untaken", "sent all that it can"),
        };
        test(name).policy("rr").primary(primary).worker(worker).plain(attacks).outside(outside)
    })
    .to_vec()
}

/// An honest worker that only accepts, and the attacker. What the attack is comes on the command
/// line.
fn primary(mut primary: Primary) {
    primary.signals(&[Signal::SIGTERM]).unwrap();
    let honest = primary.fork_with(part("accepts")).unwrap();
    let at = primary.until(|event| match event {
        Event::Listening(_, Address::Tcp(at)) => Some(at),
        _ => None,
    });
    println!("{at} {}", primary.pid(honest).unwrap());
    let attack = std::env::args().nth(1).unwrap();
    match &*attack {
        "untaken" => {}
        "grandchild" => drop(primary.fork_with(part(&attack).stdout(Stdio::Lines)).unwrap()),
        _ => drop(primary.fork_with(plain(&attack)).unwrap()),
    }
    let mut messages = if attack == "untaken" { 200 * MEBIBYTE / 10_000 } else { 0 };
    let (mut heard, mut errors) = (0, 0);
    loop {
        let soon = Instant::now() + Duration::from_millis(if messages > 0 { 1 } else { 10_000 });
        match primary.next_event_before(soon).unwrap() {
            Some(Event::Message(..)) => heard += 1,
            Some(Event::Error(..)) => errors += 1,
            Some(Event::Exit { worker, .. }) if worker != honest => {
                let s = if errors == 1 { "" } else { "s" };
                println!("gone after {heard} messages, {errors} error{s}");
            }
            Some(Event::Signal(_)) => primary.begin_shutdown(GRACE),
            None => return,
            _ => {}
        }
        if messages > 0 {
            messages = send_some(&mut primary, honest, messages);
        }
    }
}

/// Sends as many as are taken; how many are left. It is over, too, when the worker takes no more.
fn send_some(primary: &mut Primary, worker: WorkerId, messages: usize) -> usize {
    static REFUSED: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let text = "x".repeat(9_990);
    for left in (0..messages).rev().take(100) {
        match primary.send(worker, &text) {
            Ok(_) if left == 0 => {}
            Ok(_) => continue,
            // Refused again and again, although the channel had time to get empty.
            Err(SendError::Full(..)) => {
                if REFUSED.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < 1000 {
                    return left + 1;
                }
            }
            Err(other) => panic!("{other}"),
        }
        println!("sent all that it can");
        return 0;
    }
    messages.saturating_sub(100)
}

fn worker(mut me: Worker, part: &str) {
    if part == "grandchild" {
        // They have this worker's stdout, and outlive it.
        let three = "yes & yes & yes & exit 0";
        Command::new("sh").args(["-c", three]).stdin(Std::null()).status().unwrap();
        std::process::exit(0);
    }
    let listener = me.listen("127.0.0.1:0").unwrap();
    while let Some(mut client) = listener.accept().unwrap() {
        let _ = write!(client, "{}", me.id());
    }
}

/// Lines of `{"":0}`, which take eighty times as much memory as values.
fn attacks(attack: &str) {
    let (lines, length) = if attack == "one line" { (1, 62_000_000) } else { (LINES, LONG) };
    let line = format!("[{}{{}}]\n", "{\"\":0},".repeat(length / 7));
    let mut channel = channel();
    for _ in 0..lines {
        channel.write_all(line.as_bytes()).unwrap();
    }
}

/// Starts the attack, asks all the while, until the primary says this, and for a second after it.
fn is_borne(test: &Test, attack: &str, end: &str) {
    let mut program = test.start_with(&[attack]);
    let line = program.line();
    let (at, honest) = line.split_once(' ').unwrap();
    let watches = [program.pid(), honest.parse().unwrap()].map(Watch::over);
    let at = at.to_owned();
    let (mut answered, mut slowest) = (0, Duration::ZERO);
    let begin = Instant::now();
    let mut ended = None;
    while ended.is_none_or(|at: Instant| at.elapsed() < Duration::from_secs(1)) {
        let asked = Instant::now();
        match ask(&at) {
            Ok(answer) if answer == "worker 1" => answered += 1,
            other => panic!("{other:?} after {answered} answers, {:?}", begin.elapsed()),
        }
        slowest = slowest.max(asked.elapsed());
        if let (None, Some(line)) = (ended, program.line_if_there()) {
            assert!(line.starts_with(end), "{line}");
            ended = Some(Instant::now());
        }
        assert!(begin.elapsed() < DEADLINE, "the attack does not end");
    }
    println!("{attack}: {answered} clients answered, the slowest after {slowest:?}");
    stops(&mut program);
    let [primary, honest] = watches;
    primary.took_little(&format!("{attack}: the primary"));
    honest.took_little(&format!("{attack}: the honest worker"));
}

fn stops(program: &mut Program) {
    program.is_sent(Signal::SIGTERM);
    let asked = Instant::now();
    let status = program.ends();
    assert!(status.success(), "{status}");
    assert!(asked.elapsed() < GRACE, "{:?}", asked.elapsed());
}

/// As anybody would who does not wait for long.
fn ask(at: &str) -> std::io::Result<String> {
    let mut client = TcpStream::connect_timeout(&at.parse().unwrap(), PATIENCE)?;
    client.set_read_timeout(Some(PATIENCE))?;
    let mut text = String::new();
    client.read_to_string(&mut text).map(|_| text)
}
