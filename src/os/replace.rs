//! Atomic replacement of Mugo's own small files.
