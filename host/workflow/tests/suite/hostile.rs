//! Bytes that mean harm, and bytes at random: refused in words or read, never a panic.
//!
//! That refusals are quick is by construction: limits are asked before what they protect is built.

use proptest::prelude::*;
use siyu_workflow::{Bundle, Style};

use crate::support;

/// A workflow file of these bytes is refused under this code, and what is shown stays small.
fn check(what: &str, bytes: impl Into<Vec<u8>>, code: &str) {
    let bundle = support::laid_over([("workflows/case.yaml".to_owned(), bytes.into())]);
    let compiled = support::compiled(&bundle);
    let codes = support::codes(&compiled);
    assert!(codes.contains(&code), "{what}: found {codes:?}");
    assert!(compiled.playbook.is_none(), "{what}");
    let shown = compiled.render(Style::Plain);
    assert!(shown.len() < 30_000, "{what}: {} bytes are shown", shown.len());
    assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}'), "{what}: {shown}");
}

#[test]
fn hostile_files_are_refused() {
    check("brackets", "[".repeat(200_000), "E0108");
    check("braces", "{".repeat(200_000), "E0108");
    check("dashes", "- ".repeat(200_000), "E0108");
    check("question marks", "? ".repeat(200_000), "E0108");
    check("indentation", (0..200).map(|n| format!("{}a:\n", " ".repeat(n))).collect::<String>(), "E0108");
    check("openings", format!("a: {}", "${{".repeat(300_000)), "E0202");
    check("nodes", "- a\n".repeat(100_000), "E0109");
    check("one line of a megabyte", format!("a: {}", "x".repeat(1_000_000)), "E0203");
    check("one key of a megabyte", format!("{}: 1", "x".repeat(1_000_000)), "E0105");
    check("quotes", format!("a: '{}", "''".repeat(400_000)), "E0105");
    check("colons", "a:".repeat(400_000), "E0105");
    check("anchors", (0..60_000).map(|n| format!("- &a{n}\n")).collect::<String>(), "E0109");
    check("too many bytes", "#".repeat(2 << 20), "E0101");
    check("NUL", "a: \0", "E0103");
    check("escaped NUL", "a: \"\\0\"", "E0103");
    check("escaped escape", "a: \"\\e[31m\"", "E0103");
    check("direction", "a: \u{202e}x", "E0103");
    check("escaped direction", "a: \"\\u202e\"", "E0103");
    check("masks", "a: \u{fdd0}", "E0103");
    check("carriage returns", "a: 1\rb: 2", "E0103");
    check("next line", "a: x\u{85}b: 2", "E0103");
    check("byte order mark", "\u{feff}a: 1", "E0104");
    check("UTF-16", b"\xff\xfea\0:\0".to_vec(), "E0102");
    check("keys twice", (0..2_000).map(|_| "a: 1\n").collect::<String>(), "E0107");
    check("tabs", "a:\n\t- b", "E0105");
    check("nothing at all", "", "E0115");
}

#[test]
fn aliases_are_counted_where_they_are_used() {
    let bomb = |fan: usize, depth: usize| {
        let mut text = "a0: &a0 x\n".to_owned();
        for level in 1..=depth {
            let below = vec![format!("*a{}", level - 1); fan].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{below}]\n"));
        }
        text
    };
    check("nine to the ninth", bomb(9, 9), "E0109");
    check("two to the thirtieth", bomb(2, 30), "E0109");
    // Few values, much text: fifty thousand times a hundred kilobytes.
    let wide = format!("a: &a {}\nb: [{}]\n", "x".repeat(100_000), vec!["*a"; 40_000].join(", "));
    check("a long text named often", wide, "E0109");
    check("an alias inside itself", "a: &a [*a]", "E0105");
    check("an alias of nothing", "a: *b", "E0105");
}

#[test]
fn what_two_readers_take_differently_is_asked_for() {
    for scalar in ["0123", "0b11", "99999999999999999999", "-0", "0x1_0", "1_0.5", "1e999", "+.inf", "0o9"] {
        let text = format!("workflow: w\ntitle: {scalar}\n");
        let bundle = support::with_workflow(&text);
        let compiled = support::compiled(&bundle);
        // Either both readers agree that it is a text or a number, or nobody guesses.
        let codes = support::codes(&compiled);
        assert!(!codes.is_empty(), "{scalar}");
    }
    check("leading zeros", "a: 0123", "E0113");
    check("binary", "a: 0b11", "E0113");
    check("beyond 64 bits", "a: 99999999999999999999", "E0113");
}

#[test]
fn line_ends_of_both_kinds_mean_the_same() {
    let mut windows = support::base();
    for bytes in windows.files.values_mut() {
        let text = String::from_utf8(bytes.clone()).unwrap().replace('\n', "\r\n");
        *bytes = text.into_bytes();
    }
    let unix = support::compiled(&support::base()).playbook.unwrap();
    let windows = support::compiled(&windows);
    assert_eq!(windows.render(Style::Plain), "");
    assert_eq!(windows.playbook.unwrap().digest(), unix.digest());
}

