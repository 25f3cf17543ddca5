//! What travels beside a line.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};

use cluster::{Handle, HandleKind};
use socket2::{Domain, Socket, Type};

/// Whether this is what the script calls it.
pub fn is(what: &str, fd: &OwnedFd) -> bool {
    match Handle::new(fd.try_clone().unwrap()).map(|handle| handle.kind()) {
        Ok(HandleKind::Stream) => what.ends_with("connection"),
        Ok(HandleKind::Listener | HandleKind::Datagram) => what == "socket",
        Err(_) => false,
    }
}

pub fn port_of(socket: impl AsFd) -> u16 {
    let address = rustix::net::getsockname(socket).unwrap();
    SocketAddr::try_from(address).unwrap().port()
}

/// What the script's primary gives away.
#[derive(Default)]
pub struct Sockets {
    bound: Option<OwnedFd>,
}

impl Sockets {
    /// Binds a socket that nobody listens on yet, and says its port.
    pub fn bind(&mut self, datagrams: bool) -> u16 {
        let of = if datagrams { Type::DGRAM } else { Type::STREAM };
        let socket = Socket::new(Domain::IPV4, of, None).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        socket.set_nonblocking(true).unwrap();
        let port = port_of(&socket);
        self.bound = Some(socket.into());
        port
    }

    pub fn give(&self, what: &str, clients: &mut Vec<OwnedFd>) -> Option<OwnedFd> {
        match what {
            "socket" if self.bound.is_some() => Some(self.bound.as_ref()?.try_clone().unwrap()),
            "socket" => Some(TcpListener::bind("127.0.0.1:0").unwrap().into()),
            "connection" => {
                let door = TcpListener::bind("127.0.0.1:0").unwrap();
                clients.push(TcpStream::connect(door.local_addr().unwrap()).unwrap().into());
                let (connection, _) = door.accept().unwrap();
                connection.set_nonblocking(true).unwrap();
                Some(connection.into())
            }
            "lost connection" => None,
            other => panic!("{other}"),
        }
    }
}
