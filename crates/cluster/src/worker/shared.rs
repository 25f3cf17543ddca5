//! Taking from a socket that other workers take from, too, without ever waiting for it.

use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{RecvFlags, SocketFlags, accept_with, recvfrom};

/// What came of it.
#[derive(Debug, PartialEq)]
pub(super) enum Got<T> {
    One(T),
    /// Another worker was faster, or whoever came is gone again. The next wait says when there is
    /// more.
    Nothing,
    /// Something is there that cannot be taken now. A wait would return at once, and this would
    /// turn in circles.
    Later,
}

/// One connection.
pub(super) fn accept(socket: impl AsFd) -> Got<OwnedFd> {
    match accept_with(socket, SocketFlags::CLOEXEC) {
        Ok(connection) => Got::One(connection),
        Err(errno) => failed(errno),
    }
}

/// One datagram: its length, and who sent it. `None`: a sender whose address is none of the
/// internet's.
pub(super) fn receive(socket: impl AsFd, buffer: &mut [u8]) -> Got<(usize, Option<SocketAddr>)> {
    match recvfrom(socket, buffer, RecvFlags::DONTWAIT) {
        Ok((count, _, from)) => {
            Got::One((count, from.and_then(|from| SocketAddr::try_from(from).ok())))
        }
        Err(errno) => failed(errno),
    }
}

fn failed<T>(errno: Errno) -> Got<T> {
    match errno {
        Errno::AGAIN | Errno::INTR => Got::Nothing,
        // It is over for that client; accept(2) tells the network's errors of a connection that is
        // gone. recv(2): an earlier datagram of ours found nobody. Each is told once.
        Errno::CONNABORTED
        | Errno::CONNRESET
        | Errno::CONNREFUSED
        | Errno::PROTO
        | Errno::NOPROTOOPT
        | Errno::NETDOWN
        | Errno::NETUNREACH
        | Errno::HOSTDOWN
        | Errno::HOSTUNREACH
        | Errno::NONET => Got::Nothing,
        // No descriptor (EMFILE, ENFILE) or no memory (ENOBUFS, ENOMEM); nobody listens just now
        // (EINVAL, after shutdown(2)); forbidden (EPERM). None of these is a reason to end a worker
        // that has other work.
        _ => Got::Later,
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, UdpSocket};

    use super::*;

    #[test]
    fn no_error_of_the_system_is_an_error_of_the_program() {
        for errno in [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM, Errno::INVAL] {
            assert_eq!(failed::<()>(errno), Got::Later, "{errno}");
        }
        for errno in [Errno::AGAIN, Errno::CONNABORTED, Errno::NETDOWN, Errno::CONNREFUSED] {
            assert_eq!(failed::<()>(errno), Got::Nothing, "{errno}");
        }
    }

    #[test]
    fn a_socket_that_nobody_listens_on_any_more_is_for_later() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        assert!(matches!(accept(&listener), Got::Nothing));
        rustix::net::shutdown(&listener, rustix::net::Shutdown::Read).unwrap();
        assert!(matches!(accept(&listener), Got::Later));
    }

    #[test]
    fn a_datagram_says_who_sent_it() {
        let [one, two] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
        let mut buffer = [0; 8];
        assert_eq!(receive(&two, &mut buffer), Got::Nothing);
        one.send_to(b"abc", two.local_addr().unwrap()).unwrap();
        assert_eq!(receive(&two, &mut buffer), Got::One((3, one.local_addr().ok())));
    }
}
