//! The map of what was exercised, as one page that needs no network.

use super::leaves::{LEAVES, Shown};
use super::report::{Group, Point, Report, State};
use askama::Template;

#[derive(Template)]
#[template(path = "coverage.html")]
struct Page<'a> {
    report: &'a Report,
    exercised: usize,
    never: Vec<(&'a Group, &'a Point)>,
    unreachable: Vec<(&'a Group, &'a Point)>,
    contradicted: usize,
    /// Leaves, and where their work shows itself.
    leaves: Vec<(&'static str, String)>,
}

impl Page<'_> {
    /// The mark of a point, which tells its state without a colour.
    fn mark(&self, point: &Point) -> (&'static str, &'static str) {
        match point.state() {
            State::Exercised => ("seen", "●"),
            State::Never => ("never", "○"),
            State::Unreachable => ("cannot", "–"),
            State::Contradicted => ("wrong", "!"),
        }
    }

    fn told(&self, point: &Point) -> String {
        match point.state() {
            State::Exercised => format!("{}: {} times", point.what, point.seen),
            State::Never => format!("{}: never. {}", point.what, point.remedy),
            State::Unreachable => {
                let why = point.unreachable.as_deref().unwrap_or_default();
                format!("{}: cannot happen, since {why}", point.what)
            }
            State::Contradicted => {
                format!("{}: seen {} times, though proven impossible", point.what, point.seen)
            }
        }
    }
}

impl Report {
    /// The page.
    ///
    /// # Errors
    /// The template failed; this is a bug.
    pub fn html(&self) -> Result<String, askama::Error> {
        let of = |state| self.points().filter(|(_, p)| p.state() == state).collect();
        let leaves = LEAVES.iter().map(|&(name, shown)| {
            let shown = match shown {
                Shown::By(groups) => groups.join(", "),
                Shown::ByEveryWord => "every word that is compared passes it".to_owned(),
                Shown::OnTheBus => "outside the core: eqhdl cosim --bus".to_owned(),
            };
            (name, shown)
        });
        Page {
            report: self,
            exercised: self.count(State::Exercised),
            never: of(State::Never),
            unreachable: of(State::Unreachable),
            contradicted: self.count(State::Contradicted),
            leaves: leaves.collect(),
        }
        .render()
    }
}
