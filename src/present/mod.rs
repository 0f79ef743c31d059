//! Mail as lines of plain text, for both faces.
