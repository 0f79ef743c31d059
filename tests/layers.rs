//! The plan of the house, checked on its source: every arrow between floors is one of those allowed, no two files
//! import each other in a circle, libraries with a keeper are used by that keeper alone. The plan is in `src/lib.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// What each floor may import, besides itself.
const ARROWS: &[(&str, &[&str])] = &[
    ("main", &["start"]),
    ("start", &["tui", "cli", "backend", "config", "os", "mail"]),
    ("tui", &["backend", "present", "mime", "mail"]),
    ("cli", &["backend", "present", "mail"]),
    ("backend", &["driver", "submit", "mime", "os", "mail"]),
    ("driver", &["net", "wire", "os", "mail"]),
    ("submit", &["net", "wire", "mime"]),
    ("net", &["wire", "mail"]),
    ("present", &["mime", "mail"]),
    ("wire", &["mail"]),
    ("mime", &["mail"]),
    ("config", &["mail"]),
    ("mail", &[]),
    ("os", &[]),
];

/// Libraries that only some floors may use.
const KEEPERS: &[(&str, &[&str])] = &[
    ("mail_parser", &["mime"]),
    ("html2text", &["mime"]),
    ("ratatui", &["tui"]),
    ("crossterm", &["tui"]),
    ("clap", &["cli", "start"]),
    ("serde_json", &["cli"]),
    ("rustls", &["net"]),
    ("tokio_rustls", &["net"]),
    ("rsasl", &["wire"]),
    ("async_compression", &["net"]),
];

/// Source by path below `src`, without extension: `mail/name` → text.
type Tree = BTreeMap<String, String>;

#[test]
fn the_source_keeps_to_the_plan() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut tree = Tree::new();
    read_tree(&root, "", &mut tree);
    assert!(tree.len() > 50, "the source was not found");
    let complaints = complaints(&tree);
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn a_forbidden_arrow_is_found() {
    let tree = made_up(&[
        ("mail/uid", "use crate::tui::run::Run;\n"),
        ("tui/run", "struct Run;"),
    ]);
    assert_eq!(
        complaints(&tree),
        ["mail/uid: mail must not import tui/run"]
    );
    let tree = made_up(&[
        ("cli/run", "fn f() { crate::os::files::g() }"),
        ("os/files", ""),
    ]);
    assert_eq!(complaints(&tree), ["cli/run: cli must not import os/files"]);
}

#[test]
fn a_circle_of_files_is_found_also_through_braces_and_a_third_file() {
    let tree = made_up(&[
        ("mail/a", "use crate::mail::{b::B, x};"),
        ("mail/b", "use crate::mail::c::{C, D};"),
        ("mail/c", "fn f() -> crate::mail::a::A {}"),
        ("mail/x", ""),
    ]);
    assert_eq!(complaints(&tree), ["circle: mail/a mail/b mail/c"]);
}

#[test]
fn a_library_outside_its_keeper_and_a_path_upward_are_found() {
    let tree = made_up(&[
        ("cli/read", "use mail_parser::Message;"),
        ("cli/x", "use super::read;"),
        ("cli/mod", "pub mod read;\npub struct S;"),
    ]);
    let expected = [
        "cli/mod: mod.rs only declares modules",
        "cli/read: mail_parser belongs to mime",
        "cli/x: imports go through crate::, not super::",
    ];
    assert_eq!(complaints(&tree), expected);
}

#[test]
fn comments_texts_and_tests_do_not_count() {
    let text = "//! See crate::tui::run.\n/// [`crate::tui::run`]\nfn f() {} // crate::tui::run\n\
        #[cfg(test)]\nmod tests { use super::*; use crate::tui::run; }\n";
    let tree = made_up(&[("mail/uid", text), ("tui/run", "")]);
    assert!(complaints(&tree).is_empty());
}

fn complaints(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    let mut arrows = BTreeMap::new();
    for (file, text) in tree {
        let code = code_of(text);
        let imports = imports(&code, tree);
        found.extend(imports.iter().filter_map(|to| forbidden(file, to)));
        found.extend(manners(file, &code));
        arrows.insert(file.clone(), imports);
    }
    found.extend(circles(&arrows));
    found
}

fn forbidden(from: &str, to: &str) -> Option<String> {
    let floor = |file: &str| file.split('/').next().unwrap_or_default().to_owned();
    let (above, below) = (floor(from), floor(to));
    let Some((_, allowed)) = ARROWS.iter().find(|entry| entry.0 == above) else {
        return Some(format!("{from}: no such floor in the plan"));
    };
    let fine = above == below || allowed.contains(&below.as_str());
    (!fine).then(|| format!("{from}: {above} must not import {to}"))
}

