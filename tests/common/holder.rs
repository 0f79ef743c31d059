//! Another program that has a file locked.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Another program that holds the kernel lock of a file for as long as this lives.
pub(crate) struct Holder(Child);

impl Holder {
    /// Locks `path`; returns when it is locked.
    pub(crate) fn of(path: &Path) -> Self {
        let mut command = Command::new("flock");
        command
            .arg(path)
            .args(["sh", "-c", "echo locked; sleep 60"]);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("flock");
        let mut line = [0; 7];
        let mut stdout = child.stdout.take().expect("piped");
        stdout.read_exact(&mut line).expect("locked");
        Self(child)
    }

    /// As it is told to users.
    pub(crate) fn name(&self) -> String {
        format!("flock (pid {})", self.0.id())
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // The shell has inherited the lock: the whole family goes.
        let children = format!("/proc/{0}/task/{0}/children", self.0.id());
        let mut family = vec![self.0.id().to_string()];
        let mut next = children;
        while let Ok(text) = fs::read_to_string(&next) {
            let Some(child) = text.split_whitespace().next() else {
                break;
            };
            family.push(child.to_owned());
            next = format!("/proc/{child}/task/{child}/children");
        }
        let _ = Command::new("kill").arg("-9").args(family).status();
        let _ = self.0.wait();
    }
}
