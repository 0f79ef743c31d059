//! Serves one request to an open mailbox: the one `match` on [`Ask`], for threads and tasks alike.

use std::sync::Arc;

use crate::backend::context::Context;
use crate::backend::envelopes::envelopes;
use crate::backend::error::{Error, Result};
use crate::backend::find;
use crate::backend::outlet::Outlet;
use crate::backend::reading::{self, Look};
use crate::backend::request::Ask;
use crate::backend::source::Source;
use crate::backend::transfer::{self, CopyOrder};
use crate::driver::job::Job;
use crate::mail::structure::Part;
use crate::mime::document_builder::ViewOptions;

/// Serves `ask`. `Ask::Close` is the server's own affair and is refused here.
pub async fn serve<S: Source>(
    source: &mut S,
    ask: Ask,
    context: &Arc<Context>,
    outlet: &Outlet,
    job: &Job,
) -> Result<()> {
    match ask {
        Ask::Envelopes(uids) => envelopes(source, &uids, outlet, job).await,
        Ask::Structures(uids) => reading::structures(source, &uids, outlet, job).await,
        Ask::View {
            uid,
            width,
            prefer_html,
            peek,
        } => {
            let look = Look {
                uid,
                options: ViewOptions { width, prefer_html },
                peek: peek || context.environment.read_only,
            };
            reading::view(source, &look, outlet, job).await
        }
        Ask::Read(uid, part) => source.hand_up(uid, part, outlet, job).await,
        Ask::ReadSection(uid, section) => {
            reading::section(source, uid, &section, outlet, job).await
        }
        Ask::Export { uid, section, into } => {
            let outlet = outlet.diverted(into);
            match section {
                Some(section) => reading::section(source, uid, &section, &outlet, job).await,
                None => source.hand_up(uid, Part::Whole, &outlet, job).await,
            }
        }
        Ask::Store(uids, change) => source.store(&uids, &change, job).await,
        Ask::Expunge(uids) => source.expunge(uids.as_ref(), job).await,
        Ask::Search(criteria) => find::search(source, &criteria, outlet, job).await,
        Ask::Sort(order) => find::sort(source, order, outlet, job).await,
        Ask::Copy {
            uids,
            to,
            create,
            remove,
        } => {
            let order = CopyOrder {
                uids,
                to,
                create,
                remove,
            };
            transfer::copy(source, order, context, outlet, job).await
        }
        Ask::Check => source.check(job).await,
        // Only servers of mailboxes that snarf have anything to do.
        Ask::Snarf => Ok(()),
        Ask::Close => Err(Error::NotOpen),
    }
}

/// Whether `ask` writes to a mailbox.
pub fn writes(ask: &Ask) -> bool {
    matches!(ask, Ask::Store(..) | Ask::Expunge(_) | Ask::Copy { .. })
}
