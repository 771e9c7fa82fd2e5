//! Choices among named alternatives, and which of them exclude each other.

use super::given::{Given, Result, Span, required};
use super::typed::{NetworkTable, RuleTable};
use crate::design::diagnostics::Refusal;
use crate::design::{Dynamics, Feedback, NudgePlace, NudgeSign, Readout, Rule};

/// What was chosen, with its places.
pub(super) struct Choices {
    pub dynamics: Given<Dynamics>,
    pub nudge: Given<NudgePlace>,
    pub readout: Given<Readout>,
    pub rule: Given<Rule>,
    pub sign: Given<NudgeSign>,
    pub feedback: Given<Feedback>,
}

impl Choices {
    /// Of what was typed.
    pub fn of(network: &NetworkTable, rule: &RuleTable, rule_at: &Span) -> Result<Choices> {
        let rule_name = required(rule.name.clone(), "rule", "name", rule_at)?;
        // From outside, states would be no analytic function of their drives.
        let holomorphic = rule_name.value == Rule::HolomorphicEp;
        let usual_nudge = if holomorphic { NudgePlace::Inside } else { NudgePlace::Outside };
        let choices = Choices {
            dynamics: network.dynamics.clone().map_or(Given::default(Dynamics::Prototypical), Given::from),
            nudge: network.nudge.clone().map_or(Given::default(usual_nudge), Given::from),
            readout: network.readout.clone().map_or(Given::default(Readout::Squared), Given::from),
            rule: rule_name,
            sign: rule.sign.clone().map_or(Given::default(NudgeSign::Fixed), Given::from),
            feedback: rule.feedback.clone().map_or(Given::default(Feedback::Tied), Given::from),
        };
        choices.agree()?;
        Ok(choices)
    }

    /// Refuses two choices that exclude each other.
    fn agree(&self) -> Result<()> {
        // Those that others exclude, with the words at either place.
        let energy = (
            self.dynamics.value == Dynamics::Energy,
            &self.dynamics.at,
            "not with energy dynamics",
            "these dynamics",
        );
        let softmax = (
            self.readout.value == Readout::Softmax,
            &self.readout.at,
            "not with a softmax read-out",
            "this read-out",
        );
        let symmetric =
            (self.rule.value == Rule::SymmetricEp, &self.rule.at, "not with this rule", "this rule");
        // Those that they exclude.
        let inside = (self.nudge.value == NudgePlace::Inside, &self.nudge.at);
        let placed = (self.nudge.at.is_some(), &self.nudge.at);
        let random = (self.sign.value == NudgeSign::Random, &self.sign.at);
        let field = (self.feedback.value == Feedback::VectorField, &self.feedback.at);
        let pulls = (softmax.0, softmax.1);
        let clashes = [
            (
                "energy-nudge-inside",
                inside,
                energy,
                "energy dynamics nudge the output state itself: there is no inside to put the nudge",
                "write `nudge = \"outside\"`, or `dynamics = \"prototypical\"`",
            ),
            (
                "softmax-with-nudge",
                placed,
                softmax,
                "a softmax read-out pulls on the layer below: its nudge has no inside and no outside",
                "remove `nudge`, or write `readout = \"squared\"`",
            ),
            (
                "softmax-with-energy",
                pulls,
                energy,
                "energy dynamics show rho of a state; the state of a softmax read-out is an error, which has no rho",
                "write `dynamics = \"prototypical\"` or \"leaky\", or `readout = \"squared\"`",
            ),
            (
                "symmetric-with-sign",
                random,
                symmetric,
                "symmetric nudging uses both signs for every sample: there is none to draw",
                "remove `sign`, or write `name = \"ep\"`",
            ),
            (
                "symmetric-with-vector-field",
                field,
                symmetric,
                "vector-field updates hold one phase against the free one; symmetric nudging has two nudged phases",
                "write `name = \"ep\"` or `name = \"cep\"`, or `feedback = \"kolen_pollack\"`",
            ),
            (
                "energy-with-vector-field",
                field,
                energy,
                "energy dynamics follow an energy, which separate vector-field weights do not have",
                "write `dynamics = \"prototypical\"` or \"leaky\", or `feedback = \"tied\"`",
            ),
        ];
        for (name, (first, at), (second, also, label, what), message, help) in clashes {
            if first && second {
                return Err(Refusal::new(name, message, help).at(at.clone(), label).also(also.clone(), what));
            }
        }
        Ok(())
    }
}
