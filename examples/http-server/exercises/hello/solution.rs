//! HTTP is lines with `\r\n` at the end; an empty one ends the head.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};

use cluster::{Listener, WorkerId};

pub fn serve(me: WorkerId, listener: &Listener) -> Result<(), Box<dyn Error>> {
    for connection in listener.incoming() {
        let mut connection = connection?;
        for line in BufReader::new(&connection).lines() {
            if line?.is_empty() {
                break;
            }
        }
        let body = format!("{me}\n");
        let length = body.len();
        write!(
            connection,
            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{body}"
        )?;
    }
    Ok(())
}
