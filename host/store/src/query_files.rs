//! The query files of a database, for its tests: what each must say of itself.

/// Every query file of a database: its name and text.
pub(crate) fn of(database: &str) -> Vec<(String, String)> {
    let folder = format!("{}/queries/{database}", env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    files.sort();
    assert!(files.len() > 90, "{} files", files.len());
    files
}

/// What a comment says of the statement.
pub(crate) fn said<'t>(text: &'t str, what: &str) -> Option<&'t str> {
    text.lines().find_map(|line| line.strip_prefix("-- ")?.strip_prefix(what)?.strip_prefix(": "))
}

#[test]
fn every_query_file_says_what_it_is_for_which_index_it_takes_and_how_often() {
    for (name, text) in of("sqlite").into_iter().chain(of("postgres")) {
        let lines: Vec<_> = text.lines().take(3).collect();
        for (line, begin) in lines.iter().zip(["-- for: ", "-- index: ", "-- often: "]) {
            assert!(line.starts_with(begin) && line.len() > begin.len() + 3, "{name}: {line}");
        }
        let statement: String = text.lines().filter(|line| !line.starts_with("--")).collect();
        assert_eq!(statement.matches(';').count(), 1, "{name} is one statement");
        assert!(text.ends_with(";\n"), "{name}");
    }
}
