//! The same story on bare system calls: a primary that speaks Node's protocol,
//! with nothing but a socketpair(2), lines of JSON, and `SCM_RIGHTS`.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{self, Command, Stdio};

use cluster::SchedulingPolicy;
use host::Ends;
use narrator::{Outcome, Story};
use nix::errno::Errno;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, dup, fork, getpid, getppid};
use serde_json::{Value, json};

use crate::by_hand::channel::Channel;
use crate::crew::{self, Kind};
use crate::{Args, Policy, Result, guests, lost, opening};

mod channel;
mod worker;

/// An answer is shorter, in bytes.
const LONGEST: u64 = 64 * 1024;

/// One worker, as its primary knows it.
struct Worker {
    name: String,
    pid: Pid,
    channel: Channel,
}

pub(crate) fn run(args: &Args) -> Outcome {
    crew::check_server(args)?;
    let story = Story::by_hand(&args.telling)?;
    let (mut forked, mut ends) = (0, Ends::default());
    for policy in Policy::chosen(args.policy) {
        let listener =
            TcpListener::bind(("127.0.0.1", args.port.unwrap_or(0)))?;
        let shared = policy == SchedulingPolicy::Shared;
        // All who share the socket share this: Node's accept must not block.
        listener.set_nonblocking(shared)?;
        let address = listener.local_addr()?;
        let mut workers = VecDeque::new();
        for place in 0..args.workers {
            forked += 1;
            let kind = crew::kind(args, place);
            let name = format!("worker {forked}");
            let (pid, channel) = start(kind, forked, address.port())?;
            if place == 0 {
                story.tell("primary", opening(policy), "");
            }
            story.tell("primary", format!("forks {name}, in {kind}"), "");
            workers.push_back(Worker { name, pid, channel });
        }
        for worker in &mut workers {
            give_listener(&story, worker, &listener, shared)?;
            story.tell(&worker.name, "listens on", address);
        }
        let come = format!("1 to {} come, one after another", args.requests);
        story.tell("visitor", come, "");
        let mut met = Vec::new();
        for _ in 0..args.requests {
            met.push(visit(&story, &listener, &mut workers, shared)?);
        }
        story.show(guests::order(&met));
        guests::tell_answered(&story, met, policy);
        for worker in &mut workers {
            worker.channel.say(&json!({
                "cmd": "NODE_CLUSTER", "act": "disconnect", "seq": 0
            }))?;
        }
        for mut worker in workers {
            while worker.channel.hear()?.is_some() {} // it closes its listener
            let exit = host::ended(waitpid(worker.pid, None)?);
            ends.tell(&story, worker.name, exit, true)?;
        }
    }
    Ok(ends.outcome()?)
}

fn start(kind: Kind, id: u32, port: u16) -> Result<(Pid, Channel)> {
    let (primary, (ours, theirs)) = (getpid(), UnixStream::pair()?);
    if let Kind::Rust = kind {
        // SAFETY: no other thread runs, whose locks the child would inherit.
        #[allow(unsafe_code)]
        return match unsafe { fork()? } {
            ForkResult::Parent { child } => Ok((child, Channel::new(ours))),
            ForkResult::Child => {
                drop(ours);
                let worked = follow(primary).is_ok()
                    && worker::work(Channel::new(theirs), port).is_ok();
                process::exit((!worked).into()) // never back into main
            }
        };
    }
    let channel = dup(&theirs)?; // a copy that lives on through exec
    let mut node = Command::new("node");
    // SAFETY: it calls prctl(2) and getppid(2), and allocates nothing.
    #[allow(unsafe_code)]
    unsafe {
        node.pre_exec(move || Ok(follow(primary)?));
    }
    node.arg(crew::server())
        .env("PORT", port.to_string())
        // ANCHOR: spawn
        .env("NODE_UNIQUE_ID", id.to_string())
        .env("NODE_CHANNEL_FD", channel.as_raw_fd().to_string())
        .env("NODE_CHANNEL_SERIALIZATION_MODE", "json")
        // ANCHOR_END: spawn
        .stdin(Stdio::null());
    let node = node.spawn().map_err(|it| crew::cannot_start(&it, kind))?;
    Ok((Pid::from_raw(node.id().try_into()?), Channel::new(ours)))
}

/// Whatever happens to the primary, this process follows it, even one that is
/// stopped (SIGSTOP) and reads no end of any channel; also after exec(2).
fn follow(primary: Pid) -> nix::Result<()> {
    set_pdeathsig(Signal::SIGKILL)?;
    match getppid() == primary {
        true => Ok(()),
        false => Err(Errno::ESRCH), // it died before that
    }
}

/// Hears what the worker wants to listen on, and answers.
fn give_listener(
    story: &Story,
    worker: &mut Worker,
    listener: &TcpListener,
    shared: bool,
) -> Outcome {
    let channel = &mut worker.channel;
    let query = channel.hear_act("queryServer")?;
    let address = listener.local_addr()?;
    let asks = format!("queryServer, port {}", query["port"]);
    story.aside(&worker.name, "asks:", asks);
    // ANCHOR: reply
    let mut reply = json!({
        "cmd": "NODE_CLUSTER", "ack": query["seq"], "seq": 0,
        "key": "the port", "data": null, "errno": null,
    });
    // ANCHOR_END: reply
    if shared {
        reply["errno"] = json!(0); // and the socket itself comes along
        channel.say_with(&reply, listener)?;
    } else {
        let ip = address.ip().to_string();
        reply["sockname"] = json!({
            "address": ip, "family": "IPv4", "port": address.port(),
        });
        channel.say(&reply)?;
    }
    let answers = format!("answers {}:", worker.name);
    story.aside("primary", answers, format!("it is port {}", address.port()));
    channel.hear_act("listening")?;
    Ok(())
}

/// A visitor comes. Under `none` the primary does nothing for it.
fn visit(
    story: &Story,
    listener: &TcpListener,
    workers: &mut VecDeque<Worker>,
    shared: bool,
) -> Result<String> {
    let address: SocketAddr = listener.local_addr()?;
    let mut visitor = TcpStream::connect(address)?;
    let head = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    visitor.write_all(head.as_bytes())?;
    if !shared {
        let Some(mut worker) = workers.pop_front() else { return lost("none") };
        story.aside("visitor", "asks", "the primary for a connection");
        let (connection, _) = listener.accept()?;
        connection.set_nonblocking(true)?; // as Node wants it
        let newconn = json!({
            "cmd": "NODE_CLUSTER", "act": "newconn", "key": "the port", "seq": 1
        });
        worker.channel.say_with(&newconn, &connection)?;
        let accepted = |it: &Value| it["accepted"] == true && it["ack"] == 1;
        worker.channel.hear_until(accepted)?;
        let sends = format!("sends {}:", worker.name);
        story.aside("primary", sends, "newconn, and the connection");
        workers.push_back(worker); // it is its turn again after all others
    }
    let mut answer = String::new();
    visitor.take(LONGEST).read_to_string(&mut answer)?;
    if let (false, Some(worker)) = (shared, workers.back()) {
        story.aside(&worker.name, "answers", "the visitor");
    }
    let last = answer.split_whitespace().last();
    Ok(last.unwrap_or("nobody").to_owned())
}
