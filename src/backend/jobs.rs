//! Requests that need no open mailbox, as the pool's threads serve them.

use std::sync::Arc;

use crate::backend::choose::{check_new_name, for_create};
use crate::backend::contained::contained;
use crate::backend::context::{Context, job as new_job};
use crate::backend::describe;
use crate::backend::doctor;
use crate::backend::errand::Errand;
use crate::backend::error::{Error, Result};
use crate::backend::event::Piece;
use crate::backend::listing::{self, Wanted};
use crate::backend::outlet::{Footing, Outlet};
use crate::backend::pool::Urgency;
use crate::backend::repair;
use crate::backend::request::{Request, Submission};
use crate::backend::snarfing;
use crate::backend::submissions::Submissions;
use crate::backend::subscriptions;
use crate::backend::transfer;
use crate::backend::whole;
use crate::driver::job::Job;
use crate::mail::name::MailboxName;

/// Hands a request to the pool. It is answered there, or here when there is no thread.
pub fn post(context: &Arc<Context>, errand: Errand, request: Request) {
    let urgency = match &request {
        Request::Unseen { .. } => Urgency::Elsewhere,
        Request::Status(name) if name.is_remote() => Urgency::Elsewhere,
        Request::Status(_) => Urgency::Background,
        _ => Urgency::Now,
    };
    let names = names(&request);
    let serving = Arc::clone(context);
    let work = Box::new(move || serve(&serving, errand, request));
    // Where the pool has no thread the work is dropped, and the errand with it, which answers.
    if let Err(source) = context.pool.run(urgency, names, work) {
        let what = "cannot start a thread";
        context.failed(Error::System { what, source });
    }
}

/// Whether a request writes to files of the user's.
pub fn writes(request: &Request) -> bool {
    matches!(
        request,
        Request::Create(_)
            | Request::Delete(_)
            | Request::Rename(..)
            | Request::Subscribe(..)
            | Request::Append(..)
            | Request::Transfer { .. }
    )
}

fn serve(context: &Arc<Context>, errand: Errand, request: Request) {
    if !errand.begin() {
        return;
    }
    let outlet = context.outlet(None, Some(&errand), Footing::Thread);
    let job = new_job(&outlet, errand.token());
    errand.finish(contained(|| perform(context, request, &outlet, &job)));
}

fn perform(context: &Arc<Context>, request: Request, outlet: &Outlet, job: &Job) -> Result<()> {
    match request {
        Request::Status(name) => {
            let choice = context.choice(&name)?;
            let status = snarfing::status(context, &choice, &job.glancing())?;
            outlet.piece_blocking(Piece::Status(status));
            Ok(())
        }
        Request::Create(name) => {
            let choice = for_create(&context.drivers, &context.place(&name)?)?;
            Ok(choice.driver.create(&choice.place, job)?)
        }
        Request::About(name) => {
            let about = describe::about(context, &name, job)?;
            outlet.piece_blocking(Piece::About(Box::new(about)));
            Ok(())
        }
        Request::Delete(name) => delete(context, &name, job),
        Request::Rename(from, to) => rename(context, &from, &to, job),
        Request::Append(to, submissions) => append(context, &to, submissions, outlet, job),
        Request::Transfer { from, to } => whole::transfer(context, &from, to, outlet, job),
        Request::Doctor => {
            doctor::examine(context, job, &mut |finding| {
                outlet.piece_blocking(Piece::Finding(finding));
            });
            Ok(())
        }
        Request::Repair { name, format } => {
            repair::repair(context, &name, format.as_deref(), job, &mut |finding| {
                outlet.piece_blocking(Piece::Finding(finding));
            })
        }
        Request::List {
            reference,
            pattern,
            subscribed: false,
            ..
        } if pattern.is_empty() => {
            let root = listing::root(context, &reference, job)?;
            outlet.piece_blocking(Piece::Root(root));
            Ok(())
        }
        Request::List {
            reference,
            pattern,
            subscribed,
            containing,
        } => {
            let wanted = Wanted {
                reference,
                pattern,
                subscribed,
                containing,
            };
            listing::list(context, &wanted, job, &mut |batch| {
                outlet.piece_blocking(Piece::Listed(batch));
            })
        }
        Request::Unseen { reference, pattern } => {
            listing::unseen(context, &reference, &pattern, job, &mut |batch| {
                outlet.piece_blocking(Piece::Unseen(batch));
            })
        }
        Request::Subscribe(name, is_wanted) if name.is_remote() => Ok(context
            .drivers
            .imap(&name)?
            .subscribe(&name, is_wanted, job)?),
        Request::Subscribe(name, true) => {
            subscriptions::subscribe(&context.environment, &name, job)
        }
        Request::Subscribe(name, false) => {
            subscriptions::unsubscribe(&context.environment, &name, job)
        }
        // Those are never posted here: open mailboxes have servers of their own, and a trace waits for nothing.
        Request::Open { .. } | Request::On(..) | Request::Trace(_) => Err(Error::NotOpen),
    }
}

fn delete(context: &Context, name: &MailboxName, job: &Job) -> Result<()> {
    if name.is_inbox() {
        return Err(Error::Forbidden {
            what: "INBOX",
            why: "cannot be deleted",
        });
    }
    let choice = context.choice(name)?;
    context.open.forbid(&choice.place.path)?;
    choice.driver.delete(&choice.place, job)?;
    let followed = subscriptions::follow_delete(&context.environment, name, job);
    report_unfollowed(followed, job);
    Ok(())
}

fn rename(context: &Context, from: &MailboxName, to: &MailboxName, job: &Job) -> Result<()> {
    check_new_name(to)?;
    let choice = context.choice(from)?;
    context.open.forbid(&choice.place.path)?;
    let place = context.place(to)?;
    choice.driver.rename(&choice.place, &place, job)?;
    let followed = subscriptions::follow_rename(&context.environment, from, to, job);
    report_unfollowed(followed, job);
    Ok(())
}

/// The mailbox itself is gone or renamed by now: what the subscriptions say does not change that.
fn report_unfollowed(followed: Result<()>, job: &Job) {
    if let Err(error) = followed {
        job.notice(format!(
            "the list of subscriptions was not changed: {error}"
        ));
    }
}

fn append(
    context: &Context,
    to: &MailboxName,
    submissions: Vec<Submission>,
    outlet: &Outlet,
    job: &Job,
) -> Result<()> {
    let mut messages = Submissions::new(submissions);
    match transfer::append(context, to, false, &mut messages, job) {
        Ok(delivered) => {
            outlet.piece_blocking(Piece::Appended(delivered.appended));
            Ok(())
        }
        Err(error) => Err(messages.failure().unwrap_or(error)),
    }
}

/// The mailboxes that a request concerns: requests with one in common keep their order.
fn names(request: &Request) -> Vec<MailboxName> {
    match request {
        Request::Status(name)
        | Request::About(name)
        | Request::Create(name)
        | Request::Delete(name)
        | Request::Append(name, _) => vec![name.without_format()],
        Request::Rename(one, other)
        | Request::Transfer {
            from: one,
            to: other,
        } => vec![one.without_format(), other.without_format()],
        _ => Vec::new(),
    }
}
