//! Node's wire protocol without any I/O: bytes and descriptors in, messages out, and the other way
//! round.
//!
//! One message is one line: JSON in UTF-8, ended by `\n`. A line that brings a socket is wrapped in
//! `NODE_HANDLE`, sent with the descriptor in `SCM_RIGHTS`, and nothing but answers may follow it
//! until the peer has said `NODE_HANDLE_ACK`. Sources: Node's `lib/internal/child_process.js` and
//! `lib/internal/child_process/serialization.js`.

mod decoder;
mod envelope;
mod fields;
mod incoming;
mod json;
mod outbox;

#[cfg(test)]
mod decoder_tests;
#[cfg(test)]
mod limit_tests;
#[cfg(test)]
mod oddity_tests;
#[cfg(test)]
mod outbox_property_tests;
#[cfg(test)]
mod outbox_tests;
#[cfg(test)]
mod shortage_tests;
#[cfg(test)]
mod test_oracle;
#[cfg(test)]
mod test_peer;
#[cfg(test)]
mod transcript_tests;

pub(crate) use decoder::Decoder;
pub(crate) use envelope::{Envelope, Received, WithSocket};
pub(crate) use incoming::{BadLine, INTERNAL_LIMIT, Incoming};
pub(crate) use json::Json;
pub(crate) use outbox::{Line, Outbox};

/// The peer has the descriptor.
pub(crate) const ACK: &[u8] = b"{\"cmd\":\"NODE_HANDLE_ACK\"}\n";
/// The line came, its descriptor did not.
pub(crate) const NACK: &[u8] = b"{\"cmd\":\"NODE_HANDLE_NACK\"}\n";
