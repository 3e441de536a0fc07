//! The rows of the suite, read from their files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// One hostile set-up, as the suite's own page describes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) make: Vec<Vec<String>>,
    #[serde(default)]
    pub(crate) call: Vec<String>,
    pub(crate) want: Option<String>,
    pub(crate) deny: Option<String>,
    pub(crate) canon: Option<char>,
    pub(crate) needs: Option<String>,
    pub(crate) shown_by: Option<String>,
    pub(crate) open: Option<String>,
}

#[derive(Deserialize)]
struct Sheet {
    row: Vec<Row>,
}

impl Row {
    pub(crate) fn needs(&self, what: &str) -> bool {
        self.needs.as_deref() == Some(what)
    }
}

/// Where the suite is.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../xtask/suites/attacks")
}

/// All rows, by the order of their files.
pub(crate) fn all() -> Vec<Row> {
    let mut sheets = BTreeMap::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "toml") {
            let text = std::fs::read_to_string(&path).unwrap();
            let sheet: Sheet =
                toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            sheets.insert(path, sheet.row);
        }
    }
    sheets.into_values().flatten().collect()
}

/// The rows that are calls, with mounts or without.
pub(crate) fn calls(with_mounts: bool) -> Vec<Row> {
    let mut rows = all();
    rows.retain(|row| !row.call.is_empty() && row.needs("mounts") == with_mounts);
    rows
}

/// Sixty-three folders with names of sixty bytes.
pub(crate) fn deep() -> String {
    vec!["d".repeat(60); 63].join("/")
}

/// What a string of a row stands for.
pub(crate) fn expand(text: &str, top: &Path) -> Vec<u8> {
    let top = top.to_str().unwrap().trim_matches('/');
    let text = text
        .replace("{w}", top)
        .replace("{deep}", &format!("{}/leaf", deep()));
    let mut out = Vec::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find(['{', '<']) {
        let (before, from) = rest.split_at(at);
        out.extend_from_slice(before.as_bytes());
        let (inner, after) = if let Some(repeated) = from.strip_prefix('{') {
            let (inner, after) = repeated.split_once('}').unwrap();
            let (what, times) = inner.rsplit_once('*').unwrap();
            (what.repeat(times.parse().unwrap()).into_bytes(), after)
        } else {
            let (byte, after) = from[1..].split_once('>').unwrap();
            (vec![u8::from_str_radix(byte, 16).unwrap()], after)
        };
        out.extend_from_slice(&inner);
        rest = after;
    }
    out.extend_from_slice(rest.as_bytes());
    out
}
