//! Questions about a story: what comes next? The wrong answers are sentences of the same story.
//!
//! What several workers do interleaves freely, so not every sentence can be foreseen. A question is
//! fair if the order of right and wrong is certain: sentences of one actor come in their order, and
//! what comes much later does not come next.

use fastrand::Rng;

use crate::sentence::Sentence;

/// A story has so many questions, if it has as many sentences that can be asked about.
const MOST: usize = 6;
/// How many answers a question has, with the right one.
const ANSWERS: usize = 3;
/// Two actors may well change places in so many sentences.
const NEAR: usize = 4;

/// Before the sentence with this number: what comes next?
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) number: usize,
    pub(crate) answers: Vec<Sentence>,
    /// Which of them is right.
    pub(crate) right: usize,
}

/// The questions about a story, in its order; the same for the same seed.
pub(crate) fn questions(story: &[&Sentence], seed: u64) -> Vec<Question> {
    let mut chance = Rng::with_seed(seed);
    let mut numbers: Vec<usize> = (1..story.len()).collect();
    chance.shuffle(&mut numbers);
    let ask = |number| question(story, number, &mut chance);
    let mut questions: Vec<_> = numbers.into_iter().filter_map(ask).take(MOST).collect();
    questions.sort_by_key(|question| question.number);
    questions
}

fn question(story: &[&Sentence], number: usize, chance: &mut Rng) -> Option<Question> {
    let right = story[number];
    let next_to = [number.checked_sub(1), Some(number + 1)].into_iter().flatten();
    if next_to.filter_map(|at| story.get(at)).any(|other| may_swap(right, other)) {
        return None;
    }
    let mut wrong: Vec<&Sentence> = Vec::new();
    let mut others: Vec<usize> = (0..story.len()).collect();
    chance.shuffle(&mut others);
    // What is still to come is the better guess, but not from an actor that nobody has met.
    let met =
        |actor: &str| story[..number].iter().any(|it| it.actor == actor || it.object == actor);
    others.sort_by_key(|&at| if at < number { 1 } else { 2 * usize::from(!met(&story[at].actor)) });
    for at in others {
        let other = story[at];
        let certain = other.actor == right.actor || at + 1 < number || at > number + NEAR;
        let near = &story[number..story.len().min(number + NEAR + 1)];
        let comes_soon = near.iter().any(|it| it.actor != right.actor && says_the_same(it, other));
        let known = wrong.iter().chain([&right]).any(|it| looks_the_same(it, other));
        if certain && !comes_soon && !known && wrong.len() + 1 < ANSWERS {
            wrong.push(other);
        }
    }
    if wrong.len() + 1 < ANSWERS {
        return None;
    }
    let mut answers: Vec<Sentence> = wrong.into_iter().chain([right]).cloned().collect();
    chance.shuffle(&mut answers);
    let right = answers.iter().position(|it| says_the_same(it, right))?;
    Some(Question { number, answers, right })
}

/// Two workers that do the same at the same time: either may be first.
fn may_swap(one: &Sentence, other: &Sentence) -> bool {
    one.actor != other.actor && shape(&one.verb) == shape(&other.verb)
}

fn says_the_same(one: &Sentence, other: &Sentence) -> bool {
    (&one.actor, &one.verb, &one.object) == (&other.actor, &other.verb, &other.object)
}

/// The same but for numbers, which nobody can foresee.
fn looks_the_same(one: &Sentence, other: &Sentence) -> bool {
    let text = |it: &Sentence| shape(&format!("{} {}", it.verb, it.object));
    one.actor == other.actor && text(one) == text(other)
}

