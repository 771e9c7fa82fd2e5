//! What a circuit and what a training depend on: keys of the design file with the values in use, and their digest.
//!
//! Every file that eqhdl writes carries one of the two as text, so that files that do not belong together are told
//! apart by the names of the keys that differ. Register `DESIGN`, the commit probe, checkpoints and results use the
//! digest of the same text.

use super::{Constant, Design, Modes, Preparation};
use crate::fixed_point::Format;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use std::fmt;

/// Keys of a design file and the values in use, in a fixed order.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Keys(Vec<(String, String)>);

/// A key whose value is another in two files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDifference {
    /// As in the design file, with its table: `rule.beta`.
    pub key: String,
    /// In the file that was read.
    pub there: String,
    /// In the design at hand.
    pub here: String,
}

impl fmt::Display for KeyDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (there {}, here {})", self.key, self.there, self.here)
    }
}

/// What the head of a generated Verilog file says before the keys.
const HEAD: &str = "// Depends on (digest ";

impl Keys {
    /// What the generated circuit depends on. Not the data, the epochs, the seed and the numbers of steps, which are
    /// registers.
    pub fn of_circuit(design: &Design) -> Keys {
        let mut keys = Keys::of_arithmetic(design);
        keys.say("hardware.lanes", design.lanes);
        keys.say("hardware.skip_still", design.skip_still);
        keys
    }

    /// What decides a bit of a training, except the data and the number of epochs. Lanes do not.
    pub fn of_training(design: &Design) -> Keys {
        let mut keys = Keys::of_arithmetic(design);
        keys.say("rule.T", design.free_steps);
        keys.say("rule.K", design.nudged_steps);
        keys.say("rule.angle", design.angle);
        keys.say("network.initial_scale", list(design.synapses.iter().map(|s| s.init)));
        keys.say("training.rate_milestones", list(design.milestones.epochs()));
        keys.say("training.seed", design.seed);
        // Only where they are not what they are by default: what was written before there were such keys stays valid.
        let (p, plain) = (&design.preparation, Preparation::default());
        if p.scale != plain.scale {
            keys.say("data.scale", list(&p.scale));
        }
        if p.offset != plain.offset {
            keys.say("data.offset", list(&p.offset));
        }
        if p.flip {
            keys.say("data.flip", p.flip);
        }
        if p.crop > 0 {
            keys.say("data.crop", p.crop);
            keys.say("data.crop_fill", word(&p.fill));
        }
        keys
    }

    fn of_arithmetic(design: &Design) -> Keys {
        let mut keys = Keys::default();
        let d = design;
        let synapses = |f: fn(&super::Synapses) -> Format| list(d.synapses.iter().map(f));
        let neurons = |f: fn(&super::Neurons) -> Format| list(d.neurons.iter().map(f));
        let rates = |set| list((1..=d.output_layer()).map(move |l| constant(&d.rate(l, set))));
        keys.say("network.layers", d.network.layers_text());
        keys.say("network.activation", word(&d.activation));
        keys.say("network.dynamics", word(&d.dynamics));
        keys.say("network.dt", constant(&d.dt));
        keys.say("network.order", word(&d.order));
        keys.say("network.readout", word(&d.readout));
        keys.say("network.nudge", word(&d.nudge_place));
        keys.say("rule.name", word(&d.rule));
        if let Some(circle) = d.circle {
            keys.say("rule.points", circle.points);
            keys.say("rule.periods", circle.periods.map_or("none".to_owned(), |n| n.to_string()));
            keys.say("rule.accumulate", circle.accumulates);
        }
        keys.say("rule.feedback", word(&d.feedback));
        keys.say("rule.sign", word(&d.nudge_sign));
        keys.say("rule.beta", constant(&d.beta));
        keys.say("rule.learning_rates", list((0..d.milestones.sets()).map(rates)));
        keys.say("rule.weight_decay", constant(&d.weight_decay));
        keys.say("rule.batch", d.batch);
        if let Some(m) = d.momentum {
            keys.say("training.momentum", constant(&m.factor));
            keys.say("formats.velocity", list(d.synapses.iter().map(|s| m.format(s.weight))));
        }
        if d.noise > 0.0 {
            keys.say("noise.sigma", d.noise);
        }
        keys.say("formats.input", d.input);
        keys.say("formats.state", neurons(|n| n.state));
        keys.say("formats.drive", neurons(|n| n.drive));
        keys.say("formats.weight", synapses(|s| s.weight));
        keys.say("formats.weight_read", synapses(|s| s.weight_read));
        keys.say("formats.bias", synapses(|s| s.bias));
        for (signal, modes) in
            [("drive", d.drive_modes), ("state", d.state_modes), ("weight", d.weight_modes)]
        {
            let Modes { rounding, overflow } = modes;
            keys.say(&format!("rounding.{signal}"), word(&rounding));
            keys.say(&format!("overflow.{signal}"), word(&overflow));
        }
        keys
    }

    fn say(&mut self, key: &str, value: impl fmt::Display) {
        self.0.push((key.to_owned(), value.to_string()));
    }

    /// A line for each key.
    pub fn text(&self) -> String {
        self.0.iter().map(|(key, value)| format!("{key} = {value}\n")).collect()
    }

    /// SHA-256 of the text, in hexadecimal.
    pub fn digest(&self) -> String {
        crate::data::hex(&Sha256::digest(self.text()))
    }

