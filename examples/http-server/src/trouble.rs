//! Visitors who find a weak spot of tiny_http. Each costs one worker at most.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use narrator::Outcome;
use visitors::Visitor;

use crate::scenes::meet;
use crate::{Args, Play, Trouble, lost, worker};

/// So few descriptors are soon all in use.
const FEW: u64 = 64;
const PATIENCE: Duration = Duration::from_secs(10);

impl Args {
    /// How many descriptors a worker has.
    pub(crate) fn descriptors(&self) -> u64 {
        match self.trouble {
            Some(Trouble::Descriptors) => FEW,
            _ => worker::DESCRIPTORS,
        }
    }
}

impl Play {
    pub(crate) fn bring(
        &mut self,
        trouble: Trouble,
        visitor: Visitor,
    ) -> Outcome {
        let at = visitor.address();
        match trouble {
            Trouble::Abort => self.announce_too_much(at)?,
            Trouble::Descriptors => self.hold_connections(visitor)?,
            Trouble::Half => self.send_half(visitor)?,
        }
        let workers = self.args.workers();
        self.until(|play| play.service.serving().len() == workers)?;
        let served = self.let_them_come(visitor)?.len();
        let asks = format!("1 to {served} come:");
        self.story.tell("visitor", asks, "every one is answered");
        Ok(())
    }

    // ANCHOR: abort
    fn announce_too_much(&mut self, at: SocketAddr) -> Outcome {
        self.story.tell("visitor", "announces a body of 1000 TB", "");
        let heard = self.meanwhile(|| {
            let mut stream = connect(at)?;
            let length = 1_000_000_000_000_000_u64;
            write!(
                stream,
                "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"
            )?;
            hear(stream)
        })??;
        let Some(line) = heard.lines().next() else {
            return lost("the worker died before it answered");
        };
        self.story.tell("visitor", "hears:", line);
        self.one_dies()
    }
    // ANCHOR_END: abort

    // ANCHOR: hold
    fn hold_connections(&mut self, visitor: Visitor) -> Outcome {
        let limit = format!("{FEW} descriptors each");
        self.story.tell("primary", "gave its workers", limit);
        self.story.tell("visitor", "keeps each connection", "to worker 1");
        let mut held = vec![meet(visitor, 1)?];
        while held[0].ask("/").result.is_ok() {
            let mut stay = visitor.come()?;
            if stay.ask("/").worker() == Some(1) {
                held.push(stay);
            }
        }
        self.one_dies()
    }
    // ANCHOR_END: hold

    fn send_half(&mut self, visitor: Visitor) -> Outcome {
        let half = b"GET / HTTP/1.1\r\nHo";
        let mut stream = connect(visitor.address())?;
        stream.write_all(half)?;
        self.story.tell("visitor", "sends half a request,", "and waits");
        self.let_them_come(visitor)?;
        self.story.tell("visitor", "still waits:", "tiny_http has no timeout");
        Ok(())
    }

    pub(crate) fn one_dies(&mut self) -> Outcome {
        self.until(|play| play.service.restarts() > 0)
    }
}

fn connect(at: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(at)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// What comes until the other side hangs up.
fn hear(mut stream: TcpStream) -> io::Result<String> {
    let (mut heard, mut block) = (Vec::new(), [0; 512]);
    while let Ok(length @ 1..) = stream.read(&mut block) {
        heard.extend_from_slice(&block[..length]);
    }
    Ok(String::from_utf8_lossy(&heard).into_owned())
}
