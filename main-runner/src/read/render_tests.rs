//! What the renderer makes of each kind of block.

use super::lines;

/// The page as it looks in a pipe.
fn page(markdown: &str) -> Vec<String> {
    let text = lines(markdown, 40).join("\n");
    anstream::adapter::strip_str(&text).to_string().lines().map(str::to_owned).collect()
}

#[test]
fn paragraphs_are_wrapped_again() {
    assert_eq!(
        page("One process\nforks another, and both\nof them go on from here.\n"),
        ["One process forks another, and both of", "them go on from here."]
    );
}

#[test]
fn headings_are_bold_and_underlined() {
    assert_eq!(page("# Run\n\ntext\n\n## Why\n"), ["Run", "===", "", "text", "", "Why", "---"]);
    assert!(lines("# Run\n", 40)[0].starts_with("\u{1b}[1m"));
}

#[test]
fn inline_markup_leaves_no_traces() {
    assert_eq!(
        page("Call `fork()`, **once**, as [Node](http-x.md) *does*.\n"),
        ["Call `fork()`, once, as Node does."]
    );
}

#[test]
fn addresses_stand_at_the_end() {
    assert_eq!(
        page("See [poll](https://a.b/poll), [poll](https://a.b/poll).\n"),
        ["See poll [1], poll [1].", "", "[1] https://a.b/poll"]
    );
}

#[test]
fn code_is_indented_and_otherwise_left_alone() {
    assert_eq!(
        page("text\n```rust src/lib.rs#fork\nif x {\n\n    y();\n}\n```\n"),
        ["text", "", "src/lib.rs:", "    if x {", "", "        y();", "    }"]
    );
}

#[test]
fn wide_code_gives_up_its_indent_rather_than_its_text() {
    let wide = "x".repeat(39);
    assert_eq!(page(&format!("```\n{wide}\n```\n")), [format!(" {wide}")]);
    let wider = "x".repeat(50);
    assert_eq!(page(&format!("```\n{wider}\n```\n")), [wider]);
}

#[test]
fn folds_are_open() {
    assert_eq!(
        page("<details>\n<summary>A hint</summary>\n\nLook **up**.\n\n</details>\n\nOn.\n"),
        ["A hint", "", "Look up.", "", "On."]
    );
}

#[test]
fn lists_keep_their_shape() {
    assert_eq!(
        page("1. one\n2. two is so long that it needs another line\n   - inner\n\nafter\n"),
        ["1. one", "2. two is so long that it needs another", "   line", "   - inner", "", "after"]
    );
    assert_eq!(page("- one\n\n  more\n\n- two\n"), ["- one", "", "  more", "", "- two"]);
}

#[test]
fn quotes_are_marked() {
    assert_eq!(page("> one\n>\n> two\n"), ["| one", "|", "| two"]);
}

#[test]
fn tables_are_aligned() {
    assert_eq!(
        page("| Node | here |\n|---|---|\n| `fork()` | `fork()?` |\n"),
        ["Node      here", "--------  ---------", "`fork()`  `fork()?`"]
    );
}

#[test]
fn sequence_diagrams_become_lines() {
    assert_eq!(
        page("```mermaid picture=ipc\nsequenceDiagram\nA->>B: hi\n```\n"),
        ["A  B", "|->|  hi"]
    );
}

#[test]
fn code_in_a_list_stays_in_the_list() {
    assert_eq!(page("- run\n\n  ```\n  ls\n  ```\n"), ["- run", "", "      ls"]);
}
