//! Five more scenes: to everybody, questions and answers, a socket, a long message, a full channel; and nobody there.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;

use cluster::{Event, SendError, WorkerId};
use narrator::Outcome;

use crate::worker::{Reply, Request};
use crate::{Play, lost};

impl Play {
    pub(crate) fn tell_everybody(
        &mut self,
        text: &str,
        workers: usize,
    ) -> Outcome {
        self.story.tell("primary", "tells everybody:", text);
        self.primary.broadcast(Request::Say(text.into()))?;
        for _ in 0..workers {
            let (worker, Reply::Heard(text)) = self.hear()? else {
                return lost();
            };
            self.story.tell(worker, "hears:", text);
        }
        Ok(())
    }

    // ANCHOR: questions
    pub(crate) fn ask_twice(&mut self, worker: WorkerId) -> Outcome {
        for (question, a, b) in [(1, 6, 7), (2, 2, 2)] {
            let asked = format!("question {question}: {a} times {b}");
            self.story.tell("primary", format!("asks {worker}"), asked);
            self.primary.send(worker, Request::Multiply { question, a, b })?;
        }
        for _ in 0..2 {
            let (worker, Reply::Product { question, product }) = self.hear()?
            else {
                return lost();
            };
            let answer = format!("question {question}: {product}");
            self.story.tell(worker, "answers", answer);
        }
        Ok(())
    }
    // ANCHOR_END: questions

    // ANCHOR: connection
    pub(crate) fn hand_over_a_connection(&mut self, to: WorkerId) -> Outcome {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let mut visitor = TcpStream::connect(listener.local_addr()?)?;
        let (connection, _) = listener.accept()?;
        self.story.tell("primary", "hands the visitor's connection to", to);
        self.primary.send_with(to, Request::Greet, connection)?;
        let (worker, Reply::Greeted) = self.hear()? else { return lost() };
        self.story.tell(worker, "greets the visitor", "");
        let mut greeting = String::new();
        visitor.read_to_string(&mut greeting)?; // until everybody has closed it
        self.story.tell("visitor", "hears:", greeting);
        Ok(())
    }
    // ANCHOR_END: connection

    pub(crate) fn send_a_long_message(&mut self, worker: WorkerId) -> Outcome {
        let letters = "x".repeat(1024 * 1024);
        self.story.tell("primary", "sends 1 MiB to", worker);
        self.primary.send(worker, Request::Count(letters))?;
        let (worker, Reply::Counted(count)) = self.hear()? else {
            return lost();
        };
        self.story.tell(worker, "counts", format!("{count} letters"));
        Ok(())
    }

    pub(crate) fn fill_the_channel(&mut self, worker: WorkerId) -> Outcome {
        let (bell, hung_up) = UnixStream::pair()?;
        self.primary.send_with(worker, Request::Nap, hung_up)?;
        let (_, Reply::Napping) = self.hear()? else { return lost() };
        self.story.tell(worker, "takes a nap", "");
        let mut sent = 0;
        loop {
            let number = Request::Number(sent, "x".repeat(1000));
            // ANCHOR: full
            match self.primary.send(worker, number) {
                Ok(_) => sent += 1,
                Err(SendError::Full(..)) => break,
                Err(SendError::Failed(error)) => return Err(error.into()),
            }
            // ANCHOR_END: full
        }
        let full = format!("finds the channel to {worker} full");
        self.story.tell("primary", full, "");
        drop(bell); // it rings
        let Event::Drain(_) = self.next()? else { return lost() };
        self.primary.send(worker, Request::Last)?;
        let (_, Reply::Read(count)) = self.hear()? else { return lost() };
        if count != sent {
            return lost();
        }
        self.story.tell(worker, "wakes, and reads all of it in order", "");
        Ok(())
    }

    pub(crate) fn talk_to_nobody(&mut self, worker: WorkerId) -> Outcome {
        match self.primary.send(worker, Request::Say("anybody?".into())) {
            Err(_) => self.story.tell("primary", "cannot reach", worker),
            Ok(_) => return lost(),
        }
        Ok(())
    }
}
