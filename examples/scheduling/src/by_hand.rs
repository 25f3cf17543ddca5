//! The same story on bare system calls: fork(2), then either accept(2) in the
//! primary and sendmsg(2) to a worker, or accept(2) in every worker.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::process;
use std::time::{Duration, Instant};

use cluster::SchedulingPolicy;
use host::Ends;
use narrator::{Outcome, Story};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::sys::socket::{Shutdown, shutdown};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork, getpid, getppid};
use os_pipe::{PipeReader, pipe};

use crate::scenes::WORK;
use crate::{Args, Result, chart, lost};

mod pass;
mod worker;

/// The primary of one policy, and what it knows of its workers.
struct Primary {
    hands_over: bool,
    listener: TcpListener,
    children: BTreeMap<u32, (Pid, UnixStream)>,
    news: PipeReader,
    /// Those that wait for a connection, the longest first.
    free: VecDeque<u32>,
    busy: Option<u32>,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let story = Story::by_hand(&args.telling)?;
    let (mut first, mut ends) = (1, Ends::default());
    for &policy in args.policy.each() {
        story.tell("primary", chart::opening(policy), "");
        let hands_over = policy == SchedulingPolicy::RoundRobin;
        let mut primary = start(hands_over, first..first + args.workers)?;
        let forks = chart::count(args.workers as usize, "worker");
        story.tell("primary", "forks", forks);
        primary.act(&story, args.requests)?;
        primary.stop(&story, &mut ends)?;
        first += args.workers;
    }
    Ok(ends.outcome()?)
}

fn start(hands_over: bool, numbers: std::ops::Range<u32>) -> Result<Primary> {
    let listener = TcpListener::bind("127.0.0.1:0")?; // before fork: for all
    let (primary, (news, tell)) = (getpid(), pipe()?);
    let mut children = BTreeMap::new();
    for number in numbers {
        let (channel, workers_end) = UnixStream::pair()?;
        // SAFETY: no other thread runs, whose locks the child would inherit.
        #[allow(unsafe_code)]
        match unsafe { fork()? } {
            ForkResult::Parent { child } => {
                children.insert(number, (child, channel));
            }
            ForkResult::Child => {
                // Also the ends that older siblings wait on: they see the end
                // of their channels only when nobody holds them any more.
                drop((channel, children, news));
                let channel = hands_over.then_some(workers_end);
                let worked = follow(primary).and_then(|()| {
                    worker::work(number, &listener, channel, tell)
                });
                process::exit(worked.is_err().into()) // never back into main
            }
        }
    }
    let (free, busy) = (VecDeque::new(), None);
    Ok(Primary { hands_over, listener, children, news, free, busy })
}

/// Whatever happens to the primary, this process follows it: who is stopped
/// (SIGSTOP), or waits in accept(2), sees no channel end.
fn follow(primary: Pid) -> Outcome {
    set_pdeathsig(Signal::SIGKILL)?;
    match getppid() == primary {
        true => Ok(()),
        false => lost("the primary died before that"),
    }
}

impl Primary {
    fn act(&mut self, story: &Story, requests: u32) -> Outcome {
        let come = format!("1 to {requests} come, one after another");
        story.tell("visitor", come, "");
        let (served, _) = self.let_them_come(requests)?;
        story.show(chart::order(&served));
        let workers = self.children.keys().copied();
        for (actor, deed) in chart::tally(&served, workers) {
            match self.hands_over {
                true => story.tell(actor, deed, ""),
                false => story.show(chart::by_chance(&actor, &deed)),
            }
        }

        let mut visitor = self.visitor("/")?;
        let mut met = vec![hear(&mut visitor)?];
        for _ in 1..requests {
            ask(visitor.get_mut(), "/")?;
            met.push(hear(&mut visitor)?);
        }
        drop(visitor);
        let times = chart::count(requests as usize, "time");
        let asks = format!("asks {times} on one connection");
        story.tell("visitor", asks, "");
        met.dedup();
        story.tell("visitor", "meets", chart::count(met.len(), "worker"));

        let mut worker = self.visitor(WORK)?;
        while self.busy.is_none() {
            self.hear_news()?;
        }
        story.tell("visitor", "brings work for", "300 ms");
        let (served, waits) = self.let_them_come(requests)?;
        story.tell("visitor", format!("1 to {requests} come meanwhile"), "");
        story.show(chart::order(&served));
        story.tell("visitor", chart::longest(&waits), "");
        hear(&mut worker)?;
        drop(worker);
        Ok(())
    }

    fn let_them_come(&mut self, n: u32) -> Result<(Vec<u32>, Vec<Duration>)> {
        let (mut served, mut waits) = (Vec::new(), Vec::new());
        for _ in 0..n {
            let start = Instant::now();
            served.push(hear(&mut self.visitor("/")?)?);
            waits.push(start.elapsed());
        }
        Ok((served, waits))
    }

    /// A visitor who has asked. Under `none` the primary does nothing for it.
    fn visitor(&mut self, path: &str) -> Result<BufReader<TcpStream>> {
        let idle = self.children.len() - usize::from(self.busy.is_some());
        while self.hands_over && self.free.len() < idle.max(1) {
            self.hear_news()?;
        }
        // ANCHOR: visitor
        let mut visitor = TcpStream::connect(self.listener.local_addr()?)?;
        ask(&mut visitor, path)?; // the kernel has the connection already
        if self.hands_over {
            let (connection, _) = self.listener.accept()?;
            let longest = self.free.pop_front();
            let child = longest.and_then(|number| self.children.get(&number));
            let Some((_, channel)) = child else { return lost("nobody") };
            pass::send(channel, &connection)?;
        }
        // ANCHOR_END: visitor
        Ok(BufReader::new(visitor))
    }

    /// What a worker says on the pipe for all. On its own channel it says
    /// nothing, but that ends with it.
    fn hear_news(&mut self) -> Outcome {
        let channels = self.children.values().map(|(_, it)| it.as_fd());
        let channels = channels.filter(|_| self.hands_over);
        let mut fds: Vec<PollFd> = [self.news.as_fd()]
            .into_iter()
            .chain(channels)
            .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
            .collect();
        while poll(&mut fds, PollTimeout::NONE) == Err(Errno::EINTR) {}
        if fds[1..].iter().any(|it| it.any() == Some(true)) {
            return lost("a worker is gone");
        }
        let mut news = [0; 2];
        self.news.read_exact(&mut news)?;
        match news {
            [number, worker::FREE] => self.free.push_back(number.into()),
            [number, _] => self.busy = Some(number.into()),
        }
        Ok(())
    }

    fn stop(self, story: &Story, ends: &mut Ends) -> Outcome {
        // Wakes those that wait in accept(2); the others see their channel end.
        // It would reset whoever waits to be accepted: nobody does any more.
        shutdown(self.listener.as_raw_fd(), Shutdown::Read)?;
        for (number, (pid, channel)) in self.children {
            drop(channel);
            let exit = host::ended(waitpid(pid, None)?);
            ends.tell(story, format!("worker {number}"), exit, true)?;
        }
        Ok(())
    }
}

fn ask(to: &mut TcpStream, path: &str) -> Outcome {
    // One write: pieces would wait for the other side's delayed ACK.
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    Ok(to.write_all(request.as_bytes())?)
}

/// The last line of an answer says who it is from.
fn hear(from: &mut BufReader<TcpStream>) -> Result<u32> {
    for line in from.lines() {
        if let Some(number) = line?.strip_prefix("worker ") {
            return Ok(number.parse()?);
        }
    }
    lost("a visitor was not answered")
}
