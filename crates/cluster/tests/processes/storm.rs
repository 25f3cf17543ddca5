//! Workers that are killed one after the other under load, and the clients that notice nothing of
//! it.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use cluster::{Address, Event, Primary, Restart, RestartPolicy, Settings, Signal, State, WorkerId};

use crate::harness::{Events, Test, in_both};
use crate::leaks::{has_no_child, open_files};

const CLIENTS: usize = 2000;
const AT_ONCE: usize = 8;

/// How long a client waits for an answer or an end.
const PATIENCE: Duration = Duration::from_secs(5);

pub fn tests() -> Vec<Test> {
    in_both("two_thousand_clients_survive_workers_that_are_killed_every_50_ms", |mut primary| {
        let before = open_files();
        let (kills, lost) = storm(&mut primary, &Settings::new(), 4, CLIENTS);
        // What a worker had taken is lost with it, and it takes one after the other.
        assert!(kills > 0 && lost <= kills, "{lost} lost, {kills} kills");
        primary.disconnect_all();
        primary.rest();
        assert_eq!(open_files(), before);
        has_no_child();
    })
    .map(|test| {
        test.worker(|mut me, _| {
            let listener = me.listen("127.0.0.1:0").unwrap();
            for client in listener.incoming() {
                // Its work.
                std::thread::sleep(Duration::from_millis(1));
                let _ = write!(client.unwrap(), "{}", me.id());
            }
        })
    })
    .to_vec()
}

/// Starts workers, has them asked by so many clients, and kills one every 50 ms, replaced at once,
/// as long as there are clients, and another one is there. Returns how many were killed, and how
/// many clients got no answer.
pub fn storm(
    primary: &mut Primary,
    workers: &Settings,
    count: usize,
    clients: usize,
) -> (usize, usize) {
    for _ in 0..count {
        primary.fork_with(workers.clone()).unwrap();
    }
    let mut at = None;
    for _ in 0..count {
        at = Some(primary.until(|event| match event {
            Event::Listening(_, Address::Tcp(at)) => Some(at),
            _ => None,
        }));
    }
    let clients = start_clients(primary, at.unwrap(), clients);
    let (mut killed, mut restart) = (Vec::<WorkerId>::new(), RestartPolicy::at_once());
    let mut next = Instant::now();
    loop {
        match primary.next_event_before(next).unwrap().unwrap() {
            Event::Exit { worker, .. } => {
                assert!(killed.contains(&worker), "{worker} ended by itself");
                assert!(matches!(restart.after(worker, primary), Restart::In { .. }));
            }
            Event::Woken => break,
            Event::Deadline => {
                next = Instant::now() + Duration::from_millis(50);
                let listens = |&it: &WorkerId| primary.state(it) == State::Listening;
                let alive = primary.workers().filter(listens).filter(|it| !killed.contains(it));
                // On a busy machine a replacement takes longer than that; somebody has to be left.
                if let [victim, _, ..] = alive.collect::<Vec<_>>()[..] {
                    primary.kill(victim, Signal::SIGKILL).unwrap();
                    killed.push(victim);
                }
            }
            _ => {}
        }
    }
    let (answered, lost, slowest) = clients.join().unwrap();
    assert!(slowest < PATIENCE, "{slowest:?}");
    assert!(answered > 0);
    (killed.len(), lost)
}

type Clients = JoinHandle<(usize, usize, Duration)>;

/// How many are answered and how many not, and what the slowest of them needed to know.
fn start_clients(primary: &Primary, at: SocketAddr, count: usize) -> Clients {
    let waker = primary.waker();
    std::thread::spawn(move || {
        let threads: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                std::thread::spawn(move || {
                    let (mut answered, mut lost, mut slowest) = (0, 0, Duration::ZERO);
                    for _ in 0..count / AT_ONCE {
                        let begin = Instant::now();
                        match ask(at) {
                            Ok(answer) if !answer.is_empty() => answered += 1,
                            Ok(_) => lost += 1,
                            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                                lost += 1
                            }
                            Err(error) => panic!("{error} after {:?}", begin.elapsed()),
                        }
                        slowest = slowest.max(begin.elapsed());
                    }
                    (answered, lost, slowest)
                })
            })
            .collect();
        let all: Vec<_> = threads.into_iter().map(|thread| thread.join()).collect();
        let sum = all.into_iter().try_fold((0, 0, Duration::ZERO), |sum, one| {
            one.map(|one| (sum.0 + one.0, sum.1 + one.1, sum.2.max(one.2)))
        });
        waker.wake();
        sum.unwrap_or_else(|panic: Box<dyn std::any::Any + Send>| std::panic::resume_unwind(panic))
    })
}

fn ask(at: SocketAddr) -> io::Result<String> {
    let mut client = TcpStream::connect_timeout(&at, PATIENCE)?;
    client.set_read_timeout(Some(PATIENCE))?;
    let mut text = String::new();
    client.read_to_string(&mut text).map(|_| text)
}
