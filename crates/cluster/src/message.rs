//! A message from the other side.

use std::fmt;
use std::os::fd::OwnedFd;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::wire::{BadLine, Json};
use crate::{Error, Handle};

/// A message from the other side: any JSON value, perhaps with a socket.
///
/// It stays the text that it came as until the program asks what it says: nobody can make this
/// process spend memory on what it does not want to know. Displayed it is that text; `{:?}`
/// shortens it.
pub struct Message {
    json: Json,
    /// The socket that came with it.
    pub handle: Option<Handle>,
}

impl Message {
    /// What was said, as any JSON.
    ///
    /// A `Value` may take a hundred times the memory of its text; [`parse`](Message::parse) takes
    /// what the type takes.
    ///
    /// # Errors
    /// [`Error::UnexpectedMessage`] where serde_json knows no such value: nested deeper than 127
    /// levels, or a number beyond `f64`.
    pub fn value(&self) -> Result<Value, Error> {
        self.json.parse().map_err(Error::UnexpectedMessage)
    }

    /// The message as a type of yours.
    ///
    /// # Errors
    /// [`Error::UnexpectedMessage`] when it has another shape.
    pub fn parse<T: DeserializeOwned>(self) -> Result<T, Error> {
        self.json.parse().map_err(Error::UnexpectedMessage)
    }

    /// The text, if the message is a bare string.
    pub fn text(&self) -> Option<String> {
        self.json.text()
    }

    /// The length of the line that brought it: newline, and the wrapper of a handle included.
    pub(crate) fn line_bytes(&self) -> usize {
        self.json.line_bytes()
    }

    /// Makes sure that what came with the message is a socket. Anything else is closed.
    pub(crate) fn with_descriptor(json: Json, fd: OwnedFd) -> (Message, Option<Error>) {
        match Handle::new(fd) {
            Ok(handle) => (Message { json, handle: Some(handle) }, None),
            Err(_) => (Message { json, handle: None }, Some(Error::UnexpectedDescriptor)),
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.json.fmt(f)
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Message { json, handle } = self;
        f.debug_struct("Message").field("json", json).field("handle", handle).finish()
    }
}

impl From<Json> for Message {
    fn from(json: Json) -> Message {
        Message { json, handle: None }
    }
}

impl From<Value> for Message {
    fn from(value: Value) -> Message {
        let text = value.to_string().into_bytes();
        let line_bytes = text.len() + 1;
        Json::new(text, line_bytes).into()
    }
}

impl From<BadLine> for Error {
    fn from(bad: BadLine) -> Error {
        match bad {
            BadLine::NotJson { reason, start } => Error::BadLine { reason, start },
            BadLine::TooLong { limit } => Error::LineTooLong(limit),
            BadLine::UnaskedDescriptor => Error::UnexpectedDescriptor,
        }
    }
}
