//! The visitors: one connection per request, keep-alive, slow, vanishing.

use std::net::{SocketAddr, ToSocketAddrs};
use std::thread;
use std::time::{Duration, Instant};

use crate::connection::Connection;
use crate::{Answer, Seen, Trouble};

/// How long a visitor waits for an answer, if nobody says otherwise.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// The most visitors that come at once; more come when some of these have gone.
const MOST_AT_ONCE: usize = 256;

/// A visitor of one server on this machine.
#[derive(Clone, Copy, Debug)]
pub struct Visitor {
    address: SocketAddr,
    patience: Duration,
}

/// How a slow visitor is slow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Slowness {
    /// It connects, says nothing for so long, and then asks.
    Late(Duration),
    /// It sends its request byte by byte, with a pause after each.
    ByteByByte(Duration),
}

/// When a vanishing visitor goes away.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Leaves {
    /// As soon as it is connected.
    AtOnce,
    /// After half of its request.
    HalfWay,
    /// After the whole request, without waiting for the answer.
    BeforeTheAnswer,
}

impl Visitor {
    /// A visitor of the server at this address, as `"127.0.0.1:3000"` or a [`SocketAddr`].
    ///
    /// # Errors
    /// [`Trouble::NotLoopback`] when it is not on this machine; [`Trouble::System`] when it is no address.
    pub fn new(address: impl ToSocketAddrs) -> Result<Visitor, Trouble> {
        let no_address = |_| Trouble::System(std::io::ErrorKind::InvalidInput);
        let mut found = address.to_socket_addrs().map_err(no_address)?;
        let address = found.next().ok_or(Trouble::System(std::io::ErrorKind::InvalidInput))?;
        if !address.ip().to_canonical().is_loopback() {
            return Err(Trouble::NotLoopback(address));
        }
        Ok(Visitor { address, patience: PATIENCE })
    }

    /// The same visitor, who waits so long for each answer.
    pub fn with_patience(self, patience: Duration) -> Visitor {
        Visitor { patience, ..self }
    }

    /// Where it goes.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// One connection, one request: `Connection: close`.
    pub fn visit(&self, path: &str) -> Seen {
        self.see(|deadline| {
            let request = request(self.address, path, "close")?;
            Connection::open(self.address, deadline)?.ask(&request)
        })
    }

    /// One after another, each on a connection of its own. What each saw, in order.
    pub fn one_by_one(&self, path: &str, visits: usize) -> Vec<Seen> {
        (0..visits).map(|_| self.visit(path)).collect()
    }

    /// All at once, each on a connection and a thread of its own (no more than 256 at a time). What each saw, in the order in
    /// which they came.
    pub fn at_once(&self, path: &str, visits: usize) -> Vec<Seen> {
        let mut seen = Vec::with_capacity(visits);
        while seen.len() < visits {
            let crowd = (visits - seen.len()).min(MOST_AT_ONCE);
            thread::scope(|scope| {
                let come = |_| thread::Builder::new().spawn_scoped(scope, || self.visit(path));
                let came: Vec<_> = (0..crowd).map(come).collect();
                seen.extend(came.into_iter().map(|visit| match visit.map(|it| it.join()) {
                    Ok(Ok(seen)) => seen,
                    Ok(Err(_)) => self.see(|_| Err(Trouble::System(std::io::ErrorKind::Other))),
                    Err(error) => self.see(|_| Err(error.into())), // no thread left
                }));
            });
        }
        seen
    }

    /// So many requests on one connection (keep-alive), one after another. What it saw, in order: the first trouble is the end, and
    /// a server that closes sooner is one ([`Trouble::ClosedEarly`]).
    pub fn stay(&self, path: &str, requests: usize) -> Vec<Seen> {
        let mut connection = None;
        let mut seen: Vec<Seen> = Vec::new();
        while seen.len() < requests {
            let one = self.see(|deadline| {
                let request = request(self.address, path, "keep-alive")?;
                let connection = match &mut connection {
                    Some(connection) => connection,
                    none => none.insert(Connection::open(self.address, deadline)?),
                };
                if seen.last().is_some_and(|seen| !stays(seen)) {
                    return Err(Trouble::ClosedEarly);
                }
                connection.extend(deadline);
                connection.ask(&request)
            });
            seen.push(one);
            if seen.last().is_some_and(|seen| seen.result.is_err()) {
                break;
            }
        }
        seen
    }

