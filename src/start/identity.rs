//! Who the user is: the addresses by which an index line tells mail to and from the user.

use crate::config::settings::Settings;
use crate::os::environment::Environment;
use crate::start::demo;

/// The user's own addresses, the main one first.
pub fn addresses(settings: &Settings, environment: &Environment, is_demo: bool) -> Vec<String> {
    let identity = &settings.identity;
    let domain = identity.domain.as_deref();
    let domain = domain.unwrap_or(environment.process.host.as_str());
    let by_login = || format!("{}@{domain}", environment.user.name);
    let main = match &identity.from {
        Some(from) => from.clone(),
        None if is_demo => demo::ADDRESS.to_owned(),
        None => by_login(),
    };
    let mut all = vec![main];
    all.extend(identity.alternates.iter().cloned());
    all
}
