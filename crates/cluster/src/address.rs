//! Where something listens.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// Where something listens.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Address {
    /// TCP on one address of this machine.
    Tcp(SocketAddr),
    /// TCP on every address of this machine, IPv6 and IPv4; the port.
    AnyTcp(u16),
    /// A Unix socket; its path.
    Unix(PathBuf),
}

impl Address {
    /// The port, if it has one.
    pub fn port(&self) -> Option<u16> {
        match self {
            Address::Tcp(address) => Some(address.port()),
            Address::AnyTcp(port) => Some(*port),
            Address::Unix(_) => None,
        }
    }

    pub(crate) fn with_port(self, port: u16) -> Address {
        match self {
            Address::Tcp(address) => Address::Tcp(SocketAddr::new(address.ip(), port)),
            Address::AnyTcp(_) => Address::AnyTcp(port),
            Address::Unix(path) => Address::Unix(path),
        }
    }

    /// Node's `addressType`: 4, 6, or -1 for a Unix socket. Every address at once counts as 4.
    pub(crate) fn type_number(&self) -> i32 {
        match self {
            Address::Tcp(SocketAddr::V6(_)) => 6,
            Address::Tcp(SocketAddr::V4(_)) | Address::AnyTcp(_) => 4,
            Address::Unix(_) => -1,
        }
    }

    /// From the fields of a worker's message. `None`: not an address that we know.
    pub(crate) fn from_fields(
        address: Option<&str>,
        port: Option<i64>,
        address_type: Option<i64>,
    ) -> Option<Address> {
        match (address, address_type?) {
            (None, 4 | 6) => Some(Address::AnyTcp(port?.try_into().ok()?)),
            (Some(ip), 4 | 6) => {
                let ip: IpAddr = ip.parse().ok()?;
                Some(Address::Tcp(SocketAddr::new(ip, port?.try_into().ok()?)))
            }
            (Some(path), -1) => Some(Address::Unix(path.into())),
            _ => None,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(address) => write!(f, "{address}"),
            Address::AnyTcp(port) => write!(f, "port {port}"),
            Address::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}
