//! Stories, and the pictures of them.

use super::*;

fn story(lines: &[(&str, &str)]) -> Vec<Sentence> {
    let sentence = |&(actor, verb): &(&str, &str)| Sentence {
        actor: actor.into(),
        pid: Some(57),
        verb: verb.into(),
        object: String::new(),
        to: None,
        aside: false,
    };
    lines.iter().map(sentence).collect()
}

fn drawn(lines: &[(&str, &str)], choice: &str) -> String {
    Diagram::of(&story(lines), &choice.parse().unwrap()).mermaid()
}

fn mermaid(lines: &[(&str, &str)]) -> String {
    drawn(lines, "")
}

#[test]
fn whoever_is_named_gets_an_arrow_and_the_name_goes_where_it_can() {
    let drawn = mermaid(&[
        ("primary", "forks worker 2, in Node"),
        ("primary", "asks worker 2 question 1: 6 times 7"),
        ("primary", "hands the visitor's connection to worker 2"),
        ("worker 2", "greets the visitor"),
        ("worker 2", "answers the visitor: 12 times"),
        ("visitor", "connects, through the kernel, to the worker 2"),
        ("visitor", "stays, and asks 12 times: always worker 2"),
        ("primary", "measures 2 workers"),
    ]);
    assert_eq!(
        drawn,
        "sequenceDiagram\n    primary->>worker 2: forks, in Node\n    \
         primary->>worker 2: asks question 1: 6 times 7\n    \
         primary->>worker 2: hands the visitor's connection\n    worker 2->>visitor: greets\n    \
         worker 2->>visitor: answers: 12 times\n    \
         visitor->>worker 2: connects, through the kernel\n    \
         visitor->>worker 2: stays, and asks 12 times: always worker 2\n    \
         Note over primary: measures 2 workers"
    );
}

#[test]
fn what_a_worker_does_reaches_the_primary_and_its_end_is_a_cross() {
    let drawn = mermaid(&[
        ("worker 1", "is online                      state: online"),
        ("worker 1", "killed by SIGKILL, not asked"),
    ]);
    assert!(drawn.contains("worker 1->>primary: is online, state: online\n"), "{drawn}");
    assert!(drawn.ends_with("worker 1-xprimary: killed by SIGKILL, not asked"), "{drawn}");
}

#[test]
fn everybody_is_who_lives() {
    let drawn = mermaid(&[
        ("primary", "forks worker 1"),
        ("primary", "forks worker 2"),
        ("worker 1", "exits 0, as asked"),
        ("primary", "tells everybody: good morning"),
    ]);
    assert_eq!(drawn.matches("tells: good morning").count(), 1, "{drawn}");
    assert!(drawn.ends_with("primary->>worker 2: tells: good morning"), "{drawn}");
}

#[test]
fn who_lives_does_not_depend_on_what_is_drawn() {
    let lines = [("worker 1", "is online"), ("primary", "tells everybody: good morning")];
    assert!(
        drawn(&lines, "everybody")
            .ends_with("Diagram\n    primary->>worker 1: tells: good morning")
    );
}

#[test]
fn a_sentence_may_say_to_whom_without_naming_him() {
    let mut told = story(&[("visitor 1", "asks for the primary's number")]);
    told[0].to = Some("worker 3".into());
    let drawn = Diagram::of(&told, &Choice::default()).mermaid();
    assert!(drawn.ends_with("visitor 1->>worker 3: asks for the primary's number"), "{drawn}");
}

#[test]
fn a_picture_is_short_and_says_what_is_left_out() {
    let drawn = mermaid(&vec![("primary", "forks worker 1"); 20]);
    assert_eq!(drawn.matches("forks").count(), 14);
    assert!(drawn.ends_with("Note over primary: and 6 more: choose with --picture-of"), "{drawn}");
}

#[test]
fn what_is_written_for_mermaid_is_read_back() {
    let told = story(&[
        ("primary", "tells worker 1: a; #b <c> &"),
        ("worker 1", "exits 0"),
        ("primary", "waits"),
    ]);
    let diagram = Diagram::of(&told, &Choice::default());
    assert_eq!(Diagram::read(&diagram.mermaid()), Some(diagram));
}

#[test]
fn a_diagram_by_somebody_else_is_read_with_full_names() {
    let text = "sequenceDiagram\n    participant P as primary\n    participant W1 as worker 1\n    \
        P->>+W1: fork()\n    W1-->>P: is online<br/>now\n    Note over P,W1: they talk\n    \
        W1-xP: exits\n    deactivate W1\n";
    assert_eq!(
        Diagram::read(text).unwrap().ladder(80),
        [
            "primary   worker 1",
            "   |--------->|     fork()",
            "   |<---------|     is online now",
            "   *          *     they talk",
            "   |x---------|     exits",
        ]
    );
    assert_eq!(Diagram::read("graph TD\n  A --> B\n"), None);
    let text = "sequenceDiagram\nparticipant A\nB->>B: thinks\nNote over C: sleeps\n";
    let ladder = Diagram::read(text).unwrap().ladder(80);
    assert_eq!(ladder, ["A  B  C", "|  |< |  thinks", "|  |  *  sleeps"]);
}

#[test]
fn a_ladder_with_many_actors_shortens_their_names_and_then_is_a_list() {
    let ladder = |actors: u32| {
        let story = (1..actors).map(|number| (format!("worker {number}"), "is online"));
        let story: Vec<(String, &str)> = story.collect();
        let lines: Vec<(&str, &str)> = story.iter().map(|(a, d)| (a.as_str(), *d)).collect();
        Diagram::of(&self::story(&lines), &Choice::default()).ladder(80)
    };
    assert_eq!(ladder(9)[0], "P    W1   W2   W3   W4   W5   W6   W7   W8");
    assert_eq!(ladder(13)[0], "worker 1 -> primary: is online");
    for actors in 1..14 {
        assert!(ladder(actors).iter().all(|line| line.chars().count() <= 80), "{actors}");
    }
}

#[test]
fn a_tree_says_who_was_there_and_how_each_ended() {
    let told = story(&[
        ("primary", "forks worker 1"),
        ("worker 10", "is online"),
        ("worker 1", "exits 7, not asked"),
        ("worker 2", "killed by SIGKILL, not asked"),
        ("visitor", "asks"),
    ]);
    assert_eq!(
        tree::draw(&told, &Choice::default(), false),
        "primary\n|-- worker 1   exits 7, not asked\n|-- worker 2   killed by SIGKILL, not asked\n\
         `-- worker 10"
    );
    assert!(tree::draw(&told, &Choice::default(), true).starts_with("primary [57]\n"));
}

#[test]
fn a_sketch_is_bounded_and_says_what_it_left_out() {
    for (picture, comment) in [(Picture::Tree, "("), (Picture::Mermaid, "%% (")] {
        let mut sketch = Sketch::begin(picture, Choice::default());
        let sentences = story(&[("worker 1", &"x".repeat(4000))]);
        for _ in 0..1000 {
            sketch.add(&sentences[0]);
        }
        let kept = sketch.sentences.len();
        assert!((200..300).contains(&kept), "{kept}");
        let drawn = sketch.draw(false).unwrap();
        let last = format!("{comment}{} later sentences are not drawn)", 1000 - kept);
        assert_eq!(drawn.lines().last(), Some(last.as_str()));
    }
}
