//! Sockets that travel with messages.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use cluster::{Event, Message, Primary, WorkerId, json};

use crate::harness::{Events, in_short};
use crate::obeys::one;
use crate::remote::{meanwhile, until_gone};
use crate::row::{Row, related, row};
use crate::steps::leaves;

pub fn rows() -> Vec<Row> {
    vec![
        row(44, "net_send")
            .primary(|mut primary| {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let worker = one(&mut primary, &listener.local_addr().unwrap().to_string());
                let mut other_end = listener.accept().unwrap().0;
                other_end.write_all(b"hello").unwrap();
                drop(other_end);
                let handle = message(&mut primary, worker).handle.unwrap();
                assert_eq!(text_of(handle.into_tcp_stream().unwrap()), "hello");
                leaves(&mut primary, worker);
            })
            .worker(|mut me, at| {
                let connection = TcpStream::connect(at).unwrap();
                me.send("ready").unwrap();
                me.send_with("a connection", connection).unwrap();
                assert!(me.recv().unwrap().is_none());
            }),
        row(54, "send_deadlock")
            .primary(|mut primary| {
                let worker = one(&mut primary, "");
                let mut clients = Vec::new();
                for number in 0..20 {
                    let (ours, theirs) = pair();
                    clients.push(ours);
                    primary.send_with(worker, number, theirs).unwrap();
                }
                primary.send(worker, "that was all").unwrap();
                for number in 0..20 {
                    let message = message(&mut primary, worker);
                    assert_eq!(
                        (message.value().unwrap(), message.handle.is_some()),
                        (json!(number), true)
                    );
                }
                leaves(&mut primary, worker);
            })
            .worker(|mut me, _| {
                me.send("ready").unwrap();
                // Ours go while the primary's come.
                let mut clients = Vec::new();
                for number in 0..20 {
                    let (ours, theirs) = pair();
                    clients.push(ours);
                    me.send_with(number, theirs).unwrap();
                }
                for number in 0..20 {
                    let message = me.recv().unwrap().unwrap();
                    assert_eq!(
                        (message.value().unwrap(), message.handle.is_some()),
                        (json!(number), true)
                    );
                }
                assert_eq!(me.recv().unwrap().unwrap().value().unwrap(), json!("that was all"));
                assert!(me.recv().unwrap().is_none());
            }),
        row(55, "send_handle_twice")
            .primary(|mut primary| {
                // Sending takes the socket, so it cannot be sent twice by mistake. Two descriptors
                // of one connection may travel, and both arrive. (In Node the second one arrives
                // without it.)
                let worker = one(&mut primary, "both");
                let (client, theirs) = pair();
                primary.send_with(worker, "first", theirs.try_clone().unwrap()).unwrap();
                primary.send_with(worker, "second", theirs).unwrap();
                assert_eq!(primary.hears(worker), json!("first with, second with"));
                drop(client);
                leaves(&mut primary, worker);
            })
            .worker(|mut me, _| {
                me.send("ready").unwrap();
                let [first, second] = [(); 2].map(|()| {
                    let message = me.recv().unwrap().unwrap();
                    let with = if message.handle.is_some() { "with" } else { "without" };
                    format!("{} {with}", message.text().unwrap())
                });
                me.send(format!("{first}, {second}")).unwrap();
                assert!(me.recv().unwrap().is_none());
            }),
        row(88, "send_handle_large_payload")
            .primary(|mut primary| {
                let worker = one(&mut primary, "");
                let text = "0123".repeat(200_001);
                let (mut client, theirs) = pair();
                primary.send_with(worker, &text, theirs).unwrap();
                let mut back = message(&mut primary, worker);
                assert!(back.text().as_deref() == Some(&text));
                client.write_all(b"!").unwrap(); // not before: Node reads from a socket that it has
                let mut stream = back.handle.take().unwrap().into_tcp_stream().unwrap();
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                assert_eq!(&byte, b"!");
                leaves(&mut primary, worker);
            })
            .worker(|mut me, _| {
                me.send("ready").unwrap();
                let message = me.recv().unwrap().unwrap();
                me.send_with(message.value().unwrap(), message.handle.unwrap()).unwrap();
                assert!(me.recv().unwrap().is_none());
            }),
        related("net_listen_handle_in_cluster_1")
            .primary(|mut primary| {
                let worker = one(&mut primary, "");
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let at = listener.local_addr().unwrap();
                listener.set_nonblocking(true).unwrap(); // a Node worker needs it so
                primary.send_with(worker, json!(null), listener).unwrap();
                let text =
                    meanwhile(&mut primary, move || text_of(TcpStream::connect(at).unwrap()));
                assert_eq!(text, "served");
            })
            .worker(|mut me, _| {
                me.send("ready").unwrap();
                let message = me.recv().unwrap().unwrap();
                assert!(message.value().unwrap().is_null());
                let listener = message.handle.unwrap().into_tcp_listener().unwrap();
                listener.set_nonblocking(false).unwrap(); // nobody else uses it here
                listener.accept().unwrap().0.write_all(b"served").unwrap();
                assert!(me.recv().unwrap().is_none());
            }),
        related("child_process_fork_closed_channel_segfault")
            .primary(|mut primary| {
                let worker = one(&mut primary, "");
                primary.kill(worker, cluster::Signal::SIGKILL).unwrap();
                let mut clients = Vec::new();
                let refused = loop {
                    let (client, theirs) = pair();
                    clients.push(client);
                    if primary.send_with(worker, "a socket", theirs).is_err() {
                        break true;
                    }
                    let event = primary.next_event_before(std::time::Instant::now()).unwrap();
                    match event.as_ref().map(in_short) {
                        None => break false, // it is gone, and the events have ended
                        Some(event) => drop(event),
                    }
                };
                assert!(refused || primary.is_dead(worker));
                if !primary.is_dead(worker) {
                    until_gone(&mut primary, worker);
                }
                // What did not arrive is closed, not kept.
                let unread = clients.pop().unwrap();
                assert_eq!(text_of(unread), "");
            })
            .worker(|mut me, _| {
                me.send("ready").unwrap();
                while me.recv().unwrap().is_some() {}
            }),
    ]
}

/// Both ends of a connection.
pub fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (client, listener.accept().unwrap().0)
}

pub fn text_of(mut stream: TcpStream) -> String {
    stream.set_read_timeout(Some(crate::harness::DEADLINE)).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

fn message(primary: &mut Primary, from: WorkerId) -> Message {
    primary.until(|event| match event {
        Event::Message(worker, message) if worker == from => Some(message),
        _ => None,
    })
}
