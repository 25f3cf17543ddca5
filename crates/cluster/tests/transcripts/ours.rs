//! Our two sides: they do what messages tell them, as `tests/node/transcript.mjs` does.

use std::any::Any;
use std::net::{TcpListener, TcpStream, UdpSocket};

use cluster::{Event, Exit, Listen, Listener, Primary, Worker};

use crate::harness::plain;

pub fn primary(mut primary: Primary) {
    let worker = primary.fork_with(plain("worker")).unwrap();
    while let Some(event) = primary.next_event().unwrap() {
        match event {
            Event::Message(_, message) => match message.text().as_deref() {
                Some("open") => {
                    let number: i32 = std::env::var("OPEN_FD").unwrap().parse().unwrap();
                    primary.send(worker, number).unwrap();
                }
                Some("disconnect") => primary.disconnect(worker),
                Some("give") => {
                    let door = TcpListener::bind("127.0.0.1:0").unwrap();
                    let socket = TcpStream::connect(door.local_addr().unwrap()).unwrap();
                    primary.send_with(worker, "yours", socket).unwrap();
                }
                _ => {}
            },
            Event::Exit { exit, .. } => assert_eq!(exit, Exit::Code(0)),
            Event::Error(_, error) => panic!("{error}"),
            _ => {}
        }
    }
}

pub fn worker(mut me: Worker, _: &str) {
    let mut listeners: Vec<Listener<TcpStream>> = Vec::new();
    let mut open: Vec<Box<dyn Any>> = Vec::new();
    me.send("ready").unwrap();
    while let Some(message) = me.recv().unwrap() {
        if message.handle.is_some() {
            drop(message);
            me.send("closed it").unwrap();
            continue;
        }
        let Some(order) = message.text() else { continue };
        match order.split(' ').collect::<Vec<_>>()[..] {
            ["listen", "any"] => listeners.push(me.listen(Listen::any(0)).unwrap()),
            ["listen", "v6"] => {
                listeners.push(me.listen(Listen::from("[::]:0").only_v6()).unwrap());
            }
            ["listen", "fd", fd] => {
                listeners.push(me.listen(Listen::primary_fd(fd.parse().unwrap())).unwrap());
            }
            ["listen", "unix", path] => {
                let on = Listen::unix(path).backlog(7).readable_all().writable_all();
                open.push(Box::new(me.listen(on).unwrap()));
            }
            ["listen", host] => listeners.push(me.listen(format!("{host}:0")).unwrap()),
            ["listen", host, port] => {
                me.listen(format!("{host}:{port}")).unwrap_err();
            }
            ["bind", "v6"] => {
                let on = Listen::from("[::1]:0").only_v6().reuse_address();
                open.push(Box::new(me.bind_udp(on).unwrap()));
            }
            ["bind", host] => open.push(Box::new(me.bind_udp(format!("{host}:0")).unwrap())),
            ["accept"] => open.push(Box::new(listeners[0].accept().unwrap())),
            ["close"] => listeners.clear(),
            ["leave"] => return me.disconnect().unwrap(),
            ["give", "datagrams"] => {
                me.send_with("yours", UdpSocket::bind("127.0.0.1:0").unwrap()).unwrap();
            }
            ["give"] => me.send_with("yours", TcpListener::bind("127.0.0.1:0").unwrap()).unwrap(),
            _ => panic!("{order}"),
        }
    }
}
