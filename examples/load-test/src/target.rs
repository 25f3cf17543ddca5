//! Whom to load: `http://127.0.0.1:3000/`.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use narrator::Failure;

use crate::tally::Trouble;

type Connected = Result<TcpStream, Trouble>;

/// Whom to load, and what to ask for.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) host: String,
    pub(crate) path: String,
}

impl Target {
    pub(crate) fn local(address: SocketAddr) -> Target {
        Target { address, host: address.to_string(), path: "/".to_owned() }
    }

    pub(crate) fn parse(url: &str, mine: bool) -> Result<Target, Failure> {
        let bad = |why: &str| {
            let advice = "Write it like http://127.0.0.1:3000/";
            Failure::new(format!("cannot load {url}: {why}"), advice)
        };
        let rest = match url.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some(_) => return Err(bad("it is not http")),
            None => url,
        };
        let (host, path) = match rest.find(['/', '?']) {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        let path = path.split('#').next().unwrap_or("/");
        let slash = if path.starts_with('/') { "" } else { "/" };
        let path = format!("{slash}{path}");
        let visible = |text: &str| text.bytes().all(|it| it.is_ascii_graphic());
        if host.is_empty() || !visible(host) || !visible(&path) {
            return Err(bad("it is no address"));
        }
        let port = host.rsplit_once(':').is_some_and(|(_, port)| {
            !port.is_empty() && port.bytes().all(|it| it.is_ascii_digit())
        });
        let named = if port { host.to_owned() } else { format!("{host}:80") };
        let found = named.to_socket_addrs();
        let mut found = found.map_err(|error| bad(&error.to_string()))?;
        let address = found.next().ok_or_else(|| bad("it has no address"))?;
        if !mine && !address.ip().to_canonical().is_loopback() {
            return Err(Failure::new(
                format!("{} is not this machine", address.ip()),
                "Load your own machine, or say --host-is-mine if you may.",
            ));
        }
        Ok(Target { address, host: host.to_owned(), path })
    }

    /// A connection that never makes anybody wait.
    pub(crate) fn connect(&self, wait: Duration) -> Connected {
        let ready = TcpStream::connect_timeout(&self.address, wait);
        let ready = ready.and_then(|stream| {
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            Ok(stream)
        });
        ready.map_err(|error| match error.kind() {
            ErrorKind::ConnectionRefused => Trouble::Refused,
            ErrorKind::ConnectionReset => Trouble::ClosedEarly,
            ErrorKind::TimedOut => Trouble::NeverAnswered,
            _ => Trouble::System(error.raw_os_error().unwrap_or_default()),
        })
    }

    /// The bytes of a request.
    pub(crate) fn request(&self, keep_alive: bool) -> Vec<u8> {
        let Target { host, path, .. } = self;
        let close = if keep_alive { "" } else { "Connection: close\r\n" };
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{close}\r\n")
            .into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        let whole = Target::parse("http://127.0.0.1:3000/slow?ms=3#x", false);
        let whole = whole.unwrap();
        assert_eq!(whole.address, "127.0.0.1:3000".parse().unwrap());
        assert_eq!(whole.path, "/slow?ms=3");
        let short = Target::parse("[::1]", false).unwrap();
        assert_eq!((short.address.port(), &*short.path), (80, "/"));
        assert_eq!(Target::parse("127.0.0.1:1?x", false).unwrap().path, "/?x");
        for bad in ["https://127.0.0.1/", "http://", "http://127.0.0.1/a b"] {
            assert!(Target::parse(bad, false).is_err(), "{bad}");
        }
    }

    #[test]
    fn other_machines_are_left_in_peace_unless_they_are_ours() {
        for url in
            ["http://192.0.2.1/", "http://0.0.0.0:80", "[2001:db8::1]:80"]
        {
            let refused = Target::parse(url, false).unwrap_err();
            assert!(format!("{refused:#}").contains("--host-is-mine"), "{url}");
            assert!(Target::parse(url, true).is_ok(), "{url}");
        }
    }
}
