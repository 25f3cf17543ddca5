//! Binding sockets: the primary does it for its workers, and a worker for itself where it wants one
//! for itself.

mod stale;

use std::fs::Permissions;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::net::SocketType;
use socket2::{Domain, SockAddr, Socket, Type};

use crate::Address;
use crate::wire::Received;

/// Longer paths do not fit into a `sockaddr_un` (unix(7)).
const LONGEST_PATH: usize = 107;

/// Node's backlog, where a worker does not say, or says 0.
const BACKLOG: i32 = 511;

/// How a socket is to be bound, besides where.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    /// IPv6 alone, where both families are possible.
    pub only_v6: bool,
    /// UDP: others may bind the same port.
    pub reuse_address: bool,
    /// Others that say so too may bind the same port, and the kernel deals out what comes.
    pub reuse_port: bool,
    /// A Unix path: everybody may connect, or read.
    pub writable_all: bool,
    pub readable_all: bool,
}

impl Options {
    /// From the fields of a worker's query. Node's flags are libuv's: `UV_UDP_IPV6ONLY` 1,
    /// `UV_UDP_REUSEADDR` 4.
    pub(crate) fn from_query(query: &Received) -> Options {
        let flags = query.number("flags").unwrap_or_default();
        Options {
            only_v6: flags & 1 != 0,
            reuse_address: flags & 4 != 0,
            reuse_port: false, // whoever wants that does not ask
            writable_all: query.is_true("writableAll"),
            readable_all: query.is_true("readableAll"),
        }
    }
}

/// The backlog for listen(2), of what a worker asked for.
pub(crate) fn backlog(asked: Option<i64>) -> i32 {
    let asked = asked.filter(|&asked| asked > 0);
    asked.and_then(|asked| asked.try_into().ok()).unwrap_or(BACKLOG)
}

/// Binds, and does not listen yet.
pub(crate) fn bind(address: &Address, options: &Options) -> io::Result<Socket> {
    match address {
        Address::Tcp(address) => bind_tcp(*address, options),
        Address::AnyTcp(port) => {
            // As Node: both families by one socket, and IPv4 alone where the machine has no IPv6.
            let any = |ip: IpAddr| {
                bind_tcp(SocketAddr::new(ip, *port), &Options { only_v6: false, ..*options })
            };
            any(Ipv6Addr::UNSPECIFIED.into()).or_else(|error| match error.raw_os_error() {
                Some(nix::libc::EAFNOSUPPORT | nix::libc::EADDRNOTAVAIL) => {
                    any(Ipv4Addr::UNSPECIFIED.into())
                }
                _ => Err(error),
            })
        }
        Address::Unix(path) => bind_unix(path, options),
        Address::Udp(address) => bind_udp(*address, options),
        Address::PrimaryFd(number) => already_open(*number, SocketType::STREAM),
        Address::PrimaryUdpFd(number) => already_open(*number, SocketType::DGRAM),
    }
}

fn bind_tcp(address: SocketAddr, options: &Options) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    rustix::net::sockopt::set_socket_reuseport(&socket, options.reuse_port)?;
    if address.is_ipv6() {
        socket.set_only_v6(options.only_v6)?;
    }
    // Accepted connections inherit it: answers are not held back for the client's delayed ACK.
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn bind_udp(address: SocketAddr, options: &Options) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
    socket.set_reuse_address(options.reuse_address)?;
    rustix::net::sockopt::set_socket_reuseport(&socket, options.reuse_port)?;
    if address.is_ipv6() {
        socket.set_only_v6(options.only_v6)?;
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

fn bind_unix(path: &Path, options: &Options) -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    let too_long = |_| io::Error::from_raw_os_error(nix::libc::ENAMETOOLONG);
    let address = SockAddr::unix(shorter(path)).map_err(too_long)?;
    socket.bind(&address).or_else(|error| match error.raw_os_error() {
        Some(nix::libc::EADDRINUSE) => match stale::remove(path) {
            Some(_removed) => socket.bind(&address),
            None => Err(error),
        },
        _ => Err(error),
    })?;
    let more =
        if options.readable_all { 0o444 } else { 0 } | if options.writable_all { 0o222 } else { 0 };
    if more != 0 {
        let mode = std::fs::metadata(path)?.permissions().mode();
        std::fs::set_permissions(path, Permissions::from_mode(mode | more))?;
    }
    Ok(socket)
}

/// A copy of a socket that this process has open under that number, from whoever started it.
fn already_open(number: i32, wanted: SocketType) -> io::Result<Socket> {
    let copy = crate::sys::duplicate(number)?;
    match rustix::net::sockopt::socket_type(&copy)? {
        found if found == wanted => Ok(Socket::from(copy)),
        _ => Err(io::Error::from_raw_os_error(nix::libc::EINVAL)),
    }
}

/// The path, or the same place as seen from our working directory, whichever is shorter: only 107
/// bytes fit.
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

/// Where a socket is that somebody else has bound. `None`: neither an internet address nor a path.
pub(crate) fn address_of(socket: &OwnedFd) -> Option<Address> {
    let socket = socket2::SockRef::from(socket);
    let bound = socket.local_addr().ok()?;
    match (bound.as_socket(), bound.as_pathname()) {
        (Some(address), _) if socket.r#type().ok()? == Type::DGRAM => Some(Address::Udp(address)),
        (Some(address), _) => Some(Address::Tcp(address)),
        (None, path) => path.map(|path| Address::Unix(path.to_owned())),
    }
}

/// One connection from the backlog. `None`: none there.
pub(crate) fn accept(listener: &OwnedFd) -> rustix::io::Result<Option<OwnedFd>> {
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
