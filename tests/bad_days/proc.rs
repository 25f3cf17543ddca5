//! Processes and their sockets, as /proc shows them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use nix::sys::signal::Signal;
use nix::unistd::Pid;

/// The children of this process that live, the oldest first.
pub fn children(parent: Pid) -> Vec<Pid> {
    let of_parent = |pid| Some((Stat::of(pid)?, pid)).filter(|(stat, _)| stat.parent == parent);
    let mut found: Vec<(Stat, Pid)> = all().into_iter().filter_map(of_parent).collect();
    found.retain(|(stat, _)| stat.lives());
    found.sort_by_key(|(stat, pid)| (stat.started, pid.as_raw()));
    found.into_iter().map(|(_, pid)| pid).collect()
}

/// How many children of this process have ended, and nobody has reaped them.
pub fn zombies(parent: Pid) -> usize {
    let stats = all().into_iter().filter_map(Stat::of);
    stats.filter(|stat| stat.parent == parent && stat.state == 'Z').count()
}

/// Whether it is there, and not a zombie.
pub fn lives(pid: Pid) -> bool {
    Stat::of(pid).is_some_and(|stat| stat.lives())
}

/// Whether all threads of it have been stopped by a signal.
pub fn is_stopped(pid: Pid) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return false };
    let mut states = threads.flatten().filter_map(|it| Stat::read(it.path().join("stat")));
    states.all(|stat| stat.state == 'T')
}

/// Whether it waits for something: then it has prepared what it prepares at its start.
pub fn sleeps(pid: Pid) -> bool {
    Stat::read(format!("/proc/{pid}/stat").into()).is_some_and(|stat| stat.state == 'S')
}

/// How many descriptors it has open.
pub fn open_descriptors(pid: Pid) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
}

/// Whether this signal was sent to it, and it has not taken it yet.
pub fn is_pending(pid: Pid, signal: Signal) -> bool {
    let mask = of_status(pid, "ShdPnd:").and_then(|it| u64::from_str_radix(&it, 16).ok());
    mask.is_some_and(|mask| mask & 1 << (signal as u32 - 1) != 0)
}

/// How much memory it has, in KiB (RSS).
pub fn resident(pid: Pid) -> u64 {
    let size = of_status(pid, "VmRSS:").and_then(|it| it.trim_end_matches(" kB").parse().ok());
    size.unwrap_or_default()
}

/// A line of proc_pid_status(5).
fn of_status(pid: Pid, name: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix(name)).map(|it| it.trim().to_owned())
}

/// The connections of the server on this port that the process holds: each client's port, and how
/// many bytes of it are not read.
pub fn connections(pid: Pid, server: u16) -> BTreeMap<u16, u32> {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else { return BTreeMap::new() };
    let target = |it: fs::DirEntry| Some(fs::read_link(it.path()).ok()?.display().to_string());
    let held: BTreeSet<String> = descriptors.flatten().filter_map(target).collect();
    // A server on `::` has its IPv4 clients in the second one.
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let tables = tables.map(|path| fs::read_to_string(path).unwrap_or_default());
    let client = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [local, remote, inode] = [words.get(1)?, words.get(2)?, words.get(9)?];
        let held = port(local)? == server && held.contains(&format!("socket:[{inode}]"));
        let unread = u32::from_str_radix(words.get(4)?.split(':').nth(1)?, 16).ok()?;
        Some((port(remote)?, unread)).filter(|(client, _)| held && *client != 0)
    };
    tables.iter().flat_map(|table| table.lines()).filter_map(client).collect()
}

/// Which of these processes holds the connection of this client to the server on this port, and has
/// read all that came.
pub fn reader(of: &[Pid], server: u16, client: u16) -> Option<Pid> {
    let inode = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [local, remote, inode] = [words.get(1)?, words.get(2)?, words.get(9)?];
        let unread = u32::from_str_radix(words.get(4)?.split(':').nth(1)?, 16).ok()?;
        let found = port(local)? == server && port(remote)? == client && unread == 0;
        (found && *inode != "0").then(|| format!("socket:[{inode}]"))
    };
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let socket = tables
        .iter()
        .find_map(|path| fs::read_to_string(path).unwrap_or_default().lines().find_map(inode))?;
    let holds = |pid: &Pid| {
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        let mut links = descriptors.filter_map(|it| fs::read_link(it.path()).ok());
        links.any(|link| link.as_os_str() == socket.as_str())
    };
    of.iter().copied().find(holds)
}

/// The number of a worker, as it found it in its environment.
pub fn worker_number(pid: Pid) -> Option<String> {
    let variables = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let text = String::from_utf8_lossy(&variables).into_owned();
    text.split('\0').find_map(|it| it.strip_prefix("NODE_UNIQUE_ID=")).map(str::to_owned)
}

/// A user that nobody is: neither a process nor a file that a test made belongs to it.
pub fn unused_uid() -> u32 {
    use std::os::unix::fs::MetadataExt;
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(61_000);
    let owner = |pid: Pid| fs::metadata(format!("/proc/{pid}")).map(|it| it.uid()).ok();
    let used: BTreeSet<u32> = all().into_iter().filter_map(owner).collect();
    loop {
        let uid = NEXT.fetch_add(1, Ordering::Relaxed);
        if !used.contains(&uid) {
            return uid;
        }
    }
}

/// The port of `0100007F:0BB8`.
fn port(address: &str) -> Option<u16> {
    u16::from_str_radix(address.split(':').nth(1)?, 16).ok()
}

fn all() -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pid = |it: fs::DirEntry| it.file_name().to_str()?.parse().ok();
    entries.flatten().filter_map(pid).map(Pid::from_raw).collect()
}

/// What proc_pid_stat(5) says.
struct Stat {
    state: char,
    parent: Pid,
    started: u64,
}

impl Stat {
    fn of(pid: Pid) -> Option<Stat> {
        Stat::read(format!("/proc/{pid}/stat").into())
    }

    fn read(path: PathBuf) -> Option<Stat> {
        let text = fs::read_to_string(path).ok()?;
        // The name of the program, which may hold anything, ends at the last bracket.
        let words: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let state = words.first()?.chars().next()?;
        let parent = Pid::from_raw(words.get(1)?.parse().ok()?);
        Some(Stat { state, parent, started: words.get(19)?.parse().ok()? })
    }

    fn lives(&self) -> bool {
        !matches!(self.state, 'Z' | 'X')
    }
}
