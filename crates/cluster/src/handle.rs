//! A socket that travels with a message.

use std::fmt;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};

use rustix::net::{AddressFamily, SocketType, sockopt};

/// What kind of socket a [`Handle`] is, as the kernel says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HandleKind {
    /// A connected TCP or Unix stream; Node's `net.Socket`.
    Stream,
    /// A bound or listening TCP or Unix stream socket; Node's `net.Server`.
    Listener,
    /// A UDP socket; Node's `dgram.Socket`.
    Datagram,
}

/// A socket that travels with a message (`SCM_RIGHTS`, unix(7)): the receiver gets a descriptor of
/// the same open socket.
///
/// Made `from` the standard library's sockets, and turned back into one on the other side. Only
/// sockets can travel: Node aborts when it is sent anything else.
pub struct Handle {
    fd: OwnedFd,
    kind: HandleKind,
}

impl Handle {
    /// A handle from any socket.
    ///
    /// # Errors
    /// Gives the descriptor back when it is not a stream or UDP socket.
    pub fn new(fd: OwnedFd) -> Result<Handle, OwnedFd> {
        match kind_of(fd.as_fd()) {
            Some(kind) => Ok(Handle { fd, kind }),
            None => Err(fd),
        }
    }

    /// What kind of socket it is.
    pub fn kind(&self) -> HandleKind {
        self.kind
    }

    /// The connection, in blocking mode.
    ///
    /// # Errors
    /// Gives the handle back when it is not a TCP stream.
    pub fn into_tcp_stream(self) -> Result<TcpStream, Handle> {
        self.into_blocking(HandleKind::Stream, true)
    }

    /// The connection, in blocking mode.
    ///
    /// # Errors
    /// Gives the handle back when it is not a Unix stream.
    pub fn into_unix_stream(self) -> Result<UnixStream, Handle> {
        self.into_blocking(HandleKind::Stream, false)
    }

    /// The listener. Whether it blocks is shared with everybody who holds it (`O_NONBLOCK` belongs
    /// to the socket), so nothing is changed here.
    ///
    /// # Errors
    /// Gives the handle back when it is not a TCP listener.
    pub fn into_tcp_listener(self) -> Result<TcpListener, Handle> {
        self.into(HandleKind::Listener, true)
    }

    /// The listener, as [`Handle::into_tcp_listener`].
    ///
    /// # Errors
    /// Gives the handle back when it is not a Unix listener.
    pub fn into_unix_listener(self) -> Result<UnixListener, Handle> {
        self.into(HandleKind::Listener, false)
    }

    /// The UDP socket; whether it blocks is shared, as with a listener.
    ///
    /// # Errors
    /// Gives the handle back when it is not a UDP socket.
    pub fn into_udp_socket(self) -> Result<UdpSocket, Handle> {
        self.into(HandleKind::Datagram, true)
    }

    /// The bare descriptor.
    pub fn into_fd(self) -> OwnedFd {
        self.fd
    }

    fn into<T: From<OwnedFd>>(self, kind: HandleKind, internet: bool) -> Result<T, Handle> {
        if self.kind == kind && is_internet(self.fd.as_fd()) == internet {
            Ok(T::from(self.fd))
        } else {
            Err(self)
        }
    }

    /// Node sends connections in non-blocking mode; the standard library's streams expect the other
    /// one. The sender closes its copy, so nobody else is disturbed.
    fn into_blocking<T: From<OwnedFd>>(
        self,
        kind: HandleKind,
        internet: bool,
    ) -> Result<T, Handle> {
        if self.kind != kind || is_internet(self.fd.as_fd()) != internet {
            return Err(self); // as it is: others may share it
        }
        if rustix::io::ioctl_fionbio(&self.fd, false).is_err() {
            return Err(self);
        }
        self.into(kind, internet)
    }

    /// The wrapper that Node puts around a message with a handle: its start, up to the message
    /// itself, and its end.
    pub(crate) fn wrapper(&self) -> (&'static str, &'static str) {
        match self.kind {
            HandleKind::Stream => (r#"{"cmd":"NODE_HANDLE","type":"net.Socket","msg":"#, "}\n"),
            HandleKind::Listener => (r#"{"cmd":"NODE_HANDLE","type":"net.Server","msg":"#, "}\n"),
            HandleKind::Datagram => (
                r#"{"cmd":"NODE_HANDLE","type":"dgram.Socket","msg":"#,
                if sockopt::socket_domain(&self.fd) == Ok(AddressFamily::INET6) {
                    ",\"dgramType\":\"udp6\"}\n"
                } else {
                    ",\"dgramType\":\"udp4\"}\n"
                },
            ),
        }
    }

    /// Makes it ready to travel: Node expects connections in non-blocking mode and cannot change
    /// that after it received one.
    pub(crate) fn into_traveller(self) -> rustix::io::Result<OwnedFd> {
        if self.kind == HandleKind::Stream {
            rustix::io::ioctl_fionbio(&self.fd, true)?;
        }
        Ok(self.fd)
    }
}

impl AsFd for Handle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({:?})", self.kind)
    }
}

macro_rules! handle_from {
    ($($socket:ty => $kind:ident),* $(,)?) => {$(
        impl From<$socket> for Handle {
            fn from(socket: $socket) -> Handle {
                Handle { fd: socket.into(), kind: HandleKind::$kind }
            }
        }
    )*};
}

handle_from! {
    TcpStream => Stream,
    UnixStream => Stream,
    TcpListener => Listener,
    UnixListener => Listener,
    UdpSocket => Datagram,
}

fn kind_of(fd: BorrowedFd<'_>) -> Option<HandleKind> {
    match sockopt::socket_type(fd).ok()? {
        SocketType::DGRAM if is_internet(fd) => Some(HandleKind::Datagram),
        SocketType::STREAM if is_connected(fd) => Some(HandleKind::Stream),
        SocketType::STREAM => Some(HandleKind::Listener),
        _ => None,
    }
}

/// A stream whose peer has gone still counts: it was connected, and may hold data to read.
fn is_connected(fd: BorrowedFd<'_>) -> bool {
    match sockopt::socket_acceptconn(fd) {
        Ok(true) => false,
        _ => rustix::net::getpeername(fd).is_ok() || !is_unconnected(fd),
    }
}

fn is_unconnected(fd: BorrowedFd<'_>) -> bool {
    // ENOTCONN on a fresh socket; a shut down connection reads as end of file.
    let mut byte = [0u8; 1];
    let flags = rustix::net::RecvFlags::PEEK | rustix::net::RecvFlags::DONTWAIT;
    matches!(
        rustix::net::recv(fd, &mut byte, flags),
        Err(rustix::io::Errno::NOTCONN | rustix::io::Errno::INVAL)
    )
}

fn is_internet(fd: BorrowedFd<'_>) -> bool {
    matches!(sockopt::socket_domain(fd), Ok(AddressFamily::INET | AddressFamily::INET6))
}
