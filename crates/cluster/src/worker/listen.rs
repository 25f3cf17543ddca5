//! What a worker wants to listen on.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

use crate::bind::Options;
use crate::{Address, Error};

/// What a worker wants to listen on, and how.
///
/// Most often made from text, as in `me.listen("127.0.0.1:3000")`.
///
/// ```
/// use cluster::Listen;
/// let a = Listen::from("localhost:3000");
/// let b = Listen::any(3000).backlog(4096); // every address of this machine
/// let c = Listen::unix("/run/app.sock");
/// ```
#[derive(Clone, Debug)]
pub struct Listen {
    wanted: Wanted,
    pub(super) backlog: Option<u32>,
    pub(super) blocking: bool,
    options: Options,
    pub(super) exclusive: bool,
}

#[derive(Clone, Debug)]
enum Wanted {
    /// `host:port`, to be looked up.
    Text(String),
    Address(Address),
}

impl Listen {
    fn new(wanted: Wanted) -> Listen {
        Listen {
            wanted,
            backlog: None,
            blocking: false,
            options: Options::default(),
            exclusive: false,
        }
    }

    /// On this port of every address, IPv6 and IPv4; Node's `listen(port)`. Port 0: any free one,
    /// the same for all workers.
    pub fn any(port: u16) -> Listen {
        Listen::new(Wanted::Address(Address::AnyTcp(port)))
    }

    /// On a Unix socket at this path; Node's `listen(path)`.
    pub fn unix(path: impl Into<PathBuf>) -> Listen {
        Listen::new(Wanted::Address(Address::Unix(path.into())))
    }

    /// On a socket that the primary has open under this number; Node's `listen({ fd })`.
    pub fn primary_fd(number: i32) -> Listen {
        Listen::new(Wanted::Address(Address::PrimaryFd(number)))
    }

    /// For this worker alone: it binds itself, and the primary does not know; Node's `exclusive`.
    pub fn exclusive(mut self) -> Listen {
        self.exclusive = true;
        self
    }

    /// For this worker alone, and others that say so too may bind the same port: the kernel deals
    /// out what comes, and the primary does not know; Node's `reusePort`. See `SO_REUSEPORT` in
    /// socket(7).
    pub fn reuse_port(mut self) -> Listen {
        self.options.reuse_port = true;
        self.exclusive()
    }

    /// UDP: other sockets may bind the same port; Node's `reuseAddr`.
    pub fn reuse_address(mut self) -> Listen {
        self.options.reuse_address = true;
        self
    }

    /// A Unix path that every user may read; Node's `readableAll`.
    pub fn readable_all(mut self) -> Listen {
        self.options.readable_all = true;
        self
    }

    /// A Unix path that every user may write to, which connecting needs; Node's `writableAll`.
    pub fn writable_all(mut self) -> Listen {
        self.options.writable_all = true;
        self
    }

    /// How many connections the kernel may hold that nobody has accepted; 511 if never set, or 0,
    /// as Node. The worker that asks first decides; on a shared socket the one that listened last.
    /// See listen(2); Linux allows at most `net.core.somaxconn`.
    pub fn backlog(mut self, connections: u32) -> Listen {
        self.backlog = Some(connections);
        self
    }

    /// Under [`SchedulingPolicy::Shared`](crate::SchedulingPolicy::Shared): the socket in blocking
    /// mode, for [`into_std`](super::Listener::into_std). The mode belongs to the socket, so to all
    /// workers: the first one decides, and one that wants the other mode gets [`Error::Blocking`].
    pub fn blocking(mut self) -> Listen {
        self.blocking = true;
        self
    }

    /// On an IPv6 address: IPv6 only, not IPv4 as well; Node's `ipv6Only`.
    pub fn only_v6(mut self) -> Listen {
        self.options.only_v6 = true;
        self
    }

    pub(super) fn options(&self) -> Options {
        self.options
    }

    /// The address as the primary needs it: numbers, and an absolute path.
    pub(super) fn resolve(&self) -> Result<Address, Error> {
        let failed = |address: String| move |source| Error::Listen { address, source };
        match &self.wanted {
            Wanted::Text(text) => {
                let mut found = text.to_socket_addrs().map_err(failed(text.clone()))?;
                let nothing = || std::io::Error::other("the name has no address");
                found.next().map(Address::Tcp).ok_or_else(nothing).map_err(failed(text.clone()))
            }
            Wanted::Address(Address::Unix(path)) => std::path::absolute(path)
                .map(Address::Unix)
                .map_err(failed(path.display().to_string())),
            Wanted::Address(address) => Ok(address.clone()),
        }
    }
}

impl From<&str> for Listen {
    fn from(text: &str) -> Listen {
        Listen::new(Wanted::Text(text.to_owned()))
    }
}

impl From<String> for Listen {
    fn from(text: String) -> Listen {
        Listen::new(Wanted::Text(text))
    }
}

impl From<SocketAddr> for Listen {
    fn from(address: SocketAddr) -> Listen {
        Listen::new(Wanted::Address(Address::Tcp(address)))
    }
}

impl From<&Path> for Listen {
    fn from(path: &Path) -> Listen {
        Listen::unix(path)
    }
}
