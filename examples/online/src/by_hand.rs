//! The same story on bare system calls: a pipe on which a worker says that
//! it is up, and whose end says that it is gone.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process;

use host::Ends;
use narrator::{Failure, Outcome, Story, Telling};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork, getpid, getppid};
use os_pipe::{PipeReader, PipeWriter, pipe};

/// A worker, as the primary holds it.
struct Child {
    name: String,
    pid: Pid,
    /// What the worker says: one byte for each step.
    news: PipeReader,
    /// Never written to: closing it asks the worker to leave.
    leash: Option<PipeWriter>,
}

/// The bytes that a worker writes.
const ONLINE: u8 = b'O';
const LISTENING: u8 = b'L';

pub(crate) fn run(telling: &Telling) -> Outcome {
    let story = Story::by_hand(telling)?;
    // One socket, bound before the workers are there: each of them gets a copy
    // of the descriptor, and all copies mean the same socket.
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut children = Vec::new();
    for number in 1..=2 {
        start(number, &listener, &mut children)?;
        tell(&story, "primary", &format!("forks worker {number}"), "none");
    }
    let port = listener.local_addr()?.port();
    for child in &mut children {
        child.expect(ONLINE)?;
        tell(&story, &child.name, "is online", "online");
        child.expect(LISTENING)?;
        let listens = format!("listens on port {port}");
        tell(&story, &child.name, &listens, "listening");
    }
    let mut ends = Ends::default();
    for child in &mut children {
        let disconnects = format!("disconnects {}", child.name);
        tell(&story, "primary", &disconnects, "listening");
        child.leash = None;
        if child.news.read(&mut [0])? != 0 {
            return Err(child.odd()); // end of file was expected
        }
        tell(&story, &child.name, "is disconnected", "disconnected");
        let exit = host::ended(waitpid(child.pid, None)?);
        let end = format!("{exit}, {}", host::why(exit, true));
        tell(&story, &child.name, &end, "dead");
        ends.note(&child.name, exit, true);
    }
    Ok(ends.outcome()?)
}

fn start(
    number: u32,
    listener: &TcpListener,
    children: &mut Vec<Child>,
) -> Outcome {
    let (news, mut say) = pipe()?;
    let (mut held, leash) = pipe()?;
    let primary = getpid();
    // SAFETY: no other thread runs yet, whose locks the child would inherit.
    #[allow(unsafe_code)]
    match unsafe { fork()? } {
        ForkResult::Parent { child: pid } => {
            let name = format!("worker {number}");
            children.push(Child { name, pid, news, leash: Some(leash) });
            Ok(())
        }
        ForkResult::Child => {
            // The primary's ends, of this worker and of those before: held
            // open here, they would keep everybody waiting for the end.
            // ANCHOR: copies
            drop((news, leash));
            children.clear();
            // ANCHOR_END: copies
            let lived = follow(primary)
                .and_then(|()| live(listener, &mut say, &mut held));
            process::exit(lived.is_err().into()) // never back into main
        }
    }
}

/// Whatever happens to the primary, this process follows it, even one that is
/// stopped (SIGSTOP) and reads no end of any pipe.
fn follow(primary: Pid) -> Outcome {
    set_pdeathsig(Signal::SIGKILL)?;
    match getppid() == primary {
        true => Ok(()),
        false => Err("the primary died before that".into()),
    }
}

fn live(
    listener: &TcpListener,
    say: &mut PipeWriter,
    held: &mut PipeReader,
) -> Outcome {
    // ANCHOR: live
    say.write_all(&[ONLINE])?;
    listener.local_addr()?; // here a server would begin to accept
    say.write_all(&[LISTENING])?;
    held.read_to_end(&mut Vec::new())?; // until the primary lets go
    // ANCHOR_END: live
    Ok(())
}

impl Child {
    fn expect(&mut self, step: u8) -> Outcome {
        let mut byte = [0];
        self.news.read_exact(&mut byte).map_err(|_| self.odd())?;
        if byte == [step] { Ok(()) } else { Err(self.odd()) }
    }

    fn odd(&self) -> Box<dyn std::error::Error> {
        let what = format!("{} did not do what was expected", self.name);
        Failure::new(what, "Run the lesson again.").into()
    }
}

fn tell(story: &Story, actor: &str, what: &str, state: &str) {
    story.tell(actor, format!("{what:<30}"), format!("state: {state}"));
}
