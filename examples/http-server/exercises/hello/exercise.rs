//! Make: answer whoever comes.
//!
//! In the end every visitor is answered: `HTTP/1.1 200 OK`, a header
//! `Content-Length` that is right, a header `Connection: close`, and the body
//! `worker 2` and a newline, with this worker's name. Read the head of the
//! request first, up to its empty line: who closes a connection with unread
//! bytes in it may tear the answer. When the listener is closed, `serve`
//! returns `Ok`.
//!
//! These help: `BufReader::lines` and `Listener::incoming`. See
//! `cargo doc -p cluster --no-deps --open`

use std::error::Error;
use std::io::{BufRead, BufReader, Write};

use cluster::{Listener, WorkerId};

pub fn serve(me: WorkerId, listener: &Listener) -> Result<(), Box<dyn Error>> {
    todo!("for each connection: read up to the empty line, then answer")
}
