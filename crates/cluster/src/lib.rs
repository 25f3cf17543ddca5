//! Node's `cluster`, in Rust.

/// What this process is.
#[derive(Debug)]
pub enum Role {
    /// The primary.
    Primary(Primary),
    /// A worker.
    Worker(Me),
}

impl Role {
    /// Whether this process is a worker.
    pub fn is_worker(&self) -> bool {
        matches!(self, Role::Worker(_))
    }
}

/// The primary.
#[derive(Debug)]
pub struct Primary;

/// This worker.
#[derive(Debug)]
pub struct Me;

/// Takes this process's role.
///
/// # Errors
/// None yet.
pub fn role() -> Result<Role, std::io::Error> {
    Ok(Role::Primary(Primary))
}