/// The words without their numbers, except the numbers of workers, which have a meaning.
fn shape(text: &str) -> String {
    let mut after_worker = false;
    let words = text.split(' ').map(|word| {
        let keep = std::mem::replace(&mut after_worker, word == "worker");
        let digit = |c: char| if c.is_ascii_digit() { '#' } else { c };
        if keep { word.to_owned() } else { word.chars().map(digit).collect() }
    });
    // However many digits it has, a number is a number.
    let mut shape = words.collect::<Vec<String>>().join(" ");
    while shape.contains("##") {
        shape = shape.replace("##", "#");
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story(text: &str) -> Vec<Sentence> {
        let sentence = |line: &str| {
            let (actor, words) = line.split_once(": ").unwrap();
            let (verb, object) = words.split_once(' ').unwrap_or((words, ""));
            let (actor, verb, object) = (actor.into(), verb.into(), object.into());
            Sentence { actor, pid: None, verb, object, to: None, aside: false }
        };
        text.lines().map(|line| sentence(line.trim())).collect()
    }

    fn asked(story: &[Sentence], seed: u64) -> Vec<Question> {
        questions(&story.iter().collect::<Vec<_>>(), seed)
    }

    const CHAT: &str = "primary: forks worker 1
        primary: forks worker 2
        worker 1: is online
        worker 2: is online
        primary: tells worker 1: hi
        worker 1: answers hi
        primary: waits 93 ms
        primary: waits 170 ms
        primary: disconnects worker 1
        worker 1: exits 0
        primary: disconnects worker 2
        worker 2: exits 0";

    #[test]
    fn each_question_has_one_right_answer_and_others_of_the_same_story() {
        let story = story(CHAT);
        for seed in 0..500 {
            let questions = asked(&story, seed);
            assert!(!questions.is_empty() && questions.len() <= MOST, "{seed}");
            assert!(questions.is_sorted_by_key(|question| question.number));
            for Question { number, answers, right } in questions {
                assert_eq!(answers.len(), ANSWERS);
                for (at, answer) in answers.iter().enumerate() {
                    assert_eq!(says_the_same(answer, &story[number]), at == right);
                    assert!(story.iter().any(|it| says_the_same(it, answer)));
                }
            }
        }
    }

    #[test]
    fn nobody_is_asked_what_nobody_can_know() {
        let story = story(CHAT);
        for seed in 0..500 {
            for Question { number, answers, right } in asked(&story, seed) {
                assert_ne!(story[number].verb, "is", "either worker may be online first");
                for (at, answer) in answers.iter().enumerate() {
                    let both_wait = answer.verb == "waits" && answers[right].verb == "waits";
                    assert!(at == right || !both_wait, "93 ms or 170 ms?");
                }
            }
        }
    }

    #[test]
    fn nobody_gives_an_answer_before_entering_the_story() {
        let story = story(
            "primary: forks worker 1
            worker 1: is online
            primary: greets worker 1
            worker 1: answers hi
            primary: waits 93 ms
            primary: disconnects worker 1
            worker 1: exits 0
            primary: forks worker 2
            worker 2: is online
            worker 2: exits 0",
        );
        for question in (0..500).flat_map(|seed| asked(&story, seed)) {
            let early = question.number < 7;
            assert!(!early || question.answers.iter().all(|it| it.actor != "worker 2"));
        }
    }

    #[test]
    fn the_same_seed_asks_the_same_and_another_one_something_else() {
        let story = story(CHAT);
        let texts = |seed| format!("{:?}", asked(&story, seed));
        assert_eq!(texts(4), texts(4));
        assert!((0..10).any(|seed| texts(seed) != texts(4)));
    }

    #[test]
    fn a_story_without_a_choice_has_no_questions() {
        for text in ["primary: forks worker 1", "a: b\na: c", "a: b\na: b\na: b\na: b"] {
            assert!(asked(&story(text), 1).is_empty(), "{text}");
        }
        assert!(questions(&[], 1).is_empty());
    }

    #[test]
    fn numbers_of_workers_have_a_meaning_and_others_have_none() {
        assert_eq!(shape("waits 93 ms"), shape("waits 170 ms"));
        assert_ne!(shape("forks worker 1"), shape("forks worker 2"));
    }
}
