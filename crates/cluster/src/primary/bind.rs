//! Sockets that the primary binds for its workers.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};

use crate::Address;

/// Longer paths do not fit into a `sockaddr_un` (unix(7)).
const LONGEST_PATH: usize = 107;

/// Binds, and does not listen yet.
pub(crate) fn bind(address: &Address, only_v6: bool) -> io::Result<Socket> {
    match address {
        Address::Tcp(address) => bind_tcp(*address, only_v6),
        Address::AnyTcp(port) => {
            // As Node: both families by one socket, and IPv4 alone where the machine has no IPv6.
            let any = |ip: IpAddr| bind_tcp(SocketAddr::new(ip, *port), false);
            any(Ipv6Addr::UNSPECIFIED.into()).or_else(|error| match error.raw_os_error() {
                Some(nix::libc::EAFNOSUPPORT | nix::libc::EADDRNOTAVAIL) => {
                    any(Ipv4Addr::UNSPECIFIED.into())
                }
                _ => Err(error),
            })
        }
        Address::Unix(path) => bind_unix(path),
    }
}

fn bind_tcp(address: SocketAddr, only_v6: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(only_v6)?;
    }
    // Accepted connections inherit it: answers are not held back for the client's delayed ACK.
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn bind_unix(path: &Path) -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    let too_long = |_| io::Error::from_raw_os_error(nix::libc::ENAMETOOLONG);
    socket.bind(&SockAddr::unix(shorter(path)).map_err(too_long)?)?;
    Ok(socket)
}

/// The path, or the same place as seen from our working directory, whichever is shorter: only 107 bytes fit.
fn shorter(path: &Path) -> PathBuf {
    let length = |path: &Path| path.as_os_str().as_bytes().len();
    let relative = std::env::current_dir().ok().map(|here| relative(path, &here));
    match relative {
        Some(relative) if length(path) > LONGEST_PATH && length(&relative) < length(path) => {
            relative
        }
        _ => path.to_owned(),
    }
}

fn relative(path: &Path, here: &Path) -> PathBuf {
    let common = path.components().zip(here.components()).take_while(|(a, b)| a == b).count();
    let up = here.components().skip(common).map(|_| Path::new(".."));
    let down = path.components().skip(common).map(|component| Path::new(component.as_os_str()));
    up.chain(down).collect()
}

/// Removes the file of a Unix socket that we bound.
pub(crate) fn unlink(path: &Path) {
    // It may be gone already; then nothing is left to do.
    let _ = std::fs::remove_file(path);
}

/// One connection from the backlog. `None`: none there.
pub(crate) fn accept(listener: &Socket) -> rustix::io::Result<Option<OwnedFd>> {
    match rustix::net::accept_with(listener, rustix::net::SocketFlags::CLOEXEC) {
        Ok(connection) => Ok(Some(connection)),
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_is_bound_from_where_we_are() {
        let here = Path::new("/srv/app");
        assert_eq!(relative(Path::new("/srv/app/run/a.sock"), here), Path::new("run/a.sock"));
        assert_eq!(relative(Path::new("/srv/b.sock"), here), Path::new("../b.sock"));
        assert_eq!(relative(Path::new("/x"), here), Path::new("../../x"));
    }
}
