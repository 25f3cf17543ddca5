//! `UPDATE=1` changes what is not true any more, and nothing else.

use crate::fences::merge::placed;
use crate::fences::varying::Mode;
use crate::fences::with_block;

const PAGE: &str = "\
primary   is process 4711
worker 1  is online
worker 2  is online
worker 1  answers in 12 ms
worker 1  exits 0";

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

#[test]
fn other_values_of_what_varies_change_nothing() {
    let run = PAGE.replace("4711", "9").replace("12 ms", "7 ms");
    assert_eq!(placed(Mode::PerWorker, PAGE, &run), PAGE);
    assert_eq!(placed(Mode::InOrder, PAGE, &run), PAGE);
}

#[test]
fn another_order_changes_nothing_where_order_is_free() {
    let mut run = lines(PAGE);
    run.swap(1, 2);
    let run = run.join("\n");
    assert_eq!(placed(Mode::PerWorker, PAGE, &run), PAGE);
    assert_eq!(placed(Mode::InOrder, PAGE, &run), run, "here it is not free");
}

#[test]
fn a_line_that_is_new_comes_behind_what_it_follows_and_all_else_stays() {
    let run = "\
worker 2  is online
worker 2  takes a nap
primary   is process 8
worker 1  is online
worker 1  answers in 3 ms
worker 1  exits 0";
    let expected =
        PAGE.replace("worker 2  is online\n", "worker 2  is online\nworker 2  takes a nap\n");
    assert_eq!(placed(Mode::PerWorker, PAGE, run), expected);
}

#[test]
fn a_line_that_has_changed_is_the_only_one_to_change() {
    let run = PAGE.replace("exits 0", "exits 7").replace("4711", "5");
    for mode in [Mode::InOrder, Mode::PerWorker, Mode::Varies] {
        // For `varies` one exit code is as good as another.
        let expected =
            if mode == Mode::Varies { PAGE.to_owned() } else { PAGE.replace("exits 0", "exits 7") };
        assert_eq!(placed(mode, PAGE, &run), expected, "{mode:?}");
    }
}

#[test]
fn a_line_that_is_gone_goes() {
    let run = PAGE.replace("worker 2  is online\n", "");
    assert_eq!(placed(Mode::PerWorker, PAGE, &run), run);
    assert_eq!(placed(Mode::InOrder, PAGE, &run), run);
}

#[test]
fn with_varies_a_shorter_page_stays_short() {
    let page = "worker 804 exits 1\nprimary   waits 86 ms";
    let run = "worker 1  exits 1\nprimary   waits 1.2 s\nworker 2  exits 1\nprimary   gave up";
    assert_eq!(placed(Mode::Varies, page, run), format!("{page}\nprimary   gave up"));
}

#[test]
fn nothing_but_the_block_is_rewritten() {
    let page = "# T\n\n```console\n$ a\nb\n```\ntext  \n\n```js x#y\n```\nend";
    assert_eq!(with_block(page, 0, "$ a\nc\nd"), page.replace("b\n", "c\nd\n"));
    assert_eq!(with_block(page, 1, "new();"), page.replace("x#y\n", "x#y\nnew();\n"));
}
