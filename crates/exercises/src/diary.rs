//! A diary that all workers of a judged run write in, so that a judge sees what happened, and in which order.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use cluster::{Primary, Settings};

/// Names the diary, in the environment of workers.
const DIARY: &str = "EXERCISE_DIARY";

/// The diary, as the primary reads it.
#[derive(Debug)]
pub struct Diary {
    socket: UnixDatagram,
}

impl Diary {
    /// Opens it for the workers that this primary forks from now on.
    ///
    /// # Errors
    /// When the system has no socket left.
    pub fn open(primary: &mut Primary) -> io::Result<Diary> {
        let name = format!("diary-{}", std::process::id());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
        socket.set_nonblocking(true)?;
        primary.setup(Settings::new().env(DIARY, name));
        Ok(Diary { socket })
    }

    /// What was written since the last time, in order.
    pub fn entries(&self) -> Vec<String> {
        let mut entry = [0; 200];
        let next = || {
            let length = self.socket.recv(&mut entry).ok()?;
            Some(String::from_utf8_lossy(&entry[..length]).into_owned())
        };
        std::iter::from_fn(next).collect()
    }

    /// Writes an entry, in a worker. Whatever the worker does after that comes after it in the diary.
    ///
    /// # Errors
    /// When the primary has no diary, or is gone.
    pub fn write(entry: &str) -> io::Result<()> {
        let name = std::env::var(DIARY).map_err(io::Error::other)?;
        let diary = SocketAddr::from_abstract_name(name)?;
        UnixDatagram::unbound()?.send_to_addr(entry.as_bytes(), &diary).map(drop)
    }
}