    /// The first 32 bits of the digest: register `DESIGN`, and the constant word of the commit probe.
    pub fn word(&self) -> u32 {
        Sha256::digest(self.text()).iter().take(4).fold(0, |word, &byte| word << 8 | u32::from(byte))
    }

    /// Keys whose values differ in another file, and those that only one of the two has.
    pub fn differences(&self, there: &Keys) -> Vec<KeyDifference> {
        const NONE: &str = "none";
        let value = |keys: &Keys, key: &str| {
            keys.0.iter().find(|(k, _)| k == key).map_or(NONE.to_owned(), |(_, value)| value.clone())
        };
        let only_there = there.0.iter().filter(|(key, _)| value(self, key) == NONE);
        self.0
            .iter()
            .chain(only_there)
            .map(|(key, _)| KeyDifference {
                key: key.clone(),
                there: value(there, key),
                here: value(self, key),
            })
            .filter(|d| d.there != d.here)
            .collect()
    }

    /// As the head of a generated Verilog file has it.
    pub fn comment(&self) -> String {
        let lines: String = self.0.iter().map(|(key, value)| format!("\n//   {key} = {value}")).collect();
        format!("{HEAD}{:08x}):{lines}", self.word())
    }

    /// What the head of a generated Verilog file says; `None` where it says nothing.
    pub fn in_comment(verilog: &str) -> Option<Keys> {
        let lines = verilog.lines().skip_while(|l| !l.starts_with(HEAD)).skip(1);
        let pairs = lines.map_while(|l| l.strip_prefix("//   ")?.split_once(" = "));
        let keys: Vec<_> = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        (!keys.is_empty()).then_some(Keys(keys))
    }
}

/// As one object, in the order of the text.
impl Serialize for Keys {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Keys, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Keys;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("keys of a design with their values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys = Keys::default();
                while let Some(pair) = map.next_entry()? {
                    keys.0.push(pair);
                }
                Ok(keys)
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// A choice by the word that the design file has for it.
fn word(choice: &impl Serialize) -> String {
    match serde_json::to_value(choice) {
        Ok(serde_json::Value::String(word)) => word,
        other => unreachable!("a choice is a word: {other:?}"),
    }
}

/// The value in use, and how it is held.
fn constant(c: &Constant) -> String {
    format!("{} ({})", c.effective(), c.format)
}

fn list<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|i| i.to_string()).collect();
    format!("[{}]", items.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::{commented_example, parse};
    use std::path::Path;

    fn design(change: (&str, &str)) -> Design {
        let text = commented_example("net");
        assert!(text.contains(change.0), "{text}");
        parse(Path::new("net.toml"), &text.replacen(change.0, change.1, 1)).unwrap()
    }

    #[test]
    fn a_changed_key_is_named_and_what_a_circuit_does_not_depend_on_is_not() {
        let plain = design(("", ""));
        let circuit = Keys::of_circuit(&plain);
        let other = design(("beta = 0.2 ", "beta = 0.4 "));
        let differences = Keys::of_circuit(&other).differences(&circuit);
        let keys: Vec<&str> = differences.iter().map(|d| d.key.as_str()).collect();
        // The coefficient of the contrast is the learning rate over beta.
        assert_eq!(keys, ["rule.beta", "rule.learning_rates"]);
        assert!(differences[0].to_string().starts_with("rule.beta (there 0.19995"), "{}", differences[0]);
        assert_ne!(Keys::of_circuit(&other).word(), circuit.word());

        let reseeded = design(("seed = 1", "seed = 2"));
        assert_eq!(Keys::of_circuit(&reseeded), circuit);
        assert_ne!(Keys::of_training(&reseeded).digest(), Keys::of_training(&plain).digest());

        let images = ("layers = [64,", "layers = [\"8x8x1\",");
        let moved = |more: &str| {
            let text = commented_example("net").replacen(images.0, images.1, 1);
            parse(Path::new("net.toml"), &text.replacen("[data]", &format!("[data]\n{more}"), 1)).unwrap()
        };
        let told = |here: &Design, there: &Design| -> Vec<String> {
            let (here, there) = (Keys::of_training(here), Keys::of_training(there));
            here.differences(&there).iter().map(ToString::to_string).collect()
        };
        let all = moved("flip = true\ncrop = 2\ncrop_fill = \"edge\"");
        assert_eq!(told(&all, &moved("flip = true\ncrop = 2")), ["data.crop_fill (there zeros, here edge)"]);
        assert_eq!(
            told(&all, &moved("")),
            [
                "data.flip (there none, here true)",
                "data.crop (there none, here 2)",
                "data.crop_fill (there none, here edge)"
            ]
        );

        let scaled = design(("[data]", "[data]\nscale = 2\noffset = -0.25"));
        assert_eq!(Keys::of_circuit(&scaled), circuit);
        let differences = Keys::of_training(&scaled).differences(&Keys::of_training(&plain));
        let told: Vec<String> = differences.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["data.scale (there none, here [2])", "data.offset (there none, here [-0.25])"]);
    }

    #[test]
    fn a_comment_gives_the_keys_back() {
        let keys = Keys::of_circuit(&design(("", "")));
        let verilog = format!("// A core.\n{}\n\nmodule core;\n", keys.comment());
        assert_eq!(Keys::in_comment(&verilog), Some(keys));
        assert_eq!(Keys::in_comment("// A core.\nmodule core;\n"), None);
    }
}
