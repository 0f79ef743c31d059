//! Safe names for files that hold attachments.

/// A name for a file from the name that a sender gave: its last component, cleaned, 1 to 200 bytes, neither hidden nor like an option.
pub fn safe_name(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(200)
        .collect();
    if clean.is_empty() {
        "attachment".to_owned()
    } else {
        clean
    }
}
