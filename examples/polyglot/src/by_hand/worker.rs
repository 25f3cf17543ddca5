//! The worker in Rust, by hand: says what a worker in Node says.

use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;

use narrator::Outcome;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde_json::json;
use visitors::{Guest, PATIENCE, Response};

use super::channel::Channel;

pub(super) fn work(mut channel: Channel, port: u16) -> Outcome {
    // ANCHOR: listen
    channel
        .say(&json!({ "cmd": "NODE_CLUSTER", "act": "online", "seq": 0 }))?;
    let mut query = json!({
        "cmd": "NODE_CLUSTER", "act": "queryServer", "index": 0, "data": null,
        "address": "127.0.0.1", "port": port, "addressType": 4, "seq": 1,
    });
    channel.say(&query)?;
    let reply = channel.hear_until(|it| {
        it["ack"] == 1 || it["msg"]["ack"] == 1 // with a socket, or without
    })?;
    // ANCHOR_END: listen
    let shared = match reply["cmd"] == "NODE_HANDLE" {
        true => Some(TcpListener::from(channel.take_descriptor()?)),
        false => None,
    };
    query["act"] = json!("listening");
    channel.say(&query)?;
    if let Some(listener) = shared {
        return accept_until_asked(&mut channel, &listener);
    }
    while let Some(message) = channel.hear()? {
        if message["act"] == "disconnect" {
            break;
        }
        if message["msg"]["act"] == "newconn" {
            let connection = channel.take_descriptor()?;
            channel.say(&json!({
                "cmd": "NODE_CLUSTER", "ack": message["msg"]["seq"],
                "accepted": true, "seq": 2,
            }))?;
            attend(connection.into());
        }
    }
    Ok(())
}

/// The channel has nothing to say but: leave.
fn accept_until_asked(
    channel: &mut Channel,
    listener: &TcpListener,
) -> Outcome {
    loop {
        let mut fds = [channel.socket.as_fd(), listener.as_fd()]
            .map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        while poll(&mut fds, PollTimeout::NONE) == Err(Errno::EINTR) {}
        if fds[0].any() == Some(true) {
            // Closed with something unread, the channel would be reset: the
            // primary would see an error instead of its end.
            return channel.hear().map(drop);
        }
        match listener.accept() {
            Ok((connection, _)) => attend(connection),
            // The other one was faster.
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn attend(connection: TcpStream) {
    // If the visitor has gone, nobody misses the answer.
    let _ = connection.set_nonblocking(false);
    let mut guest = Guest::new(connection);
    if let Ok(Some(_)) = guest.next_request(PATIENCE) {
        let hello = Response::text(200, "hello from Rust\n").close();
        let _ = guest.answer(&hello);
    }
}
