//! One path, many workers.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};

use cluster::Settings;

use crate::listening::Directory;
use crate::node;
use crate::obeys::{one, some};
use crate::remote::{asks, meanwhile, tell};
use crate::row::Pairing::{NodePrimary, NodeWorker};
use crate::row::{Row, row};
use crate::steps::leaves;

pub fn rows() -> Vec<Row> {
    vec![
        row(26, "eaccess").primary(|mut primary| {
            let directory = Directory::new();
            let path = directory.0.join("socket");
            let _taken = UnixListener::bind(&path).unwrap();
            let [worker] = some(&mut primary);
            let listen = format!("listen unix:{}", path.display());
            assert_eq!(tell(&mut primary, worker, &listen), "EADDRINUSE");
        }),
        row(31, "http_pipe")
            .primary(|mut primary| {
                let directory = Directory::new();
                let path = directory.0.join("socket");
                let worker = one(&mut primary, path.to_str().unwrap());
                let answer = meanwhile(&mut primary, {
                    let path = path.clone();
                    move || get(UnixStream::connect(path).unwrap())
                });
                assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
                assert!(answer.ends_with("a client without an address"), "{answer}");
                leaves(&mut primary, worker);
                assert!(!path.exists());
            })
            .worker(|mut me, path| {
                let listener = me.listen_unix(path).unwrap();
                me.send("ready").unwrap();
                let client = listener.accept().unwrap().unwrap();
                assert!(client.peer_addr().unwrap().is_unnamed());
                let mut lines = BufReader::new(&client).lines();
                while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
                let answer = "HTTP/1.1 200 OK\r\n\r\na client without an address";
                (&client).write_all(answer.as_bytes()).unwrap();
                drop(client);
                assert!(me.recv().unwrap().is_none());
            }),
        row(36, "listen_pipe_readable_writable").primary(|mut primary| {
            let directory = Directory::new();
            let path = directory.0.join("socket");
            let [worker] = some(&mut primary);
            let listen = format!("listen unix:{} readable_all writable_all", path.display());
            tell(&mut primary, worker, &listen);
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o666, 0o666, "{mode:o}");
            assert_eq!(asks(&mut primary, path.to_str().unwrap()), "1");
            leaves(&mut primary, worker);
        }),
        row(41, "net_listen_relative_path").primary(|mut primary| {
            let directory = Directory::new();
            let long = directory.0.join("d".repeat(100));
            std::fs::create_dir_all(long.join("in")).unwrap();
            std::env::set_current_dir(&long).unwrap();
            primary.setup(Settings::new().cwd(long.join("in")));
            let [worker] = some(&mut primary);
            tell(&mut primary, worker, "listen unix:s");
            assert_eq!(asks(&mut primary, "in/s"), "1"); // clients have the limit of 107 bytes, too
            leaves(&mut primary, worker);
            assert!(!long.join("in/s").exists());
        }),
        row(45, "net_server_drop_connection")
            .needs_in(NodeWorker, node::refuses_all)
            .not_in(
                NodePrimary,
                "a Rust worker accepts when it wants to and never refuses; a Node primary sends it one in advance",
            )
            .primary(|mut primary| {
                let directory = Directory::new();
                let path = directory.0.join("socket");
                let workers: [_; 3] = some(&mut primary);
                for (worker, most) in workers.into_iter().zip(["0", "1", "9"]) {
                    let listen = format!("listen unix:{} max:{most}", path.display());
                    tell(&mut primary, worker, &listen);
                }
                let (mut clients, mut served) = (Vec::new(), [0; 3]);
                for _ in 0..10 {
                    let path = path.clone();
                    let (client, by) = meanwhile(&mut primary, move || {
                        let mut client = UnixStream::connect(path).unwrap();
                        let mut byte = [0];
                        client.read_exact(&mut byte).unwrap();
                        (client, byte[0])
                    });
                    clients.push(client);
                    served[usize::from(by - b'1')] += 1;
                }
                assert_eq!(served, [0, 1, 9]);
            }),
    ]
}

/// What an HTTP server answers there.
pub fn get(mut stream: impl Read + Write) -> String {
    stream.write_all(b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}
