//! Sockets that travel with messages.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use cluster::{Event, Handle, HandleKind, Primary, Worker, WorkerId, json};

use crate::harness::{DEADLINE, Events, Test, exit_of, part, test};

pub fn tests() -> Vec<Test> {
    vec![
        test("a_worker_serves_a_connection_that_the_primary_took")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
                primary.send_with(worker, "serve", listener.accept().unwrap().0).unwrap();
                client.write_all(b"ping").unwrap();
                client.shutdown(std::net::Shutdown::Write).unwrap();
                drives_while(&mut primary, move || {
                    let mut answer = String::new();
                    client.read_to_string(&mut answer).unwrap();
                    assert_eq!(answer, "worker 1 got ping");
                });
            })
            .worker(|mut me, _| {
                let message = me.recv().unwrap().unwrap();
                let mut stream = message.handle.unwrap().into_tcp_stream().unwrap();
                let mut text = String::new();
                stream.read_to_string(&mut text).unwrap(); // blocks, as a stream of std's does
                write!(stream, "{} got {text}", me.id()).unwrap();
                drop(stream);
                assert!(me.recv().unwrap().is_none());
            }),
        test("a_connection_ends_when_the_worker_closes_it_however_busy_it_is_afterwards")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
                primary.send_with(worker, "serve", listener.accept().unwrap().0).unwrap();
                drives_while(&mut primary, move || {
                    // The primary's copy has to be closed too, or this never ends.
                    client.set_read_timeout(Some(DEADLINE)).unwrap();
                    assert_eq!(client.read(&mut [0; 1]).unwrap(), 0);
                });
            })
            .worker(|mut me, _| {
                let message = me.recv().unwrap().unwrap();
                drop(message);
                loop {
                    std::thread::park(); // it never asks for another message
                }
            }),
        test("a_worker_that_only_tries_to_send_goes_on_when_its_socket_has_arrived")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                assert_eq!(primary.hears(worker), json!("with a socket"));
                assert_eq!(primary.hears(worker), json!("without"));
            })
            .worker(|me, _| {
                me.send_with("with a socket", UnixStream::pair().unwrap().0).unwrap();
                while let Err(refusal) = me.try_send("without") {
                    assert!(matches!(refusal, cluster::SendError::Full("without", _)));
                    std::thread::yield_now();
                }
            }),
        test("a_handle_that_a_worker_took_before_its_end_counts_as_delivered")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                primary.waits_until_online(1);
                primary.send_with(worker, 1, UnixStream::pair().unwrap().0).unwrap();
                let end = ["worker 1 disconnected", "worker 1 exits 0, unasked"];
                assert_eq!(primary.rest(), end);
            })
            .worker(|mut me, _| {
                assert!(me.recv().unwrap().unwrap().handle.is_some());
                std::process::exit(0)
            }),
        test("listeners_datagrams_and_unix_streams_travel_too")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let address = listener.local_addr().unwrap();
                primary.send_with(worker, "tcp listener", listener).unwrap();
                let mut text = String::new();
                TcpStream::connect(address).unwrap().read_to_string(&mut text).unwrap();
                assert_eq!(text, "from a listener");

                let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
                let client = UdpSocket::bind("127.0.0.1:0").unwrap();
                client.set_read_timeout(Some(DEADLINE)).unwrap();
                client.connect(udp.local_addr().unwrap()).unwrap();
                client.send(b"ping").unwrap();
                primary.send_with(worker, "udp socket", udp).unwrap();
                drives_while(&mut primary, move || {
                    let mut answer = [0; 16];
                    let count = client.recv(&mut answer).unwrap();
                    assert_eq!(&answer[..count], b"ping");
                });

                let (mut ours, theirs) = UnixStream::pair().unwrap();
                primary.send_with(worker, "unix stream", theirs).unwrap();
                drives_while(&mut primary, move || {
                    let mut text = String::new();
                    ours.read_to_string(&mut text).unwrap();
                    assert_eq!(text, "from a unix stream");
                });
            })
            .worker(use_what_comes),
        test("a_worker_sends_sockets_to_the_primary")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                let connected = next_handle(&mut primary, worker).into_tcp_listener().unwrap();
                let mut client = TcpStream::connect(connected.local_addr().unwrap()).unwrap();
                client.write_all(b"x").unwrap();
                connected.accept().unwrap();
                let udp = next_handle(&mut primary, worker).into_udp_socket().unwrap();
                assert!(udp.local_addr().unwrap().port() > 0);
                let mut stream = next_handle(&mut primary, worker).into_unix_stream().unwrap();
                let mut text = String::new();
                stream.read_to_string(&mut text).unwrap();
                assert_eq!(text, "already written");
            })
            .worker(|me, _| {
                me.send_with(1, TcpListener::bind("127.0.0.1:0").unwrap()).unwrap();
                me.send_with(2, UdpSocket::bind("127.0.0.1:0").unwrap()).unwrap();
                let (mut ours, theirs) = UnixStream::pair().unwrap();
                ours.write_all(b"already written").unwrap();
                me.send_with(3, theirs).unwrap();
            }),
        test("handles_in_both_directions_at_once_do_not_deadlock_and_keep_their_order")
            .primary(|mut primary| {
                let workers = [primary.fork().unwrap(), primary.fork().unwrap()];
                let mut ends = Vec::new();
                for number in 0..100 {
                    for worker in workers {
                        let (ours, theirs) = UnixStream::pair().unwrap();
                        ends.push(ours);
                        primary.send_with(worker, json!([number, "handle"]), theirs).unwrap();
                        primary.send(worker, json!([number, "plain"])).unwrap();
                    }
                }
                let mut heard = [0, 0];
                primary.until(|event| {
                    if let Event::Message(worker, message) = event {
                        let count = &mut heard[worker.get() as usize - 1];
                        assert_eq!(message.value().unwrap()[0], json!(*count / 2));
                        assert_eq!(message.handle.is_some(), *count % 2 == 0);
                        *count += 1;
                    }
                    (heard == [201, 201]).then_some(())
                });
            })
            .worker(|mut me, _| {
                for number in 0..100 {
                    let (_, theirs) = UnixStream::pair().unwrap();
                    me.send_with(json!([number, "handle"]), theirs).unwrap();
                    me.send(json!([number, "plain"])).unwrap();
                }
                for count in 0..200 {
                    let message = me.recv().unwrap().unwrap();
                    assert_eq!(message.value().unwrap()[0], json!(count / 2));
                    assert_eq!(message.handle.is_some(), count % 2 == 0);
                }
                let (_, theirs) = UnixStream::pair().unwrap();
                me.send_with(json!([100]), theirs).unwrap();
                assert!(me.recv().unwrap().is_none());
            }),
        test("a_large_message_travels_with_its_socket_both_ways")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                let text = "x".repeat(800_000);
                let (mut ours, theirs) = UnixStream::pair().unwrap();
                ours.write_all(b"!").unwrap();
                primary.send_with(worker, &text, theirs).unwrap();
                let back = primary.until(|event| match event {
                    Event::Message(_, message) => Some(message),
                    _ => None,
                });
                assert!(back.text().as_deref() == Some(&text));
                let mut stream = back.handle.unwrap().into_unix_stream().unwrap();
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                assert_eq!(&byte, b"!");
            })
            .worker(|mut me, _| {
                let message = me.recv().unwrap().unwrap();
                me.send_with(message.value().unwrap(), message.handle.unwrap()).unwrap();
                assert!(me.recv().unwrap().is_none());
            }),
        test("a_refused_handle_is_given_back")
            .primary(|mut primary| {
                let worker = primary.fork_with(part("leaving")).unwrap();
                exit_of(&mut primary);
                let (stream, _other) = UnixStream::pair().unwrap();
                // There is no way to try again with a worker that is gone, so the socket is closed.
                primary.send_with(worker, 1, stream).unwrap_err();
                let deaf = primary.fork_with(part("deaf").queue_limit(1000)).unwrap();
                primary.send(deaf, "x".repeat(1_000_000)).unwrap();
                let (stream, mut other) = UnixStream::pair().unwrap();
                match primary.send_with(deaf, 1, stream) {
                    Err(cluster::SendError::Full((1, handle), _)) => {
                        handle.into_unix_stream().unwrap().write_all(b"mine").unwrap();
                    }
                    other => panic!("{other:?}"),
                }
                let mut text = String::new();
                other.read_to_string(&mut text).unwrap();
                assert_eq!(text, "mine");
            })
            .worker(|me, part| match part {
                "leaving" => drop(me),
                _ => loop {
                    std::thread::park();
                },
            }),
        test("only_sockets_are_handles_and_each_is_what_the_kernel_says").primary(|_| {
            let file = std::fs::File::open("/proc/self/exe").unwrap();
            let pipe = std::io::pipe().unwrap().0;
            assert!(Handle::new(file.into()).is_err() && Handle::new(pipe.into()).is_err());

            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let kind = |fd: std::os::fd::BorrowedFd<'_>| {
                Handle::new(fd.try_clone_to_owned().unwrap()).unwrap().kind()
            };
            assert_eq!(kind(client.as_fd()), HandleKind::Stream);
            assert_eq!(kind(listener.as_fd()), HandleKind::Listener);
            drop(listener.accept().unwrap());
            assert_eq!(kind(client.as_fd()), HandleKind::Stream); // although its peer has gone
            let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
            assert_eq!(kind(udp.as_fd()), HandleKind::Datagram);
        }),
        test("asking_a_handle_for_the_wrong_kind_gives_it_back_unchanged").primary(|_| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            listener.set_nonblocking(true).unwrap();
            let handle = Handle::from(listener).into_tcp_stream().unwrap_err();
            let handle = handle.into_unix_stream().unwrap_err();
            let handle = handle.into_udp_socket().unwrap_err();
            let handle = handle.into_unix_listener().unwrap_err();
            let listener = handle.into_tcp_listener().unwrap();
            // Others may share it, and count on its mode.
            assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
        }),
    ]
}

