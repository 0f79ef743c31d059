//! Search criteria (RFC 3501, 6.4.4).

/// What a message must be to be found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Criteria {
    /// Every message.
    All,
}
