//! What the two sides say to each other, and the worker's side.

use std::io::{self, Write};

use cluster::Worker;
use narrator::Outcome;
use serde::{Deserialize, Serialize};

// ANCHOR: messages
/// What the primary says. Whatever serde can write is a message.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Request {
    Say(String),
    Multiply { question: u32, a: u64, b: u64 },
    Greet,
    Count(String),
    Nap,
    Number(u32, String),
    Last,
}

/// What a worker answers.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Reply {
    Heard(String),
    Product { question: u32, product: u64 },
    Greeted,
    Counted(usize),
    Napping,
    Read(u32),
}
// ANCHOR_END: messages

// ANCHOR: work
pub(crate) fn work(mut me: Worker) -> Outcome {
    let mut questions = Vec::new();
    let mut numbers = 0;
    while let Some(mut message) = me.recv()? {
        let handle = message.handle.take();
        match message.parse()? {
            Request::Say(text) => me.send(Reply::Heard(text))?,
            Request::Multiply { question, a, b } => {
                // Whoever is asked may answer in an order of its own.
                // ANCHOR: multiply
                questions.push((question, a * b));
                if questions.len() == 2 {
                    for (question, product) in questions.drain(..).rev() {
                        me.send(Reply::Product { question, product })?;
                    }
                }
                // ANCHOR_END: multiply
            }
            Request::Greet => {
                let stream = handle.and_then(|it| it.into_tcp_stream().ok());
                let mut stream = stream.ok_or("no connection came along")?;
                write!(stream, "hello from {}", me.id())?;
                drop(stream); // so that the visitor sees the end
                me.send(Reply::Greeted)?;
            }
            Request::Count(text) => me.send(Reply::Counted(text.len()))?,
            Request::Nap => {
                let bell = handle.and_then(|it| it.into_unix_stream().ok());
                let mut bell = bell.ok_or("no bell came along")?;
                me.send(Reply::Napping)?;
                // A worker that hears nothing but its bell, or the end of the
                // primary that holds it, is what this scene is about.
                io::copy(&mut bell, &mut io::sink())?;
            }
            Request::Number(number, _) if number == numbers => numbers += 1,
            Request::Number(..) => return Err("a number is missing".into()),
            Request::Last => me.send(Reply::Read(numbers))?,
        }
    }
    Ok(()) // the primary asked for the end, or is gone
}
// ANCHOR_END: work