/// Does something blocking that needs the primary to go on.
fn drives_while(primary: &mut Primary, work: impl FnOnce() + Send + 'static) {
    let wakes = Wakes(primary.waker());
    let thread = std::thread::spawn(move || {
        let _at_the_end = wakes;
        work();
    });
    primary.until(|event| matches!(event, Event::Woken).then_some(()));
    thread.join().unwrap();
}

struct Wakes(cluster::Waker);

impl Drop for Wakes {
    fn drop(&mut self) {
        self.0.wake();
    }
}

fn next_handle(primary: &mut Primary, from: WorkerId) -> Handle {
    primary.until(|event| match event {
        Event::Message(worker, message) if worker == from => message.handle,
        _ => None,
    })
}

fn use_what_comes(mut me: Worker, _: &str) {
    while let Some(message) = me.recv().unwrap() {
        let (what, handle) = (message.text().unwrap(), message.handle.unwrap());
        match what.as_str() {
            "tcp listener" => {
                let listener = handle.into_tcp_listener().unwrap();
                listener.set_nonblocking(false).unwrap();
                listener.accept().unwrap().0.write_all(b"from a listener").unwrap();
            }
            "udp socket" => {
                let (udp, mut bytes) = (handle.into_udp_socket().unwrap(), [0; 16]);
                let (count, from) = udp.recv_from(&mut bytes).unwrap();
                udp.send_to(&bytes[..count], from).unwrap();
            }
            "unix stream" => {
                let mut stream = handle.into_unix_stream().unwrap();
                stream.write_all(b"from a unix stream").unwrap();
            }
            other => panic!("{other}"),
        }
    }
}
