//! Messages that a face hands over, made ready to be appended: LF and CRLF both end lines and become CRLF.

use std::io::{self, Read, Write};

use crate::backend::error::Error;
use crate::backend::request::Submission;
use crate::driver::error::{Error as DriverError, Result};
use crate::driver::job::Job;
use crate::driver::message::{Content, Messages, NewMessage};

/// Submissions on their way to a driver.
pub struct Submissions {
    waiting: std::vec::IntoIter<Submission>,
    failure: Option<Error>,
}

impl Submissions {
    /// These, in order.
    pub fn new(submissions: Vec<Submission>) -> Self {
        Self {
            waiting: submissions.into_iter(),
            failure: None,
        }
    }

    /// Why a submission could not be read; the driver only knows that it could not.
    pub fn failure(&mut self) -> Option<Error> {
        self.failure.take()
    }

    fn fail(&mut self, failure: Error) -> DriverError {
        self.failure = Some(failure);
        DriverError::Refused("a message could not be read")
    }
}

impl Messages for Submissions {
    fn next(&mut self, job: &Job) -> Result<Option<NewMessage>> {
        job.checkpoint()?;
        let Some(mut submission) = self.waiting.next() else {
            return Ok(None);
        };
        let mut content = Content::new();
        match with_crlf(&mut submission.source, &mut content, job) {
            Err(_any) if job.checkpoint().is_err() => return Err(DriverError::Cancelled),
            Err(source) => return Err(self.fail(Error::Source(source))),
            Ok(()) if content.is_empty() => return Err(self.fail(Error::EmptyMessage)),
            Ok(()) => {}
        }
        Ok(Some(NewMessage {
            flags: submission.flags,
            internal_date: submission.internal_date,
            sender: None,
            uid: None,
            content,
        }))
    }
}

/// Copies `from` to its end; each LF without a CR before it gets one.
fn with_crlf(from: &mut dyn Read, into: &mut Content, job: &Job) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    let mut after_cr = false;
    loop {
        job.checkpoint()
            .map_err(|_cancelled| io::Error::other("cancelled"))?;
        let got = match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(got) => got,
            Err(again) if again.kind() == io::ErrorKind::Interrupted => continue,
            Err(failure) => return Err(failure),
        };
        let mut rest = buffer.get(..got).unwrap_or_default();
        while let Some(place) = memchr::memchr(b'\n', rest) {
            let (line, tail) = rest.split_at(place);
            let has_cr = line.last().map_or(after_cr, |&last| last == b'\r');
            into.write_all(line)?;
            into.write_all(if has_cr { b"\n" } else { b"\r\n" })?;
            rest = tail.get(1..).unwrap_or_default();
            after_cr = false;
        }
        into.write_all(rest)?;
        after_cr = rest.last().map_or(after_cr, |&last| last == b'\r');
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::driver::job::Reports;
    use crate::mail::change::Change;
    use crate::mail::flags::Flags;
    use crate::mail::text::Foreign;

    struct Silent;

    impl Reports for Silent {
        fn change(&self, _change: Change) {}
        fn progress(&self, _done: u64, _total: u64) {}
        fn notice(&self, _notice: Foreign) {}
    }

    /// Reads in slices of one byte, so that CR and LF come apart.
    struct Trickle(Vec<u8>);

    impl Read for Trickle {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            buffer[0] = self.0.remove(0);
            Ok(1)
        }
    }

    fn taken(source: Box<dyn Read + Send>) -> Result<Vec<u8>> {
        let job = Job::new(Arc::new(Silent), CancellationToken::new());
        let mut submissions = Submissions::new(vec![Submission {
            flags: Flags::default(),
            internal_date: None,
            source,
        }]);
        let mut message = submissions.next(&job)?.expect("one message");
        let mut bytes = Vec::new();
        let mut reader = message.content.reader().expect("readable");
        reader.read_to_end(&mut bytes).expect("readable");
        Ok(bytes)
    }

    #[test]
    fn both_line_ends_become_crlf_wherever_the_slices_fall() {
        let given = b"a\nb\r\n\n\r\nc\rd\r\r\n".to_vec();
        let expected = b"a\r\nb\r\n\r\n\r\nc\rd\r\r\n";
        let whole = taken(Box::new(io::Cursor::new(given.clone()))).expect("accepted");
        assert_eq!(whole, expected);
        let slices = taken(Box::new(Trickle(given))).expect("accepted");
        assert_eq!(slices, expected);
    }

    #[test]
    fn an_empty_message_is_refused() {
        assert!(taken(Box::new(io::empty())).is_err());
    }
}