    /// Comes, and does not ask yet: see [`Stay::ask`].
    ///
    /// # Errors
    /// What kept it from coming.
    pub fn come(&self) -> Result<Stay, Trouble> {
        let connection = Connection::open(self.address, Instant::now() + self.patience)?;
        Ok(Stay { visitor: *self, connection, open: true })
    }

    /// One request, slowly. The patience covers the slowness, too. A server that loses *its* patience first is heard.
    pub fn visit_slowly(&self, path: &str, slowness: Slowness) -> Seen {
        self.see(|deadline| {
            let request = request(self.address, path, "close")?;
            let mut connection = Connection::open(self.address, deadline)?;
            match slowness {
                Slowness::ByteByByte(pause) => connection.ask_slowly(&request, pause),
                Slowness::Late(pause) => {
                    if connection.hears_something_within(pause)? {
                        return connection.hear_after(Ok(()));
                    }
                    connection.ask(&request)
                }
            }
        })
    }

    /// Goes away before it could see an answer.
    ///
    /// # Errors
    /// What kept it from coming that far.
    pub fn vanish(&self, path: &str, leaves: Leaves) -> Result<(), Trouble> {
        let request = request(self.address, path, "close")?;
        let mut connection = Connection::open(self.address, Instant::now() + self.patience)?;
        match leaves {
            Leaves::AtOnce => Ok(()),
            Leaves::HalfWay => connection.send(&request[..request.len() / 2]),
            Leaves::BeforeTheAnswer => connection.send(&request),
        }
    }

    /// Only connects: what it asks, and when, is up to the caller. The patience begins now.
    ///
    /// # Errors
    /// What kept it from coming that far.
    pub fn connect(&self) -> Result<Connection, Trouble> {
        Connection::open(self.address, Instant::now() + self.patience)
    }

    fn see(&self, visit: impl FnOnce(Instant) -> Result<Answer, Trouble>) -> Seen {
        let start = Instant::now();
        // Patience for centuries is as good as for a year, and does not overflow the clock.
        let patience = self.patience.min(Duration::from_secs(365 * 24 * 3600));
        let result = visit(start + patience);
        Seen { result, latency: start.elapsed() }
    }
}

/// A visitor who has come, and asks for this and that on one connection (keep-alive).
#[derive(Debug)]
pub struct Stay {
    visitor: Visitor,
    connection: Connection,
    open: bool,
}

impl Stay {
    /// One request. After the first trouble, and after an answer with which the server closes, it is [`Trouble::ClosedEarly`].
    pub fn ask(&mut self, path: &str) -> Seen {
        let Stay { visitor, connection, open } = self;
        let seen = visitor.see(|deadline| {
            let request = request(visitor.address, path, "keep-alive")?;
            if !*open {
                return Err(Trouble::ClosedEarly);
            }
            connection.extend(deadline);
            connection.ask(&request)
        });
        *open &= stays(&seen) || matches!(seen.result, Err(Trouble::NotAPath(_)));
        seen
    }
}

fn stays(seen: &Seen) -> bool {
    seen.result.as_ref().is_ok_and(|answer| answer.keep_alive)
}

/// The bytes of a request. The path is checked, so that no second request hides in it.
fn request(address: SocketAddr, path: &str, connection: &str) -> Result<Vec<u8>, Trouble> {
    if !path.starts_with('/') || !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Trouble::NotAPath(path.to_owned()));
    }
    let text =
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: {connection}\r\n\r\n");
    Ok(text.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visitors_stay_on_this_machine() {
        for here in ["127.0.0.1:80", "127.9.9.9:80", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
            assert!(Visitor::new(here).is_ok(), "{here}");
        }
        for elsewhere in ["0.0.0.0:80", "192.0.2.1:80", "[2001:db8::1]:80"] {
            let refused = Visitor::new(elsewhere).unwrap_err();
            assert_eq!(refused, Trouble::NotLoopback(elsewhere.parse().unwrap()));
            assert!(format!("{refused:#}").lines().count() == 2);
        }
        assert!(matches!(Visitor::new("no port"), Err(Trouble::System(_))));
    }

    #[test]
    fn no_second_request_hides_in_a_path() {
        let visitor = Visitor::new("127.0.0.1:1").unwrap();
        for bad in ["", "x", "/a b", "/\r\nX: y", "/\0", "/ä"] {
            assert_eq!(visitor.visit(bad).result, Err(Trouble::NotAPath(bad.to_owned())));
        }
    }
}
