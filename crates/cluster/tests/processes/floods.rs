//! A primary that is not ours and floods its worker: the worker's memory stays small, and it goes
//! on doing what it is asked.

use std::io::{BufRead, BufReader, ErrorKind, IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use crate::harness::{DEADLINE, Test, test};
use crate::memory::Watch;

/// A worker whose primary is gone ends within this time.
const SOON: Duration = Duration::from_secs(1);
const MEBIBYTE: usize = 1 << 20;

pub fn tests() -> Vec<Test> {
    vec![
        test("a_worker_that_only_accepts_does_not_keep_200_mb_of_messages").primary(|_| {
            let mut node = Node::with_worker();
            let watch = node.watch();
            let message = format!("\"{}\"\n", "x".repeat(9997));
            for _ in 0..200 * MEBIBYTE / 10_000 {
                node.channel.write_all(message.as_bytes()).unwrap();
            }
            is_served_behind_it(&mut node);
            watch.took_little("200 MB of messages: the worker");
        }),
        test("a_line_of_62_mb_of_a_foreign_primary_costs_a_worker_no_memory").primary(|_| {
            let mut node = Node::with_worker();
            let watch = node.watch();
            let line = format!("[{}{{}}]\n", "{\"\":0},".repeat(62_000_000 / 7));
            node.channel.write_all(line.as_bytes()).unwrap();
            is_served_behind_it(&mut node);
            watch.took_little("one line of 62 MB: the worker");
        }),
        test("answers_that_a_primary_does_not_read_cost_a_worker_no_memory").primary(|_| {
            let mut node = Node::with_worker();
            let watch = node.watch();
            // Each is answered, with the key.
            let key = "k".repeat(60_000);
            let asks = format!("{{\"cmd\":\"NODE_SOCKET_GET_COUNT\",\"key\":\"{key}\"}}\n");
            node.channel.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
            let mut sent = 0;
            while sent < 120 * MEBIBYTE {
                match node.channel.write(asks.as_bytes()) {
                    Ok(count) => sent += count,
                    // It reads no more, before somebody reads its answers.
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => panic!("{error} after {sent} bytes"),
                }
            }
            watch.took_little("answers that nobody reads: the worker");
            node.hangs_up();
        }),
    ]
    .into_iter()
    .map(|test| {
        test.worker(|mut me, _| {
            let listener = me.listen("127.0.0.1:0").unwrap();
            while let Some(mut client) = listener.accept().unwrap() {
                let _ = write!(client, "worker {}", me.id());
            }
        })
    })
    .collect()
}

/// Behind the flood comes a connection, and the end.
fn is_served_behind_it(node: &mut Node) {
    let (mut client, connection) = pair();
    node.hands_over(&connection);
    drop(connection);
    client.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut text = String::new();
    client.read_to_string(&mut text).unwrap();
    assert_eq!(text, "worker worker 1");
    node.says("\"act\":\"disconnect\"");
    assert!(node.worker.wait().unwrap().success());
}

fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (connection, _) = listener.accept().unwrap();
    connection.set_nonblocking(true).unwrap(); // as Node's are
    (client, connection)
}

/// A primary that speaks as Node does.
struct Node {
    worker: Child,
    channel: UnixStream,
    seq: u32,
}

impl Node {
    /// With a worker that listens.
    fn with_worker() -> Node {
        let (channel, theirs) = UnixStream::pair().unwrap();
        rustix::io::fcntl_setfd(&theirs, rustix::io::FdFlags::empty()).unwrap();
        let worker = Command::new(std::env::current_exe().unwrap())
            .env("NODE_UNIQUE_ID", "1")
            .env("NODE_CHANNEL_FD", theirs.as_raw_fd().to_string())
            .env("NODE_CHANNEL_SERIALIZATION_MODE", "json")
            .spawn()
            .unwrap();
        drop(theirs);
        let mut node = Node { worker, channel, seq: 0 };
        let mut heard = BufReader::new(node.channel.try_clone().unwrap());
        node.hears(&mut heard, "\"act\":\"online\"");
        let query = node.hears(&mut heard, "\"act\":\"queryServer\"");
        node.says(&format!(
            "\"errno\":null,\"key\":\"127.0.0.1:0:4:undefined:0\",\"ack\":{},\"data\":null,\
             \"sockname\":{{\"address\":\"127.0.0.1\",\"family\":\"IPv4\",\"port\":1}}",
            query["seq"]
        ));
        node.hears(&mut heard, "\"act\":\"listening\"");
        node
    }

    fn watch(&self) -> Watch {
        Watch::over(self.worker.id().cast_signed())
    }

    fn hears(&self, heard: &mut impl BufRead, part: &str) -> serde_json::Value {
        let mut line = String::new();
        heard.read_line(&mut line).unwrap();
        assert!(line.contains(part), "{line}");
        serde_json::from_str(&line).unwrap()
    }

    fn says(&mut self, fields: &str) {
        let line = self.line(fields);
        self.channel.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    fn line(&mut self, fields: &str) -> String {
        self.seq += 1;
        format!("{{\"cmd\":\"NODE_CLUSTER\",{fields},\"seq\":{}}}", self.seq)
    }

    fn hands_over(&mut self, connection: &TcpStream) {
        let newconn = self.line("\"act\":\"newconn\",\"key\":\"127.0.0.1:0:4:undefined:0\"");
        let line =
            format!("{{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Native\",\"msg\":{newconn}}}\n");
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let descriptors = [connection.as_fd()];
        assert!(control.push(SendAncillaryMessage::ScmRights(&descriptors)));
        let bytes = [IoSlice::new(line.as_bytes())];
        let sent = sendmsg(&self.channel, &bytes, &mut control, SendFlags::empty()).unwrap();
        assert_eq!(sent, line.len());
    }

    /// Is gone, and its worker soon after.
    fn hangs_up(mut self) {
        drop(self.channel);
        let end = Instant::now() + SOON;
        while self.worker.try_wait().unwrap().is_none() {
            assert!(Instant::now() < end, "the worker stays");
            std::thread::sleep(Duration::from_millis(5)); // a poll, bounded
        }
    }
}
