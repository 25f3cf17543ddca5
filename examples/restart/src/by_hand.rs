//! The same story on bare system calls: fork(2), and a loop of waitpid(2).

mod worker;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process;
use std::thread;
use std::time::{Duration, Instant};

use narrator::{Outcome, Story};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};
use os_pipe::{PipeReader, PipeWriter, pipe};

use crate::death::{Death, IN_TURN};
use crate::visitor::{self, QUESTIONS};
use crate::{Args, WORKERS};

/// A worker, as the primary holds it.
struct Child {
    name: String,
    pid: Pid,
    /// One byte for each order. Closing it asks the worker to leave.
    orders: Option<PipeWriter>,
    stderr: PipeReader,
}

struct Play {
    story: Story,
    listener: TcpListener,
    children: Vec<Child>,
    /// The number of the last worker.
    last: u32,
    /// How many have died unasked.
    deaths: u32,
}

pub(crate) fn run(args: &Args) -> Outcome {
    // Bound here, once: it outlives every worker.
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    listener.set_nonblocking(true)?; // for all copies: see worker.rs
    let story = Story::by_hand(&args.telling)?;
    let (children, last, deaths) = (Vec::new(), 0, 0);
    let mut play = Play { story, listener, children, last, deaths };
    for _ in 0..WORKERS {
        play.fork()?;
    }
    play.story.tell("visitor", "begins to ask", "");
    let mut answered = ask(address);
    let mut asked = QUESTIONS;
    for death in IN_TURN.into_iter().cycle().take(args.kill.into()) {
        // The youngest: after the first death, the last replacement.
        let Some(victim) = play.children.last_mut() else { break };
        play.story.tell("primary", death.order_to(&victim.name), "");
        victim.send(death)?;
        play.reap()?;
        let delay = play.back_off();
        let due = Instant::now() + delay;
        answered += ask(address); // while somebody is missing
        // To wait is what a back-off is for.
        thread::sleep(due.saturating_duration_since(Instant::now()));
        play.fork()?;
        answered += ask(address);
        asked += 2 * QUESTIONS;
    }
    play.story.tell("visitor", visitor::tally(asked, answered), "");
    let left = format!("{} workers", play.children.len());
    play.story.tell("primary", "is left with", left);
    play.children.iter_mut().for_each(|child| child.orders = None);
    while !play.children.is_empty() {
        play.reap()?;
    }
    Ok(())
}

/// The primary itself is the visitor: there is no thread to do it.
fn ask(address: SocketAddr) -> usize {
    (0..QUESTIONS).filter(|_| visitor::ask(address)).count()
}

impl Play {
    // ANCHOR: fork
    fn fork(&mut self) -> Outcome {
        self.last += 1;
        let name = format!("worker {}", self.last);
        let (orders, to_worker) = pipe()?;
        let (stderr, workers_stderr) = pipe()?;
        let (mut news, mut says) = pipe()?;
        // SAFETY: no other thread runs, whose locks the child would inherit.
        #[allow(unsafe_code)]
        match unsafe { fork()? } {
            ForkResult::Parent { child: pid } => {
                self.story.tell("primary", "forks", &name);
                drop(says); // or its end would never be seen
                news.read_exact(&mut [0])?;
                self.story.tell(&name, "is online", "");
                let orders = Some(to_worker);
                self.children.push(Child { name, pid, orders, stderr });
                Ok(())
            }
            ForkResult::Child => {
                // The primary's ends, of this worker and of those before.
                drop((to_worker, stderr, news));
                self.children.clear();
                nix::unistd::dup2_stderr(workers_stderr)?;
                says.write_all(b"O")?;
                let lived = worker::work(&name, &self.listener, orders);
                process::exit(lived.is_err().into()) // never back into main
            }
        }
    }
    // ANCHOR_END: fork

    // ANCHOR: reap
    /// Waits until a worker has died, then takes all that are dead by now.
    fn reap(&mut self) -> Outcome {
        let mut status = waitpid(None, None)?;
        while let Some(pid) = status.pid() {
            self.bury(pid, status)?;
            let others = waitpid(None, Some(WaitPidFlag::WNOHANG));
            status = others.unwrap_or(WaitStatus::StillAlive); // or nobody
        }
        Ok(())
    }
    // ANCHOR_END: reap

    fn bury(&mut self, pid: Pid, status: WaitStatus) -> Outcome {
        let Some(at) = self.children.iter().position(|it| it.pid == pid) else {
            return Ok(()); // a stranger
        };
        let Child { name, orders, mut stderr, .. } = self.children.remove(at);
        let mut words = String::new();
        stderr.read_to_string(&mut words)?; // it is dead, so this ends
        for line in words.lines() {
            self.story.tell(&name, "says:", line);
        }
        let how = match status {
            WaitStatus::Signaled(_, signal, _) => {
                format!("killed by {signal},")
            }
            WaitStatus::Exited(_, code) => format!("exits {code},"),
            _ => "is gone,".to_owned(), // stopped ones are not reported
        };
        let asked = orders.is_none();
        let why = if asked { "as asked" } else { "not asked" };
        self.story.tell(&name, how, why);
        self.deaths += u32::from(!asked);
        Ok(())
    }

    /// How long to wait: twice as long with each death, and not for ever.
    fn back_off(&self) -> Duration {
        let doubled = 100 * 2u64.saturating_pow(self.deaths - 1);
        let delay = doubled.min(800);
        self.story.tell("primary", "waits", format!("{delay} ms"));
        Duration::from_millis(delay)
    }
}

impl Child {
    fn send(&mut self, death: Death) -> Outcome {
        match (death, &mut self.orders) {
            (Death::Kill, _) => kill(self.pid, Signal::SIGKILL)?,
            (Death::Panic, Some(orders)) => {
                orders.write_all(&[worker::PANIC])?
            }
            (Death::Exit(code), Some(orders)) => {
                orders.write_all(&[u8::try_from(code)?])?;
            }
            (_, None) => {} // it is leaving already
        }
        Ok(())
    }
}
