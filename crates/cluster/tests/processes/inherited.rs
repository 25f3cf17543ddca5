//! A listening socket that somebody else holds, too, as systemd does: when this service stops, the
//! other one's clients are served.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::time::Duration;

use cluster::{Event, Listen, Primary, Signal};

use crate::harness::{DEADLINE, Test, test};
use crate::remote::ask;

pub fn tests() -> Vec<Test> {
    let mut tests = Vec::new();
    for (policy, name) in [("rr", "round_robin"), ("none", "shared")] {
        for how in ["begin_shutdown", "stop_accepting"] {
            let name = format!("{how}_closes_no_socket_of_somebody_else_under_{name}").leak();
            let outside = match how {
                "begin_shutdown" => |test: &Test| goes_on_elsewhere(test, "begin_shutdown"),
                _ => |test: &Test| goes_on_elsewhere(test, "stop_accepting"),
            };
            let test = test(name).policy(policy).primary(primary).outside(outside);
            tests.push(test.worker(|mut me, _| {
                let fd = std::env::args().nth(2).unwrap().parse().unwrap();
                let listener = me.listen(Listen::primary_fd(fd)).unwrap();
                while let Some(mut client) = listener.accept().unwrap() {
                    let _ = write!(client, "worker");
                }
            }));
        }
    }
    tests
}

fn primary(mut primary: Primary) {
    primary.signals(&[Signal::SIGTERM]).unwrap();
    for _ in 0..2 {
        primary.fork().unwrap();
    }
    let mut listening = 0;
    while let Some(event) = primary.next_event().unwrap() {
        match event {
            Event::Listening(..) => {
                listening += 1;
                if listening == 2 {
                    println!("ready");
                }
            }
            Event::Signal(_) => {
                if std::env::args().nth(1).unwrap() == "stop_accepting" {
                    primary.stop_accepting();
                }
                primary.begin_shutdown(Duration::from_secs(2));
            }
            Event::Stopped(report) => assert!(report.is_clean(), "{report:?}"),
            _ => {}
        }
    }
}

fn goes_on_elsewhere(test: &Test, how: &str) {
    let ours = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = ours.local_addr().unwrap().to_string();
    // Inherited under its number.
    rustix::io::fcntl_setfd(&ours, rustix::io::FdFlags::empty()).unwrap();
    let mut program = test.start_with(&[how, &ours.as_raw_fd().to_string()]);
    program.says("ready");
    assert_eq!(ask(&at).unwrap(), "worker");
    program.is_sent(Signal::SIGTERM);
    program.succeeds();
    // It came before anybody here asked for it.
    let mut client = TcpStream::connect(&at).unwrap();
    client.set_read_timeout(Some(DEADLINE)).unwrap();
    ours.set_nonblocking(false).unwrap();
    write!(ours.accept().unwrap().0, "somebody else").unwrap();
    let mut text = String::new();
    client.read_to_string(&mut text).unwrap();
    assert_eq!(text, "somebody else");
}
