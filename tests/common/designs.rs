//! Small designs over the embedded digits, written in a few words each.

use eqhdl::design::{Design, parse};
use std::path::Path;

/// What distinguishes a small design. Triples are for state, drive and weight, as in a design file.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    pub name: &'static str,
    pub layers: &'static str,
    pub lanes: usize,
    /// Dynamics, and behind a space the order of the layers if they do not move all at once.
    pub dynamics: &'static str,
    pub activation: &'static str,
    /// Place of the nudge, or "softmax" for that read-out.
    pub nudge: &'static str,
    /// The name of the rule, the sign of its nudge if it is not fixed, and "falling" if the second epoch learns at half
    /// the rates.
    pub rule: &'static str,
    pub rounding: [&'static str; 3],
    pub overflow: [&'static str; 3],
    /// Lines of the section [formats].
    pub formats: &'static str,
    /// More lines of the section [rule].
    pub more: &'static str,
}

impl Case {
    /// The text of its design file. Large steps: weights move, and some overflow.
    pub fn text(&self) -> String {
        let Case { layers, lanes, dynamics, activation, nudge, rule, formats, more, .. } = self;
        let [state, drive, weight] = self.rounding.map(|r| format!("\"{r}\""));
        let rounding = format!("state = {state}\ndrive = {drive}\nweight = {weight}");
        let [state, drive, weight] = self.overflow.map(|o| format!("\"{o}\""));
        let overflow = format!("state = {state}\ndrive = {drive}\nweight = {weight}");
        let (rule, falling) = match rule.strip_suffix(" falling") {
            Some(rule) => (rule, "rate_milestones = [1]\nrate_gamma = 0.5\n"),
            None => (*rule, ""),
        };
        let (rule, sign) = rule.split_once(' ').unwrap_or((rule, "fixed"));
        let (dynamics, order) = dynamics.split_once(' ').unwrap_or((dynamics, "synchronous"));
        let nudge = if *nudge == "softmax" {
            "readout = \"softmax\"".to_owned()
        } else {
            format!("nudge = \"{nudge}\"")
        };
        let dt = if dynamics == "prototypical" { "" } else { "dt = 0.4\n" };
        format!(
            "[network]\nlayers = {layers}\nactivation = \"{activation}\"\ndynamics = \"{dynamics}\"\norder = \"{order}\"\n\
             {nudge}\ninitial_scale = 2.0\n{dt}\n\
             [rule]\nname = \"{rule}\"\nsign = \"{sign}\"\nT = 5\nK = 3\nbeta = 0.4\nlearning_rates = 0.3\n{more}\n\
             [formats]\n{formats}\n\n[rounding]\n{rounding}\n\n[overflow]\n{overflow}\n\n\
             [hardware]\nlanes = {lanes}\n\n\
             [training]\nepochs = 2\n{falling}seed = 7\ntrain_samples = 16\ntest_samples = 4\n\n\
             [data]\nsource = \"digits\"\n"
        )
    }

    /// The design.
    pub fn design(&self) -> Result<Design, String> {
        parse(Path::new(&format!("{}.toml", self.name)), &self.text())
            .map_err(|error| format!("{}: {:?}", self.name, miette::Report::new(error)))
    }
}
