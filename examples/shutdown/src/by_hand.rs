//! The same story on bare system calls: fork(2), a pipe that says the end,
//! ctrlc for the signal, and poll(2) to wait for all of it.

mod wait;
mod worker;

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsRawFd;
use std::process;

use narrator::{Outcome, Story};
use nix::sys::signal::{SigHandler, Signal, kill, raise, signal};
use nix::sys::socket::{Shutdown, shutdown};
use nix::unistd::{ForkResult, Pid, fork, getpid};
use os_pipe::{PipeReader, PipeWriter, pipe};
use visitors::{Answer, Connection, Trouble, Visitor};

use crate::timeline::{HALF_A_REQUEST, IDLE, NOTHING, REQUEST, Timeline};
use crate::visits::{ASK, HALVES, WORK};
use crate::{Args, lost};

/// A worker, as the primary holds it.
struct Child {
    name: String,
    pid: Pid,
    /// One byte for each piece of news; its end is the worker's end.
    news: PipeReader,
    begun: usize,
    answered: usize,
}

struct Play {
    story: Story,
    timeline: Timeline,
    stubborn: bool,
    listener: TcpListener,
    the_end: PipeReader,
    /// Nothing is ever written. It is closed when the end has come.
    until_then: Option<PipeWriter>,
    children: Vec<Child>,
    visitors: Vec<Connection>,
    /// The signal that was sent to all who were still there.
    pushed: Option<Signal>,
    killed: Vec<String>,
    warned: Vec<String>,
    died: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let story = Story::by_hand(&args.telling)?;
    let listener = TcpListener::bind("127.0.0.1:0")?; // before fork: for all
    let address = listener.local_addr()?;
    let (the_end, until_then) = pipe()?;
    let mut play = Play {
        story,
        timeline: Timeline::begin(),
        stubborn: args.stubborn,
        listener,
        the_end,
        until_then: Some(until_then),
        children: Vec::new(),
        visitors: Vec::new(),
        pushed: None,
        killed: Vec::new(),
        warned: Vec::new(),
        died: Vec::new(),
    };
    play.visitors_come(address)?;
    play.press_ctrl_c()?;
    play.stop()?;
    play.visitors_see_the_end(address)?;
    play.wait_for_workers(args.grace())?;
    play.story.show(play.timeline.picture());
    Ok(())
}

impl Play {
    fn fork(&mut self, number: u32) -> Outcome {
        let name = format!("worker {number}");
        let (primary, (news, tell)) = (getpid(), pipe()?);
        // SAFETY: no other thread runs, whose locks the child would inherit.
        #[allow(unsafe_code)]
        match unsafe { fork()? } {
            ForkResult::Parent { child: pid } => {
                self.story.tell("primary", "forks", &name);
                let (begun, answered) = (0, 0);
                self.children.push(Child { name, pid, news, begun, answered });
                Ok(())
            }
            ForkResult::Child => {
                // While a worker holds the write end, nobody sees the end.
                self.until_then = None;
                self.children.clear();
                self.visitors.clear();
                let worked = worker::work(self, primary, number, tell);
                process::exit(worked.is_err().into()) // never back into main
            }
        }
    }

    /// Each worker serves one visitor, so the next one is the next worker's.
    fn visitors_come(&mut self, address: SocketAddr) -> Outcome {
        let visitor = Visitor::new(address)?.with_patience(worker::PATIENCE);
        for number in 1..=crate::WORKERS {
            self.fork(number)?;
            self.hear_until(worker::LISTENS)?;
            let mut connection = visitor.connect()?;
            let (request, deed, word, then) = match number {
                1 => (WORK, "asks for 300 ms of work", "asks", REQUEST),
                2 => (ASK, "asks", "asks", REQUEST),
                _ => (HALVES.0, "sends half a request", "half", HALF_A_REQUEST),
            };
            connection.send(request)?;
            self.tell_of(number, deed, word, then);
            self.hear_until(worker::BEGINS)?;
            if number == 2 {
                is_answer(connection.hear()?, 2)?;
                self.tell_of(2, "sees 200, and stays connected", "200", IDLE);
            }
            self.visitors.push(connection);
        }
        Ok(())
    }

    fn press_ctrl_c(&mut self) -> Outcome {
        let (signals, mut tell) = pipe()?;
        let mut first = true;
        // ANCHOR: ctrlc
        ctrlc::set_handler(move || match std::mem::take(&mut first) {
            true => drop(tell.write_all(b"!")), // the loop does the rest
            false => die_of_it(),
        })?;
        // ANCHOR_END: ctrlc
        let to = "SIGINT to all, as Ctrl-C does";
        self.story.tell("primary", "sends", to);
        for child in &self.children {
            kill(child.pid, Signal::SIGINT)?;
        }
        kill(getpid(), Signal::SIGINT)?;
        while !self.wait(Some(&signals), worker::PATIENCE)? {}
        Ok(())
    }

    fn stop(&mut self) -> Outcome {
        self.timeline.note("primary", "SIGINT", NOTHING);
        self.story.tell("primary", "gets SIGINT,", "and begins to stop");
        // ANCHOR: stop
        // The door: from now on accept(2) fails, in each process that has it.
        // Who waits in its queue is reset; in this story nobody does.
        shutdown(self.listener.as_raw_fd(), Shutdown::Read)?;
        self.until_then = None; // closed: everybody sees the end
        // ANCHOR_END: stop
        Ok(())
    }

    fn visitors_see_the_end(&mut self, address: SocketAddr) -> Outcome {
        let Err(Trouble::Refused) = Visitor::new(address)?.connect() else {
            return lost("visitor 4 was let in");
        };
        self.tell_of(4, "comes now, and is refused", "refused", NOTHING);
        let Err(Trouble::ClosedEarly) = self.visitors[1].hear() else {
            return lost("visitor 2 was not disconnected");
        };
        self.tell_of(2, "sees its idle connection end", "closed", NOTHING);
        self.visitors[2].send(HALVES.1)?;
        self.tell_of(3, "sends the other half", "rest", REQUEST);
        for number in [3, 1] {
            let heard = self.visitors[number as usize - 1].hear()?;
            is_answer(heard, number)?;
            self.tell_of(number, "sees 200", "200", NOTHING);
        }
        Ok(())
    }

    fn tell_of(
        &mut self,
        number: u32,
        deed: &str,
        word: &'static str,
        then: char,
    ) {
        let visitor = format!("visitor {number}");
        self.timeline.note(&visitor, word, then);
        self.story.tell(visitor, deed, "");
    }
}

fn is_answer(heard: Answer, number: u32) -> Outcome {
    match (heard.is_success(), heard.worker()) {
        (true, Some(worker)) if worker == number => Ok(()),
        _ => lost(format!("visitor {number} saw {heard:?}")),
    }
}

/// A second Ctrl-C ends at once, and by that signal.
fn die_of_it() {
    // SAFETY: the default action runs no code of ours.
    #[allow(unsafe_code)]
    let _ = unsafe { signal(Signal::SIGINT, SigHandler::SigDfl) };
    let _ = raise(Signal::SIGINT);
    process::exit(130) // process 1 of a container has no default actions
}
