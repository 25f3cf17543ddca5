//! Peers that do not keep to the protocol.

use std::fs::File;
use std::io::{IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cluster::{Error, Event};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use crate::harness::{Events, Test, cpu_time, plain, test};
use crate::leaks::open_files;

/// A worker that writes these pieces to its channel as they are, each perhaps with a descriptor,
/// then ends.
fn writes(pieces: &[(&str, Option<BorrowedFd<'_>>)]) {
    let channel = channel();
    for (bytes, fd) in pieces {
        write_with(&channel, bytes, *fd);
    }
}

pub fn tests() -> Vec<Test> {
    vec![
        test("lines_that_are_no_json_are_told_with_their_worker_and_the_next_message_arrives")
            .primary(|mut primary| {
                primary.fork_with(plain("")).unwrap();
                let told = primary.rest();
                assert!(
                    told[1].starts_with("worker 1 error: not a message: \"{oops\""),
                    "{told:?}"
                );
                assert!(told[2].starts_with("worker 1 error: not a message: \"\""), "{told:?}");
                assert!(
                    told[3].starts_with("worker 1 error: not a message: \"\u{fffd}"),
                    "{told:?}"
                );
                assert_eq!(told[4..], end("worker 1 says \"good\""));
            })
            .plain(|_| {
                let mut channel = channel();
                channel.write_all(b"{oops\n\n\xff\xfe\x00\x01\n\"good\"\n").unwrap();
            }),
        test("descriptors_that_nobody_asked_for_are_closed_and_told")
            .primary(|mut primary| {
                let before = open_files();
                primary.fork_with(plain("")).unwrap();
                let told = primary.rest();
                let unasked = "worker 1 error: an unexpected file descriptor, closed";
                assert_eq!(
                    told[1..5],
                    ["worker 1 says 1", unasked, unasked, "worker 1 says \"file\""]
                );
                assert_eq!(told[5..], end("worker 1 says \"good\""));
                assert_eq!(open_files(), before);
            })
            .plain(|_| {
                let file = File::open("/proc/self/exe").unwrap();
                let handle = "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Socket\",\"msg\":\"file\"}\n";
                writes(&[
                    ("1\n", Some(file.as_fd())),
                    (handle, Some(file.as_fd())),
                    ("\"good\"\n", None),
                ]);
            }),
        test("descriptors_without_end_do_not_fill_the_table_of_open_files")
            .primary(|mut primary| {
                let before = open_files();
                primary.fork_with(plain("")).unwrap();
                let mut most = 0;
                primary.until(|event| {
                    most = most.max(open_files());
                    match event {
                        Event::Message(_, message) => {
                            (message.text().as_deref() == Some("good")).then_some(())
                        }
                        _ => None,
                    }
                });
                assert!(most < before + 30, "{before}, then {most}");
                primary.rest();
                assert_eq!(open_files(), before);
            })
            .plain(|_| {
                let file = File::open("/proc/self/exe").unwrap();
                let mut pieces = vec![(" ", Some(file.as_fd())); 2000];
                pieces.extend([("1\n", None), ("\"good\"\n", None)]);
                writes(&pieces);
            }),
        test("answers_that_nobody_waits_for_and_acts_that_nobody_knows_are_ignored")
            .primary(|mut primary| {
                primary.fork_with(plain("")).unwrap();
                assert_eq!(primary.rest()[1..], end("worker 1 says \"good\""));
            })
            .plain(|_| {
                writes(&[
                    ("{\"cmd\":\"NODE_CLUSTER\",\"ack\":99,\"accepted\":true,\"seq\":0}\n", None),
                    ("{\"cmd\":\"NODE_CLUSTER\",\"act\":\"fly\",\"seq\":{}}\n", None),
                    ("{\"cmd\":\"NODE_CLUSTER\",\"act\":[],\"ack\":-1}\n", None),
                    ("{\"cmd\":\"NODE_CLUSTER\"}\n{\"cmd\":\"NODE_HANDLE_ACK\"}\n", None),
                    ("{\"cmd\":\"NODE_HANDLE_NACK\"}\n{\"cmd\":\"NODE_HANDLE\"}\n", None),
                    ("{\"cmd\":\"NODE_NONSENSE\"}\n{\"cmd\":\"NODE_SOCKET_GET_COUNT\"}\n", None),
                    ("\"good\"\n", None),
                ]);
                // Gone with unread answers; what was written arrives all the same.
            }),
        test("a_worker_that_says_online_twice_is_online_once")
            .primary(|mut primary| {
                primary.fork_with(plain("")).unwrap();
                let told = primary.rest();
                assert_eq!(told[1..], ["worker 1 online", "worker 1 disconnected", "worker 1 exits 0, unasked"]);
            })
            .plain(|_| writes(&[("{\"cmd\":\"NODE_CLUSTER\",\"act\":\"online\",\"seq\":0}\n", None); 2])),
        test("half_a_line_before_the_end_is_no_message")
            .primary(|mut primary| {
                primary.fork_with(plain("")).unwrap();
                assert_eq!(primary.rest()[1..], end("worker 1 says \"good\""));
            })
            .plain(|_| writes(&[("\"good\"\n{\"half\":", None)])),
        test("a_worker_that_refuses_to_read_costs_no_time_and_disturbs_nobody")
            .primary(|mut primary| {
                let deaf = primary.fork_with(plain("")).unwrap();
                assert_eq!(primary.hears(deaf), cluster::json!("closed"));
                let _ = primary.send(deaf, "x".repeat(1000)).unwrap();
                let before = cpu_time();
                let deadline = Instant::now() + Duration::from_millis(300);
                while !matches!(
                    primary.next_event_before(deadline).unwrap(),
                    None | Some(Event::Deadline)
                ) {}
                let used = cpu_time() - before;
                assert!(used < Duration::from_millis(100), "{used:?}");
            })
            .plain(|_| {
                let mut channel = channel();
                channel.shutdown(Shutdown::Read).unwrap();
                channel.write_all(b"\"closed\"\n").unwrap();
                loop {
                    std::thread::park_timeout(Duration::from_millis(20));
                    if channel.write_all(b" ").is_err() {
                        return; // nobody else would end this one
                    }
                }
            }),
        test("a_worker_that_closes_its_channel_and_stays_can_still_be_ended")
            .primary(|mut primary| {
                let worker = primary.fork_with(plain("")).unwrap();
                primary.until(|event| matches!(event, Event::Disconnect(_)).then_some(()));
                assert!(!primary.is_connected(worker) && !primary.is_dead(worker));
                primary.begin_shutdown(Duration::ZERO);
                let told = primary.rest();
                assert!(told.last().unwrap().starts_with("Stopped"), "{told:?}");
            })
            .plain(|_| {
                drop(channel());
                std::thread::sleep(Duration::from_secs(60));
            }),
        test("a_worker_reads_on_after_a_line_of_its_primary_that_is_no_message")
            .primary(|_| {
                let mut peer = spawn_worker("json");
                peer.channel.write_all(b"{oops\n\"good\"\n").unwrap();
                assert_eq!(peer.line(), "{\"cmd\":\"NODE_CLUSTER\",\"act\":\"online\",\"seq\":0}");
                assert_eq!(peer.line(), "\"bad\"");
                assert_eq!(peer.line(), "\"good\"");
                // An answer to nothing, and a request that comes twice.
                let twice =
                    "{\"cmd\":\"NODE_CLUSTER\",\"act\":\"disconnect\",\"seq\":1}\n".repeat(2);
                peer.channel.write_all(b"{\"cmd\":\"NODE_CLUSTER\",\"ack\":7}\n").unwrap();
                peer.channel.write_all(twice.as_bytes()).unwrap();
                assert!(peer.child.wait().unwrap().success());
            })
            .worker(|mut me, _| {
                assert!(matches!(me.recv(), Err(Error::BadLine { .. })));
                me.send("bad").unwrap();
                let message = me.recv().unwrap().unwrap();
                me.send(message.value().unwrap()).unwrap();
                assert!(me.recv().unwrap().is_none());
            }),
        test("a_worker_whose_primary_said_goodbye_and_hung_up_reads_none")
            .primary(|_| {
                let mut peer = spawn_worker("json");
                // It is gone before the worker can say that it is online, or answer.
                let last = "{\"cmd\":\"NODE_HANDLE\"}\n{\"cmd\":\"NODE_CLUSTER\",\"act\":\"disconnect\"}\n";
                peer.channel.write_all(last.as_bytes()).unwrap();
                drop(peer.channel);
                let output = peer.child.wait_with_output().unwrap();
                let said = String::from_utf8(output.stderr).unwrap();
                assert_eq!(output.status.code(), Some(3), "{said}");
            })
            .worker(|mut me, _| {
                assert!(me.recv().unwrap().is_none());
                assert!(me.recv().unwrap().is_none());
                std::process::exit(3)
            }),
        test("a_worker_says_what_it_does_not_understand_of_its_start").primary(|_| {
            let advanced = spawn_worker("advanced").child.wait_with_output().unwrap();
            let said = String::from_utf8(advanced.stderr).unwrap();
            assert!(!advanced.status.success() && said.contains("In the Node primary, leave out `serialization: 'advanced'`"), "{said}");

            for fd in ["999", "1", "-1", "three"] {
                let mut command = Command::new(std::env::current_exe().unwrap());
                command.env("NODE_UNIQUE_ID", "1").env("NODE_CHANNEL_FD", fd);
                let output = command.stderr(Stdio::piped()).output().unwrap();
                let said = String::from_utf8(output.stderr).unwrap();
                assert!(!output.status.success() && said.contains("Start workers through a primary"), "{fd}: {said}");
            }
        }),
    ]
}

pub fn end(message: &str) -> [String; 3] {
    [message, "worker 1 disconnected", "worker 1 exits 0, unasked"].map(String::from)
}

/// The channel of a program that has not taken its role.
pub fn channel() -> UnixStream {
    let number = std::env::var("NODE_CHANNEL_FD").unwrap().parse().unwrap();
    #[allow(unsafe_code)]
    // SAFETY: it is this program's channel, by the primary's word, and nobody else here takes it.
    let channel = unsafe { OwnedFd::from_raw_fd(number) };
    channel.into()
}

pub fn write_with(channel: &UnixStream, bytes: &str, fd: Option<BorrowedFd<'_>>) {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if let Some(fd) = &fd {
        assert!(control.push(SendAncillaryMessage::ScmRights(std::slice::from_ref(fd))));
    }
    let bytes = [IoSlice::new(bytes.as_bytes())];
    // More than a few descriptors at once on their way are refused; then the primary has to read
    // first.
    while sendmsg(channel, &bytes, &mut control, SendFlags::empty())
        .is_err_and(|error| error == rustix::io::Errno::TOOMANYREFS)
    {
        std::thread::yield_now();
    }
}

/// One end of a channel, in the hands of somebody who is not ours.
pub struct Peer<Process> {
    pub channel: UnixStream,
    /// The worker of ours at the other end.
    pub child: Process,
}

pub fn spawn_worker(serialization: &str) -> Peer<std::process::Child> {
    let (channel, theirs) = UnixStream::pair().unwrap();
    rustix::io::fcntl_setfd(&theirs, rustix::io::FdFlags::empty()).unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .env("NODE_UNIQUE_ID", "1")
        .env("NODE_CHANNEL_FD", theirs.as_raw_fd().to_string())
        .env("NODE_CHANNEL_SERIALIZATION_MODE", serialization)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    Peer { channel, child }
}

impl Peer<()> {
    /// At the other end is our primary.
    pub fn of(channel: UnixStream) -> Peer<()> {
        Peer { channel, child: () }
    }
}

impl<Process> Peer<Process> {
    pub fn line(&mut self) -> String {
        let (mut line, mut byte) = (Vec::new(), [0]);
        while self.channel.read(&mut byte).unwrap() == 1 && byte != [b'\n'] {
            line.extend(byte);
        }
        String::from_utf8(line).unwrap()
    }
}
