//! Workers that crash, their replacements, and the clients that must not notice.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use cluster::{Event, Primary, Restart, RestartPolicy, Signal, Worker};

use crate::harness::{Events, Test, test};

const CLIENTS: usize = 10;

pub fn tests() -> Vec<Test> {
    vec![
        test("workers_that_all_crash_at_once_come_back_on_the_same_port_and_no_client_is_refused")
            .primary(|mut primary| {
                let port = fork_and_listen(&mut primary, 3);
                for delay in [0, 20, 0, 20, 0] {
                    crash_all_and_ask(&mut primary, port, Duration::from_millis(delay));
                }
            })
            .worker(serve),
        test("a_worker_that_panics_leaves_its_port_to_its_replacement")
            .primary(|mut primary| {
                let port = fork_and_listen(&mut primary, 1);
                let mut restart = RestartPolicy::at_once();
                let panicked = primary.workers().next().unwrap();
                primary.send(panicked, "panic").unwrap();
                let worker = primary.until(exited);
                TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
                assert!(matches!(restart.after(worker, &mut primary), Restart::In { .. }));
                assert_eq!(primary.until(listens), port);
                TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
            })
            .worker(|mut me, _| {
                // The panic unwinds through the listener's drop, in the thread that holds it.
                let _listener = me.listen("127.0.0.1:0").unwrap();
                if me.recv().unwrap().is_some() {
                    panic!("as ordered by the test");
                }
            }),
        test("the_port_of_workers_that_are_not_replaced_is_closed")
            .primary(|mut primary| {
                let port = fork_and_listen(&mut primary, 2);
                for worker in primary.workers().collect::<Vec<_>>() {
                    primary.kill(worker, Signal::SIGKILL).unwrap();
                }
                while primary.next_event().unwrap().is_some() {}
                TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap_err();
            })
            .worker(serve),
        test("too_many_restarts_are_given_up_and_the_events_end")
            .primary(|mut primary| {
                let mut restart = RestartPolicy::at_once().at_most(2, Duration::from_secs(3600));
                primary.fork().unwrap();
                let mut answers = Vec::new();
                while let Some(event) = primary.next_event().unwrap() {
                    if let Event::Exit { worker, .. } = event {
                        answers.push(restart.after(worker, &mut primary));
                    }
                }
                assert!(
                    matches!(
                        answers[..],
                        [
                            Restart::In { .. },
                            Restart::In { .. },
                            Restart::GaveUp { restarts: 2, .. }
                        ]
                    ),
                    "{answers:?}"
                );
                assert_eq!(primary.fork().unwrap().get(), 4, "one worker and two restarts");
            })
            .worker(|_, _| std::process::exit(1)),
    ]
}

/// Answers every client, and tells the primary.
fn serve(mut me: Worker, _: &str) {
    let listener = me.listen("127.0.0.1:0").unwrap();
    for client in listener.incoming() {
        client.unwrap().write_all(b"hello").unwrap();
        me.send("answered").unwrap();
    }
}

/// The port that all of them listen on.
fn fork_and_listen(primary: &mut Primary, workers: usize) -> u16 {
    for _ in 0..workers {
        primary.fork().unwrap();
    }
    let ports: Vec<u16> = (0..workers).map(|_| primary.until(listens)).collect();
    assert!(ports.iter().all(|port| *port == ports[0]), "{ports:?}");
    ports[0]
}

fn crash_all_and_ask(primary: &mut Primary, port: u16, delay: Duration) {
    let mut restart = RestartPolicy::fixed(delay);
    let victims: Vec<_> = primary.workers().collect();
    victims.iter().for_each(|victim| primary.kill(*victim, Signal::SIGKILL).unwrap());
    let (mut died, mut listening, mut answered) = (0, 0, 0);
    let mut clients = Vec::new();
    while listening < victims.len() || answered < CLIENTS {
        match primary.next_event().unwrap().unwrap() {
            Event::Exit { worker, .. } => {
                assert!(matches!(restart.after(worker, primary), Restart::In { .. }));
                died += 1;
                if died == victims.len() {
                    // Whether a replacement is here already or not: nobody is refused.
                    let connect = |_| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
                    clients.extend((0..CLIENTS).map(connect));
                }
            }
            Event::Listening(_, address) => {
                assert_eq!(address.port(), Some(port));
                listening += 1;
            }
            Event::Message(..) => answered += 1,
            _ => {}
        }
    }
    for mut client in clients {
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "hello");
    }
}

fn listens(event: Event) -> Option<u16> {
    match event {
        Event::Listening(_, address) => address.port(),
        _ => None,
    }
}

fn exited(event: Event) -> Option<cluster::WorkerId> {
    match event {
        Event::Exit { worker, .. } => Some(worker),
        _ => None,
    }
}
