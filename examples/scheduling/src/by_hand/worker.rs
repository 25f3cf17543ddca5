//! A worker by hand: gets its connections from the primary, or from the kernel.

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use narrator::Outcome;
use os_pipe::PipeWriter;
use visitors::{Guest, PATIENCE, Response};

use super::pass;
use crate::scenes::WORK;

/// What a worker tells the primary: its number, and one of these.
pub(super) const FREE: u8 = b'F';
pub(super) const BUSY: u8 = b'B';

// ANCHOR: work
pub(super) fn work(
    number: u32,
    listener: &TcpListener,
    channel: Option<UnixStream>,
    mut tell: PipeWriter,
) -> Outcome {
    loop {
        let connection = match &channel {
            Some(channel) => {
                tell.write_all(&[number as u8, FREE])?;
                pass::receive(channel)? // as unpv13e's serv05
            }
            None => listener.accept().ok().map(|it| it.0), // as its serv02
        };
        let Some(connection) = connection else { return Ok(()) };
        attend(number, Guest::new(connection), &mut tell)?;
    }
}
// ANCHOR_END: work

fn attend(number: u32, mut guest: Guest, tell: &mut PipeWriter) -> Outcome {
    while let Ok(Some(request)) = guest.next_request(PATIENCE) {
        if request.path == WORK {
            tell.write_all(&[number as u8, BUSY])?;
            thread::sleep(Duration::from_millis(300)); // this is the work
        }
        let name = format!("worker {number}\n");
        guest.answer(&Response::text(200, name).header("X-Worker", number))?;
    }
    Ok(()) // the visitor has left
}