fn manners(file: &str, code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let floor = file.split('/').next().unwrap_or_default();
    for (library, keepers) in KEEPERS {
        let used = words_before(code, "::").any(|word| word == *library);
        if used && !keepers.contains(&floor) {
            found.push(format!(
                "{file}: {library} belongs to {}",
                keepers.join(", ")
            ));
        }
    }
    if code.contains("super::") {
        found.push(format!("{file}: imports go through crate::, not super::"));
    }
    let declares = |line: &str| {
        let line = line.trim();
        line.is_empty() || line.starts_with("#[") || (line.contains("mod ") && line.ends_with(';'))
    };
    if file.ends_with("/mod") && !code.lines().all(declares) {
        found.push(format!("{file}: mod.rs only declares modules"));
    }
    found
}

/// Groups of files that reach each other, by taking away what nothing enters or leaves until only circles are left.
fn circles(arrows: &BTreeMap<String, BTreeSet<String>>) -> Option<String> {
    let mut left: BTreeSet<&String> = arrows.keys().collect();
    loop {
        let enters = |file: &String| left.iter().any(|from| arrows[*from].contains(file));
        let leaves = |file: &String| arrows[file].iter().any(|to| left.contains(to));
        let staying: BTreeSet<&String> = left
            .iter()
            .copied()
            .filter(|file| enters(file) && leaves(file))
            .collect();
        if staying.len() == left.len() {
            break;
        }
        left = staying;
    }
    let names: Vec<&str> = left.iter().map(|file| file.as_str()).collect();
    (!names.is_empty()).then(|| format!("circle: {}", names.join(" ")))
}

/// The files that `code` names by `crate::` paths, braces taken apart.
fn imports(code: &str, tree: &Tree) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (start, _) in code.match_indices("crate::") {
        let before = code[..start].chars().next_back();
        if before.is_none_or(|letter| !letter.is_alphanumeric() && letter != '_') {
            collect(&code[start + "crate::".len()..], "", tree, &mut found);
        }
    }
    found
}

fn collect(text: &str, prefix: &str, tree: &Tree, found: &mut BTreeSet<String>) {
    let text = text.trim_start();
    if let Some(inside) = text.strip_prefix('{') {
        for entry in entries(inside) {
            collect(entry, prefix, tree, found);
        }
        return;
    }
    let end = text.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
    let (word, rest) = text.split_at(end.unwrap_or(text.len()));
    let path = if prefix.is_empty() {
        word.to_owned()
    } else {
        format!("{prefix}/{word}")
    };
    let is_folder = tree
        .keys()
        .any(|file| file.starts_with(&format!("{path}/")));
    match rest.strip_prefix("::") {
        Some(rest) if is_folder => {
            let before = found.len();
            collect(rest, &path, tree, found);
            if found.len() == before && tree.contains_key(&path) {
                found.insert(path);
            }
        }
        _ if tree.contains_key(&path) => {
            found.insert(path);
        }
        _ if tree.contains_key(prefix) => {
            found.insert(prefix.to_owned());
        }
        _ => {}
    }
}

/// The comma-separated entries up to the brace that closes the group.
fn entries(inside: &str) -> Vec<&str> {
    let mut depth = 0;
    let mut start = 0;
    let mut found = Vec::new();
    for (place, letter) in inside.char_indices() {
        match letter {
            '{' => depth += 1,
            ',' if depth == 0 => {
                found.push(&inside[start..place]);
                start = place + 1;
            }
            '}' if depth == 0 => {
                found.push(&inside[start..place]);
                break;
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    found.retain(|entry| !entry.trim().is_empty());
    found
}

/// The code alone: comments go, and everything from the first `#[cfg(test)]` on a module.
fn code_of(text: &str) -> String {
    let mut code = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let next = lines.peek().map_or("", |line| line.trim());
        if line.trim() == "#[cfg(test)]" && next.starts_with("mod ") {
            break;
        }
        code.push_str(line.split("//").next().unwrap_or_default());
        code.push('\n');
    }
    code
}

fn words_before<'c>(code: &'c str, mark: &'c str) -> impl Iterator<Item = &'c str> {
    code.match_indices(mark).map(|(place, _)| {
        let before = &code[..place];
        let start = before.rfind(|letter: char| !letter.is_alphanumeric() && letter != '_');
        start.map_or(before, |start| {
            before[start..].trim_start_matches(|letter: char| !letter.is_alphanumeric())
        })
    })
}

fn read_tree(folder: &Path, prefix: &str, tree: &mut Tree) {
    for entry in fs::read_dir(folder).expect("the source can be read") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            read_tree(&path, &format!("{prefix}{name}/"), tree);
        } else if let Some(name) = name.strip_suffix(".rs")
            && !["tests", "lib"].contains(&name)
        {
            let text = fs::read_to_string(&path).expect("text");
            tree.insert(format!("{prefix}{name}"), text);
        }
    }
}

fn made_up(files: &[(&str, &str)]) -> Tree {
    let files = files.iter();
    files
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect()
}
