//! What differs between the files of two versions, line by line, as people read it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;
use similar::TextDiff;

use crate::changes::How;

/// Files by their paths.
pub type Files = BTreeMap<String, String>;

/// How long the shortest differences of all files together are looked for; beyond it longer ones are told, which are as
/// true.
const LOOK: Duration = Duration::from_millis(1_000);
/// Lines around a difference that did not change.
const CONTEXT_LINES: usize = 3;

/// A file that is not the same in both versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileDiff {
    /// Its path.
    pub path: String,
    /// What became of it.
    pub change: How,
    /// The lines that differ, as a unified diff without the names of files.
    pub diff: String,
}

/// What differs, in the order of paths. A file of an overlay is under `.overlay/`.
pub fn diff(from: &Files, to: &Files) -> Vec<FileDiff> {
    let mut paths: BTreeSet<&String> = from.keys().chain(to.keys()).collect();
    paths.retain(|path| from.get(*path) != to.get(*path));
    let look = LOOK / u32::try_from(paths.len().max(1)).unwrap_or(u32::MAX);
    let differing = paths.into_iter().map(|path| {
        let (before, after) = (from.get(path), to.get(path));
        let change = match (before, after) {
            (Some(_), Some(_)) => How::Changed,
            (None, _) => How::Added,
            (_, None) => How::Removed,
        };
        let (before, after) = (before.map_or("", String::as_str), after.map_or("", String::as_str));
        FileDiff { path: path.clone(), change, diff: lines(before, after, look) }
    });
    differing.collect()
}

fn lines(before: &str, after: &str, look: Duration) -> String {
    let found = TextDiff::configure().timeout(look).diff_lines(before, after);
    found.unified_diff().context_radius(CONTEXT_LINES).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(files: &[(&str, &str)]) -> Files {
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn only_what_differs_is_told_by_file() {
        let from = files(&[("a", "1\n2\n3\n"), ("gone", "x\n"), ("same", "s\n")]);
        let to = files(&[("a", "1\ntwo\n3\n"), ("new", "包裹卡\n"), ("same", "s\n")]);
        let found = diff(&from, &to);
        let told: Vec<_> =
            found.iter().map(|file| (file.path.as_str(), file.change, file.diff.as_str())).collect();
        assert_eq!(
            told,
            [
                ("a", How::Changed, "@@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3\n"),
                ("gone", How::Removed, "@@ -1 +0,0 @@\n-x\n"),
                ("new", How::Added, "@@ -0,0 +1 @@\n+包裹卡\n"),
            ]
        );
        assert_eq!(diff(&to, &to), []);
    }

    #[test]
    fn files_that_have_nothing_in_common_are_told_too() {
        let lines = |seed: u64| (0..20_000).map(|at: u64| format!("{}\n", at * seed)).collect::<String>();
        let found = diff(&files(&[("a", &lines(7_919))]), &files(&[("a", &lines(6_101))]));
        assert_eq!(found.len(), 1);
        assert!(found[0].diff.lines().count() >= 39_000, "every line differs");
    }
}
