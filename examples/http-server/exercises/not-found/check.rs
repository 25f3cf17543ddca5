//! Requests of all kinds, good and bad.

mod exercise;
mod solution;

use cluster::Role;
use exercises::{Exercise, Verdict, same};

type Answer = fn(&str) -> (u16, &'static str);

pub fn exercise() -> Exercise {
    Exercise::new(file!(), judge, exercise::answer, solution::answer)
}

fn judge(_: Role, answer: Answer) -> Verdict {
    let (good, missing) = ((200, "hello"), (404, "not found"));
    let (method, bad) = ((405, "only GET"), (400, "bad request"));
    for (request, expected) in [
        ("GET / HTTP/1.1", good),
        ("GET / HTTP/1.0", good),
        ("GET /?name=Ada HTTP/1.1", good),
        ("GET /?a=?b HTTP/1.1", good),
        ("GET /favicon.ico HTTP/1.1", missing),
        ("GET /favicon.ico?v=2 HTTP/1.1", missing),
        ("GET // HTTP/1.1", missing),
        ("POST / HTTP/1.1", method),
        ("POST /favicon.ico HTTP/1.1", method),
        ("get / HTTP/1.1", method),
        ("", bad),
        ("GET", bad),
        ("GET /", bad),
        ("GET / HTTP/1.1 please", bad),
        ("GET / HTTP/2", bad),
        ("POST / SPDY", bad),
    ] {
        let what = format!("the answer to {request:?}");
        same(what, expected, answer(request))?;
    }
    Ok(())
}
