//! A message from the other side.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Error, Handle};

/// A message from the other side: any JSON value, perhaps with a socket.
#[derive(Debug)]
pub struct Message {
    /// What was said.
    pub value: Value,
    /// The socket that came with it.
    pub handle: Option<Handle>,
}

impl Message {
    /// The message as a type of yours.
    ///
    /// # Errors
    /// [`Error::UnexpectedMessage`] when it has another shape.
    pub fn parse<T: DeserializeOwned>(self) -> Result<T, Error> {
        serde_json::from_value(self.value).map_err(Error::UnexpectedMessage)
    }

    /// The text, if the message is a bare string.
    pub fn as_str(&self) -> Option<&str> {
        self.value.as_str()
    }

    /// How long it was as a line on the channel.
    pub(crate) fn line_bytes(&self) -> usize {
        self.value.to_string().len() + 1
    }

    /// Makes sure that what came with the message is a socket. Anything else is closed.
    pub(crate) fn with_descriptor(
        value: Value,
        fd: std::os::fd::OwnedFd,
    ) -> (Message, Option<Error>) {
        match Handle::new(fd) {
            Ok(handle) => (Message { value, handle: Some(handle) }, None),
            Err(_) => (Message { value, handle: None }, Some(Error::UnexpectedDescriptor)),
        }
    }
}

impl From<Value> for Message {
    fn from(value: Value) -> Message {
        Message { value, handle: None }
    }
}

impl From<crate::wire::BadLine> for Error {
    fn from(bad: crate::wire::BadLine) -> Error {
        use crate::wire::BadLine;
        match bad {
            BadLine::NotJson { reason, start } => Error::BadLine { reason, start },
            BadLine::TooLong { limit } => Error::LineTooLong(limit),
            BadLine::UnaskedDescriptor => Error::UnexpectedDescriptor,
        }
    }
}
