//! The worker: one connection at a time, each answer with the worker's name.

use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use cluster::{Error, Worker};
use narrator::Outcome;
use visitors::{Guest, Response};

use crate::Args;

/// How long a worker waits for somebody who does not ask.
const PATIENCE: Duration = Duration::from_secs(1);
/// The longest work that anybody may bring.
const MOST_WORK: Duration = Duration::from_secs(5);

pub(crate) fn serve(mut me: Worker, args: &Args) -> Outcome {
    let port = if args.stay { args.port } else { 0 };
    let listener = match me.listen(format!("127.0.0.1:{port}")) {
        Err(Error::Leaving) => return Ok(()), // asked before it could begin
        listener => listener.map_err(|error| host::advise(&error))?,
    };
    // ANCHOR: serve
    while let Some(connection) = listener.accept()? {
        attend(&mut me, connection, args)?; // from its request to its end
    }
    // ANCHOR_END: serve
    Ok(()) // the primary asked for the end, or is gone
}

/// Serves one connection to its end. Whatever the guest does, the worker lives.
fn attend(me: &mut Worker, guest: TcpStream, args: &Args) -> Outcome {
    let mut guest = Guest::new(guest);
    loop {
        let request = match guest.next_request(PATIENCE) {
            Ok(Some(request)) => request,
            Ok(None) => return Ok(()),
            Err(refusal) => {
                guest.refuse(&refusal);
                return Ok(());
            }
        };
        if args.stay {
            say(me, &format!("serves {}", request.path));
        }
        if let Some(work) = work(&request.path) {
            say(me, "busy");
            thread::sleep(work); // as long as a computation would take
        }
        me.next_event_before(Instant::now())?; // may have been asked to leave
        let stays = request.keep_alive && !me.is_leaving();
        let name = me.id();
        let response = Response::text(200, format!("{name}\n"))
            .header("X-Worker", name.get());
        let response = if stays { response } else { response.close() };
        if guest.answer(&response).is_err() || !stays {
            return Ok(());
        }
    }
}

/// For the primary's story only: without a primary, nobody misses it.
fn say(me: &Worker, news: &str) {
    let _ = me.send(news);
}

/// How long the work takes that `/work?ms=300` brings.
fn work(path: &str) -> Option<Duration> {
    let time = path.strip_prefix("/work?ms=")?.parse().ok()?;
    Some(Duration::from_millis(time).min(MOST_WORK))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_what_the_path_says_and_no_more_than_allowed() {
        assert_eq!(work("/work?ms=300"), Some(Duration::from_millis(300)));
        assert_eq!(work("/work?ms=99999999"), Some(MOST_WORK));
        for path in ["/", "/work", "/work?ms=", "/work?ms=-1", "/work?ms=x"] {
            assert_eq!(work(path), None, "{path}");
        }
    }
}
