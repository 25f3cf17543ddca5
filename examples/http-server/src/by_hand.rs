//! The same story on bare system calls: one listening socket, fork(2), and
//! tiny_http in each child, which inherited the socket.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsRawFd;
use std::process;
use std::time::Duration;

use cluster::Signal;
use host::Ends;
use narrator::{Outcome, Story};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::socket::{Shutdown, setsockopt, shutdown, sockopt::TcpNoDelay};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork, getpid, getppid};
use os_pipe::{PipeReader, PipeWriter, pipe};
use tiny_http::{Header, Response, Server};
use visitors::Visitor;

use crate::scenes::{meet, worker_of};
use crate::{Args, Result, chart, desk, lost};

/// The primary, who holds the socket.
struct Primary {
    story: Story,
    listener: TcpListener,
    workers: BTreeMap<u32, Pid>,
    last: u32,
    ends: Ends,
}

// ANCHOR: run
pub(crate) fn run(args: &Args) -> Outcome {
    let story = Story::by_hand(&args.telling)?;
    let listener = TcpListener::bind("127.0.0.1:0")?; // before fork: for all
    setsockopt(&listener, TcpNoDelay, &true)?; // each connection inherits it
    let (workers, last, ends) = (BTreeMap::new(), 0, Ends::default());
    let mut primary = Primary { story, listener, workers, last, ends };
    let count = args.workers();
    primary.story.tell("primary", "forks", format!("{count} workers"));
    for _ in 0..count {
        let worker = primary.fork()?;
        primary.story.tell(name(worker), "listens", "");
    }
    let address = primary.listener.local_addr()?;
    let serves = format!("serves http://{address}/");
    primary.story.tell("primary", serves, "");
    primary.play(address, args.requests)?;
    primary.stop()
}
// ANCHOR_END: run

impl Primary {
    // ANCHOR: fork
    fn fork(&mut self) -> Result<u32> {
        self.last += 1;
        let (primary, (mut ready, tell)) = (getpid(), pipe()?);
        // SAFETY: no other thread runs here, whose locks the child would
        // inherit: tiny_http, which starts threads, runs in children alone.
        #[allow(unsafe_code)]
        match unsafe { fork()? } {
            ForkResult::Parent { child } => {
                self.workers.insert(self.last, child);
                drop(tell);
                wait_for_the_end(&mut ready)?;
                Ok(self.last)
            }
            ForkResult::Child => {
                let worked = follow(primary)
                    .and_then(|()| work(self.last, &self.listener, tell));
                process::exit(worked.is_err().into()) // never back into main
            }
        }
    }
    // ANCHOR_END: fork

    fn play(&mut self, at: SocketAddr, requests: u32) -> Outcome {
        let visitor = Visitor::new(at)?;
        let come = format!("1 to {requests} come, one after another");
        self.story.tell("visitor", come, "");
        let served = let_them_come(visitor, requests)?;
        let workers: Vec<u32> = self.workers.keys().copied().collect();
        self.story.show(chart::tally(&served, &workers));

        let mut stay = meet(visitor, 1)?;
        let mut same = true;
        for _ in 0..requests {
            same &= stay.ask("/").worker() == Some(1);
        }
        let asks = format!("stays, and asks {requests} times:");
        let answers = if same { "always worker 1" } else { "not only one" };
        self.story.tell("visitor", asks, answers);

        self.story.tell("visitor", "asks worker 1 for", "/crash");
        if stay.ask("/crash").result.is_ok() {
            return lost("worker 1 lives");
        }
        self.bury(1, false)?;
        let worker = self.fork()?;
        self.story.tell("primary", "forks", name(worker));
        self.story.tell(name(worker), "listens", "");
        let_them_come(visitor, requests)?;
        let come = format!("{} to {} come:", requests + 1, 2 * requests);
        self.story.tell("visitor", come, "every one is answered");
        Ok(())
    }

    // ANCHOR: stop
    /// Wakes all who wait in accept(2), for all of them have this socket.
    fn stop(mut self) -> Outcome {
        self.story.tell("primary", "stops,", "and all workers with it");
        shutdown(self.listener.as_raw_fd(), Shutdown::Read)?;
        let workers: Vec<u32> = self.workers.keys().copied().collect();
        workers.into_iter().try_for_each(|it| self.bury(it, true))?;
        Ok(self.ends.outcome()?)
    }
    // ANCHOR_END: stop

    fn bury(&mut self, worker: u32, asked: bool) -> Outcome {
        let Some(pid) = self.workers.remove(&worker) else { return Ok(()) };
        let exit = host::ended(waitpid(pid, None)?);
        let why = host::why(exit, asked);
        self.story.tell(name(worker), format!("{exit},"), why);
        if asked {
            self.ends.note(name(worker), exit, asked);
        }
        Ok(())
    }
}

/// Whatever happens to the primary, this process follows it, even one that is
/// stopped (SIGSTOP): the socket never says that we are alone.
fn follow(primary: Pid) -> Outcome {
    set_pdeathsig(Signal::SIGKILL)?;
    match getppid() == primary {
        true => Ok(()),
        false => lost("the primary died before that"),
    }
}

// ANCHOR: work
fn work(number: u32, socket: &TcpListener, ready: PipeWriter) -> Outcome {
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    let server = Server::from_listener(socket.try_clone()?, None)
        .map_err(|error| error.to_string())?;
    drop(ready);
    let mut stopping = false;
    loop {
        match server.recv_timeout(Duration::from_millis(50)) {
            Ok(Some(request)) if request.url() == "/crash" => process::abort(),
            Ok(Some(request)) => {
                let answer = Response::from_string(name(number) + "\n");
                let header = Header::from_bytes("X-Worker", number.to_string());
                // It fails when whoever asked is gone.
                let _ = match header {
                    Ok(header) => request.respond(answer.with_header(header)),
                    Err(()) => request.respond(answer),
                };
            }
            Ok(None) if stopping => break, // whoever had begun is answered
            Ok(None) => {}
            Err(error) if desk::is_the_end(&error) => stopping = true,
            Err(error) => return Err(error.into()),
        }
    }
    std::mem::forget(server); // its end would connect to the port again
    Ok(())
}
// ANCHOR_END: work

fn wait_for_the_end(ready: &mut PipeReader) -> Outcome {
    std::io::copy(ready, &mut std::io::sink())?;
    Ok(())
}

fn let_them_come(visitor: Visitor, requests: u32) -> Result<Vec<u32>> {
    let seen = visitor.one_by_one("/", requests as usize);
    seen.iter().map(worker_of).collect()
}

fn name(worker: u32) -> String {
    format!("worker {worker}")
}
