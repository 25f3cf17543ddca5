//! Where something listens.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::wire::Received;

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
    /// UDP on one address of this machine, or on all of them.
    Udp(SocketAddr),
    /// A listening socket that the primary has open under this number.
    PrimaryFd(i32),
    /// A UDP socket that the primary has open under this number.
    PrimaryUdpFd(i32),
}

impl Address {
    /// The port, if it has one.
    pub fn port(&self) -> Option<u16> {
        match self {
            Address::Tcp(address) | Address::Udp(address) => Some(address.port()),
            Address::AnyTcp(port) => Some(*port),
            Address::Unix(_) | Address::PrimaryFd(_) | Address::PrimaryUdpFd(_) => None,
        }
    }

    pub(crate) fn with_port(self, port: u16) -> Address {
        match self {
            Address::Tcp(address) => Address::Tcp(SocketAddr::new(address.ip(), port)),
            Address::AnyTcp(_) => Address::AnyTcp(port),
            Address::Udp(address) => Address::Udp(SocketAddr::new(address.ip(), port)),
            other => other,
        }
    }

    /// The same place for datagrams.
    pub(crate) fn over_udp(self) -> Address {
        match self {
            Address::Tcp(address) => Address::Udp(address),
            Address::AnyTcp(port) => Address::Udp((Ipv4Addr::UNSPECIFIED, port).into()),
            Address::PrimaryFd(number) => Address::PrimaryUdpFd(number),
            other => other,
        }
    }

    /// Node's `address`, `port` and `addressType`. Every address at once counts as 4, and a Unix
    /// socket as -1.
    pub(crate) fn to_fields(&self) -> (Value, Value, Value) {
        let ip = |address: &SocketAddr| json!(address.ip().to_string());
        match self {
            Address::Tcp(address) => {
                (ip(address), json!(address.port()), json!(if address.is_ipv6() { 6 } else { 4 }))
            }
            Address::AnyTcp(port) => (Value::Null, json!(port), json!(4)),
            Address::Unix(path) => (json!(path.display().to_string()), json!(-1), json!(-1)),
            Address::Udp(address) => {
                let kind = if address.is_ipv6() { "udp6" } else { "udp4" };
                (ip(address), json!(address.port()), json!(kind))
            }
            Address::PrimaryFd(_) => (Value::Null, Value::Null, Value::Null),
            // Whether it is of IPv6 is the socket's own business: nobody looks at the 4.
            Address::PrimaryUdpFd(_) => (Value::Null, Value::Null, json!("udp4")),
        }
    }

    /// From the fields of a worker's message. `None`: not an address that we know.
    pub(crate) fn from_fields(message: &Received) -> Option<Address> {
        let ip = || message.text("address")?.parse::<IpAddr>().ok();
        let port = || u16::try_from(message.number("port")?).ok();
        let place = || Some(SocketAddr::new(ip()?, port()?));
        match (message.get("addressType")?, message.get("address")) {
            (Value::Null, _) => Some(Address::PrimaryFd(message.number("fd")?.try_into().ok()?)),
            (Value::String(kind), address) if kind == "udp4" || kind == "udp6" => match address {
                None | Some(Value::Null) => {
                    Some(Address::PrimaryUdpFd(message.number("fd")?.try_into().ok()?))
                }
                Some(_) => place().map(Address::Udp),
            },
            (Value::Number(_), None | Some(Value::Null)) => port().map(Address::AnyTcp),
            (Value::Number(kind), Some(Value::String(path))) if kind.as_i64() == Some(-1) => {
                Some(Address::Unix(path.into()))
            }
            (Value::Number(_), _) => place().map(Address::Tcp),
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
            Address::Udp(address) => write!(f, "UDP {address}"),
            Address::PrimaryFd(number) | Address::PrimaryUdpFd(number) => {
                write!(f, "descriptor {number} of the primary")
            }
        }
    }
}
