//! What the person hears and sees: sentences, and a bar while they wait.

use std::fmt::Display;
use std::io::IsTerminal;
use std::time::Duration;

use cluster::{Primary, WorkerId};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use narrator::{Failure, Story};

use crate::Args;

pub(crate) struct Voice {
    story: Story,
    /// With `--json` the result speaks for itself.
    quiet: bool,
    /// Whether there is a terminal that shows how far the work is.
    bars: bool,
    bar: Option<ProgressBar>,
}

impl Voice {
    pub(crate) fn begin(args: &Args) -> Result<Voice, Failure> {
        let telling = &args.telling;
        let story = Story::begin(telling)?;
        // With a pace, sentences still come when the work is done long since.
        let bars = !telling.has_a_pace() && std::io::stderr().is_terminal();
        Ok(Voice { story, quiet: args.json, bars, bar: None })
    }

    pub(crate) fn tell(
        &self,
        actor: impl Display,
        verb: impl Display,
        object: impl Display,
    ) {
        let Voice { story, quiet, bar, .. } = self;
        match bar {
            _ if *quiet => {}
            None => story.tell(actor, verb, object),
            // The bar makes room until the sentence stands there.
            Some(bar) => bar.suspend(|| {
                story.tell(actor, verb, object);
                story.end();
            }),
        }
    }

    /// What happens too often to be printed.
    pub(crate) fn aside(
        &self,
        actor: impl Display,
        verb: impl Display,
        object: impl Display,
    ) {
        if !self.quiet {
            self.story.aside(actor, verb, object);
        }
    }

    pub(crate) fn forks(&self, primary: &Primary, worker: WorkerId) {
        if let Some(pid) = primary.pid(worker) {
            self.story.meet(worker, pid);
        }
        self.tell("primary", "forks", worker);
    }

    pub(crate) fn show(&self, text: impl Display) {
        self.story.show(text);
    }

    /// So many parts will be done.
    pub(crate) fn expect(&mut self, parts: usize) {
        if !self.bars {
            return;
        }
        self.story.end(); // or a sentence would come into the bar's line
        let target = ProgressDrawTarget::stderr();
        let bar = ProgressBar::with_draw_target(Some(parts as u64), target);
        let look = "          [{bar:40}] {pos} of {len} parts, {elapsed}";
        if let Ok(style) = ProgressStyle::with_template(look) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        self.bar = Some(bar);
    }

    /// So many are done.
    pub(crate) fn progress(&self, parts: usize) {
        if let Some(bar) = &self.bar {
            bar.set_position(parts as u64);
        }
    }

    pub(crate) fn expect_nothing(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Voice {
    fn drop(&mut self) {
        self.expect_nothing(); // an error must not stand behind half a bar
    }
}
