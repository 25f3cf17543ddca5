//! The worker in Rust: answers each connection in a thread of its own.

use std::env;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use cluster::{Error, Worker};
use host::advise;
use narrator::Outcome;
use visitors::{Guest, Response};

/// How long a worker waits for the first question, and for each later one.
const PATIENCE: [Duration; 2] =
    [Duration::from_secs(5), Duration::from_secs(1)];

pub(crate) fn serve(mut me: Worker) -> Outcome {
    // ANCHOR: listen
    let port = env::var("PORT").unwrap_or("0".to_owned());
    let listener = me.listen(format!("127.0.0.1:{port}"));
    // ANCHOR_END: listen
    let listener = match listener {
        Err(Error::Leaving) => return Ok(()), // asked before it could begin
        listener => listener.map_err(|error| advise(&error))?,
    };
    thread::scope(|scope| {
        while let Some(connection) = listener.accept()? {
            let guest = thread::Builder::new();
            // No thread left? Then nobody attends, and it is closed.
            let _ = guest.spawn_scoped(scope, || attend(connection, &me));
        }
        Ok(()) // asked to leave: the scope waits for those being served
    })
}

/// Serves one connection to its end. Whatever the guest does, the worker lives.
fn attend(guest: TcpStream, me: &Worker) {
    let mut guest = Guest::new(guest);
    let [mut patience, later] = PATIENCE;
    loop {
        let request = match guest.next_request(patience) {
            Ok(Some(request)) => request,
            Ok(None) => return,
            Err(refusal) => return guest.refuse(&refusal),
        };
        let stays = request.keep_alive && !me.is_leaving();
        let response = Response::text(200, "hello from Rust\n")
            .header("X-Worker", me.id().get());
        let response = if stays { response } else { response.close() };
        if guest.answer(&response).is_err() || !stays {
            return;
        }
        patience = later;
    }
}
