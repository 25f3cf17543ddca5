//! The same story on bare system calls: fork(2), two pipes for each worker,
//! and a Unix socket for what no pipe can carry.

pub mod deadlocks;
mod frames;
mod worker;

use std::io::Read;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process;

use host::Ends;
use narrator::{Outcome, Story, Telling};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork, getpid, getppid};
use os_pipe::{PipeReader, PipeWriter, pipe};

use crate::{Result, lost};

/// A worker, as the primary holds it.
struct Child {
    name: String,
    pid: Pid,
    to: PipeWriter,
    from: PipeReader,
    socket: UnixStream,
}

impl Child {
    fn say(&self, kind: u8, text: &str) -> Outcome {
        frames::write(&mut &self.to, kind, text)
    }

    /// The worker's next message, which must be of this kind.
    fn hear(&self, expected: u8) -> Result<String> {
        match frames::read(&mut &self.from)? {
            Some((kind, text)) if kind == expected => Ok(text),
            _ => lost(),
        }
    }
}

// ANCHOR: fork
fn start(number: usize, children: &mut Vec<Child>) -> Outcome {
    let (to_worker, to) = pipe()?; // the read end, the write end
    let (from, from_worker) = pipe()?;
    let (socket, workers_socket) = UnixStream::pair()?;
    let (name, primary) = (format!("worker {number}"), getpid());
    // SAFETY: no other thread runs yet, whose locks the child would inherit.
    #[allow(unsafe_code)]
    match unsafe { fork()? } {
        ForkResult::Parent { child: pid } => {
            // The worker's ends are closed here, when they go out of scope.
            children.push(Child { name, pid, to, from, socket });
            Ok(())
        }
        ForkResult::Child => {
            // fork(2) has copied every descriptor, the primary's ends too, to
            // this worker and to those before. One write end forgotten here,
            // and somebody waits for an end of file that never comes.
            drop((to, from, socket));
            children.clear();
            let result = follow(primary).and_then(|()| {
                worker::work(&name, to_worker, from_worker, workers_socket)
            });
            if let Err(error) = &result {
                eprintln!("{name}: {error}");
            }
            process::exit(result.is_err().into()) // never back into main
        }
    }
}
// ANCHOR_END: fork

/// Whatever happens to the primary, this process follows it, even one that is
/// stopped (SIGSTOP) and reads no end of any pipe.
fn follow(primary: Pid) -> Outcome {
    set_pdeathsig(Signal::SIGKILL)?;
    if getppid() == primary { Ok(()) } else { lost() } // it died before that
}

pub(crate) fn run(telling: &Telling) -> Outcome {
    let story = Story::by_hand(telling)?;
    let mut children = Vec::new();
    for number in 1..=2 {
        start(number, &mut children)?;
        story.tell("primary", "forks", format!("worker {number}"));
    }
    for child in &children {
        child.hear(b'O')?;
        story.tell(&child.name, "is online", "");
    }
    let [one, two] = &children[..] else { return lost() };

    story.tell("primary", format!("tells {}:", one.name), "hi there");
    one.say(b'S', "hi there")?;
    story.tell(&one.name, "answers:", one.hear(b'H')?);

    story.tell("primary", "tells everybody:", "good morning");
    for child in [one, two] {
        child.say(b'S', "good morning")?;
        story.tell(&child.name, "hears:", child.hear(b'H')?);
    }
    for question in ["1: 6 times 7", "2: 2 times 2"] {
        story.tell("primary", format!("asks {} question", one.name), question);
        one.say(b'M', question)?;
    }
    for _ in 0..2 {
        story.tell(&one.name, "answers question", one.hear(b'P')?);
    }
    hand_over_a_connection(&story, two)?;

    story.tell("primary", "sends 1 MiB to", &one.name);
    one.say(b'C', &"x".repeat(1024 * 1024))?;
    story.tell(&one.name, "counts", format!("{} letters", one.hear(b'C')?));

    fill_the_channel(&story, two)?;

    let mut ends = Ends::default();
    disconnect(&story, one, &mut ends)?;
    if one.say(b'S', "anybody?").is_ok() {
        return lost(); // EPIPE: no read end is open any more
    }
    story.tell("primary", "cannot reach", &one.name);
    disconnect(&story, two, &mut ends)?;
    Ok(ends.outcome()?)
}

fn hand_over_a_connection(story: &Story, to: &Child) -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut visitor = TcpStream::connect(listener.local_addr()?)?;
    let (connection, _) = listener.accept()?;
    story.tell("primary", "hands the visitor's connection to", &to.name);
    frames::send(&to.socket, &connection)?;
    drop(connection); // what is under way is a descriptor of its own
    to.say(b'G', "")?;
    to.hear(b'G')?;
    story.tell(&to.name, "greets the visitor", "");
    let mut greeting = String::new();
    visitor.read_to_string(&mut greeting)?;
    story.tell("visitor", "hears:", greeting);
    Ok(())
}

// ANCHOR: full
fn fill_the_channel(story: &Story, to: &Child) -> Outcome {
    to.say(b'N', "")?;
    to.hear(b'N')?;
    story.tell(&to.name, "takes a nap", "");
    fcntl(&to.to, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    let mut sent = 0;
    // Up to 4096 bytes (PIPE_BUF) go in whole or not at all.
    while to.say(b'#', &"x".repeat(1000)).is_ok() {
        sent += 1;
    }
    let full = format!("finds the channel to {} full", to.name);
    story.tell("primary", full, "");
    to.socket.shutdown(Shutdown::Write)?; // wakes it
    fcntl(&to.to, FcntlArg::F_SETFL(OFlag::empty()))?;
    let mut room = [PollFd::new(to.to.as_fd(), PollFlags::POLLOUT)];
    while poll(&mut room, PollTimeout::NONE) == Err(Errno::EINTR) {}
    to.say(b'L', "")?;
    if to.hear(b'R')? != sent.to_string() {
        return lost();
    }
    story.tell(&to.name, "wakes, and reads all of it in order", "");
    Ok(())
}
// ANCHOR_END: full

fn disconnect(story: &Story, child: &Child, ends: &mut Ends) -> Outcome {
    story.tell("primary", "disconnects", &child.name);
    child.say(b'D', "")?;
    let exit = host::ended(waitpid(child.pid, None)?);
    Ok(ends.tell(story, &child.name, exit, true)?)
}
