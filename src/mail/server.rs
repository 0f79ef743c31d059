//! The `{host:port/switches}` part of a remote name.
