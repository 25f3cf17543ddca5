//! What travels beside a line.

use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};

use cluster::{Handle, HandleKind};
use socket2::{Domain, Socket, Type};

/// Whether this is what the script calls it.
pub fn is(what: &str, fd: &OwnedFd) -> bool {
    match Handle::new(fd.try_clone().unwrap()).map(|handle| handle.kind()) {
        Ok(HandleKind::Stream) => what.ends_with("connection"),
        Ok(HandleKind::Listener) => what == "socket",
        Ok(HandleKind::Datagram) => what == "datagrams",
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
    /// Binds a socket as this transcript asks for it, which nobody listens on yet, and says its
    /// port.
    pub fn bind(&mut self, text: &str) -> u16 {
        let (of, address) = match text {
            udp if udp.contains("\"udp4\"") => (Type::DGRAM, "127.0.0.1:0"),
            udp if udp.contains("\"udp6\"") => (Type::DGRAM, "[::1]:0"),
            _ => (Type::STREAM, "127.0.0.1:0"),
        };
        let address: SocketAddr = address.parse().unwrap();
        let socket = Socket::new(Domain::for_address(address), of, None).unwrap();
        socket.bind(&address.into()).unwrap();
        socket.set_nonblocking(true).unwrap();
        let port = port_of(&socket);
        self.bound = Some(socket.into());
        port
    }

    pub fn give(&self, what: &str, clients: &mut Vec<OwnedFd>) -> Option<OwnedFd> {
        match what {
            "socket" | "datagrams" if self.bound.is_some() => {
                Some(self.bound.as_ref()?.try_clone().unwrap())
            }
            "socket" => Some(TcpListener::bind("127.0.0.1:0").unwrap().into()),
            "datagrams" => Some(UdpSocket::bind("127.0.0.1:0").unwrap().into()),
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