#[test]
fn an_unquoted_expression_means_the_same_as_a_quoted_one() {
    let workflow = |with: &str| {
        format!(
            "workflow: w\non: {{ event: friend.added }}\nsteps:\n  - set: {{ a: {with}, b: 1 }}\n  - set:\n      c: {with}\n"
        )
    };
    for inner in ["event.card", "{'x': [1, 2]} ", "'a, b: #c' ~ event.card", "event.card if 1 == 1 else '}'"]
    {
        let plain = support::compiled(&support::with_workflow(&workflow(&format!("${{{{ {inner} }}}}"))));
        assert_eq!(plain.render(Style::Plain), "", "{inner}");
        let double = format!("\"${{{{ {inner} }}}}\"");
        let quoted = support::compiled(&support::with_workflow(&workflow(&double)));
        assert_eq!(plain.playbook, quoted.playbook, "{inner}");
    }
}

#[test]
fn a_bundle_of_anything_is_no_panic() {
    for files in [
        vec![],
        vec![("playbook.yaml", "")],
        vec![("playbook.yaml", "[]")],
        vec![("playbook.yaml", "playbook: a")],
        vec![("playbook.yaml", "playbook: a"), ("workflows/../x.yaml", "a"), ("x\0y", "b"), ("", "c")],
    ] {
        let files = files.into_iter().map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()));
        let compiled = support::compiled(&Bundle { files: files.collect() });
        compiled.render(Style::Coloured);
    }
}

/// Every file of the base playbook.
fn base_files() -> Vec<(String, Vec<u8>)> {
    support::base().files.into_iter().collect()
}

/// Pieces that mean something to YAML or to the language.
const PIECES: [&str; 40] = [
    "\n", " ", "  ", "- ", ": ", "{", "}", "[", "]", ",", "'", "\"", "#", "&a ", "*a", "!x ", "|", ">", "%",
    "@", "\t", "${{ ", " }}", "steps.", "event.", "if: ", "id: a", "steps:", "null", "~", "1", "-1", "1e9",
    "7d", "，", "：", "true", "<<: ", "---\n", "...\n",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), place in 0usize..6) {
        let paths = ["playbook.yaml", "workflows/a.yaml", "templates/a.yaml", "resources/a.yaml", "tests/a.yaml", "a.md"];
        let compiled = support::compiled(&support::laid_over([(paths[place].to_owned(), bytes)]));
        compiled.render(Style::Plain);
    }

    /// What is accepted means what the second reader alone says, for any scalar that somebody may write.
    #[test]
    fn two_readers_agree_or_the_scalar_is_refused(scalar in "[-+.0-9a-fxobeEnulytrsNaInf~_:' \"]{0,12}") {
        let playbook = format!("playbook: a\nvars:\n  v: {scalar}\n");
        let bundle = Bundle { files: [("playbook.yaml".to_owned(), playbook.clone().into_bytes())].into() };
        if let Some(compiled) = support::compiled(&bundle).playbook {
            let alone: serde_json::Value = serde_yaml::from_str(&playbook).unwrap();
            let ours = serde_json::to_value(&compiled.vars).unwrap();
            prop_assert_eq!(&ours["v"], &alone["vars"]["v"], "{}", scalar);
        }
    }

    #[test]
    fn random_yaml_never_panics(pieces in proptest::collection::vec(0usize..PIECES.len(), 0..60)) {
        let text: String = pieces.into_iter().map(|piece| PIECES[piece]).collect();
        support::compiled(&support::with_workflow(&text)).render(Style::Plain);
    }

    #[test]
    fn a_playbook_with_random_edits_is_read_or_refused(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0usize..PIECES.len(), 0usize..12), 1..6)
    ) {
        let mut files = base_files();
        for (file, place, piece, cut) in edits {
            let (_, bytes) = file.get(&files).clone();
            let which = file.index(files.len());
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let chars: Vec<char> = text.chars().collect();
            let at = place.index(chars.len() + 1);
            let end = (at + cut).min(chars.len());
            let edited: String = chars[..at].iter().collect::<String>() + PIECES[piece] + &chars[end..].iter().collect::<String>();
            files[which].1 = edited.into_bytes();
        }
        let bundle = Bundle { files: files.into_iter().collect() };
        let once = support::compiled(&bundle);
        let again = support::compiled(&bundle);
        prop_assert_eq!(once.render(Style::Plain), again.render(Style::Plain));
        prop_assert_eq!(once.playbook.is_none(), once.has_errors());
        prop_assert_eq!(once.playbook.map(|found| found.digest()), again.playbook.map(|found| found.digest()));
    }
}
