//! What several rows do.

use std::io::Read;
use std::net::TcpStream;
use std::os::fd::{AsFd, AsRawFd};

use cluster::{Event, Primary, WorkerId};

use crate::harness::{Events, Test};
use crate::obeys::some;
use crate::remote::meanwhile;

pub fn local(port: &str) -> String {
    is_a_port(port);
    format!("127.0.0.1:{port}")
}

pub fn is_a_port(text: &str) {
    assert!(text.parse::<u16>().is_ok_and(|port| port > 0), "{text}");
}

/// Asks the worker to leave; it ends with 0.
pub fn leaves(primary: &mut Primary, worker: WorkerId) {
    primary.disconnect(worker);
    let end = primary.until(|event| match event {
        Event::Exit { worker: it, exit, voluntary } if it == worker => Some((exit, voluntary)),
        _ => None,
    });
    assert_eq!(end, (cluster::Exit::Code(0), true));
}

/// Two sockets of one worker on one port, and the primary hears nothing of them.
pub fn shares_without_asking(mut primary: Primary, verb: &str) {
    let [worker] = some(&mut primary);
    let mut told = Vec::new();
    let mut tell = |order: String| {
        primary.send(worker, order).unwrap();
        primary.until(|event| match event {
            Event::Message(_, message) => Some(message.text().unwrap()),
            other => {
                told.extend(crate::harness::in_short(&other));
                None
            }
        })
    };
    let port = tell(format!("{verb} 127.0.0.1:0 reuse_port"));
    is_a_port(&port);
    assert_eq!(tell(format!("{verb} 127.0.0.1:{port} reuse_port")), port);
    // They are the worker's own, and would keep a Node worker after its disconnect.
    for number in [0, 1] {
        assert_eq!(tell(format!("close {number}")), "closed");
    }
    assert!(told.is_empty(), "{told:?}");
    leaves(&mut primary, worker);
}

/// Starts the primary with a socket that it has open under the same number as we do.
pub fn start_with_descriptor(test: &Test, socket: &impl AsFd, port: u16) {
    let close_on_exec = |flags| rustix::io::fcntl_setfd(socket, flags).unwrap();
    close_on_exec(rustix::io::FdFlags::empty());
    let mut program = test.start_changed(|command| {
        command.env("T_FD", socket.as_fd().as_raw_fd().to_string());
        command.env("T_PORT", port.to_string());
    });
    close_on_exec(rustix::io::FdFlags::CLOEXEC);
    program.succeeds();
}

/// What is told until the end; without `listening`, which Node tells after what its listener's own
/// program says.
pub fn the_end(primary: &mut Primary) -> Vec<String> {
    let mut told = primary.rest();
    told.retain(|event| !event.starts_with("Listening"));
    told
}

pub fn ends(worker: WorkerId, how: &str) -> [String; 2] {
    [format!("{worker} disconnected"), format!("{worker} {how}")]
}

pub fn until_disconnected(primary: &mut Primary, worker: WorkerId) {
    primary.until(|event| matches!(event, Event::Disconnect(it) if it == worker).then_some(()));
}

pub fn is_there(pid: u32) -> bool {
    std::path::Path::new(&format!("/proc/{pid}")).exists()
}

/// A client that stays, and the first thing that it reads; nothing if it was hung up on.
pub fn connects(primary: &mut Primary, at: &str) -> (TcpStream, String) {
    let at = at.to_owned();
    meanwhile(primary, move || {
        let mut client = TcpStream::connect(at).unwrap();
        client.set_read_timeout(Some(crate::harness::DEADLINE)).unwrap();
        let mut byte = [0];
        let count = client.read(&mut byte).unwrap_or(0);
        (client, byte[..count].iter().map(|&it| char::from(it)).collect())
    })
}
