//! The local drivers in the order in which they are asked whether a file is theirs.

use std::sync::Arc;

use crate::driver::contract::LocalDriver;
use crate::driver::dummy::Dummy;
use crate::driver::maildir::driver::MaildirDriver;
use crate::driver::mbox::Mbox;
use crate::driver::mbx::Mbx;
use crate::driver::mh::driver::MhDriver;
use crate::driver::mix::driver::MixDriver;
use crate::driver::mmdf::Mmdf;
use crate::driver::mtx;
use crate::driver::mx::driver::MxDriver;
use crate::driver::news::driver::NewsDriver;
use crate::driver::phile::driver::Phile;
use crate::driver::tenex;
use crate::driver::unix::Unix;
use crate::os::environment::Environment;

/// All local drivers in probing order; the first that says [`Probe::Mine`](crate::driver::contract::Probe::Mine) owns the place.
pub fn local_drivers(environment: &Arc<Environment>) -> Vec<Box<dyn LocalDriver>> {
    vec![
        Box::new(Mbox::new(environment)),
        Box::new(MixDriver::new(environment)),
        Box::new(MxDriver::new(environment)),
        Box::new(MaildirDriver::new(environment)),
        Box::new(Mbx::new(environment)),
        Box::new(tenex::driver(environment)),
        Box::new(mtx::driver(environment)),
        Box::new(MhDriver::new(environment)),
        Box::new(Mmdf::new(environment)),
        Box::new(Unix::new(environment)),
        Box::new(NewsDriver::new(environment)),
        Box::new(Phile::new(environment)),
        Box::new(Dummy::new(environment)),
    ]
}
