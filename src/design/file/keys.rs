//! Every key of a design file in one line: what helps when one is missing, misspelt, misplaced or of the wrong type.

use super::ranges::range;
use crate::design::diagnostics::{Refusal, nearest};
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// Section, key, what it is; `{range}` stands for the numbers that it takes ([`ranges`](super::ranges)).
const KEYS: &[(&str, &str, &str)] = &[
    (
        "network",
        "name",
        "the design's name if not the file's: small letters, digits and single `_` between them, such as `name = \"my_net\"`",
    ),
    (
        "network",
        "layers",
        "neurons per layer from the input to the output, such as `layers = [64, 64, 10]`, or the images' shape, kernels \
         and then neurons, such as `layers = [\"8x8x1\", { conv = 16, kernel = 3, padding = 1, pool = \"max\" }, 10]`",
    ),
    ("network", "activation", "one of \"hard_sigmoid\", \"half_hard_sigmoid\", \"logistic\""),
    ("network", "dynamics", "one of \"prototypical\" (default), \"leaky\", \"energy\""),
    ("network", "order", "one of \"synchronous\" (default), \"even_odd\""),
    ("network", "nudge", "one of \"inside\", \"outside\" (default)"),
    ("network", "readout", "one of \"squared\" (default), \"softmax\""),
    ("network", "dt", "the time step of leaky and energy dynamics, {range}, such as `dt = 0.25`"),
    (
        "network",
        "initial_scale",
        "a factor on the initial bound 1/sqrt(fan-in), such as `initial_scale = 1.0`",
    ),
    ("rule", "name", "one of \"ep\", \"symmetric_ep\", \"cep\", \"holomorphic_ep\""),
    ("rule", "T", "the free steps, a whole number {range}, such as `T = 20`"),
    ("rule", "K", "the nudged steps, a whole number {range}, such as `K = 8`"),
    (
        "rule",
        "batch",
        "the samples whose contrasts make one update, a whole number {range}, such as `batch = 20`",
    ),
    ("rule", "beta", "the strength of the nudge, a number, such as `beta = 0.2`"),
    ("rule", "feedback", "one of \"tied\" (default), \"vector_field\", \"kolen_pollack\""),
    (
        "rule",
        "angle",
        "degrees between forward and separate backward weights at the start, {range}, such as `angle = 45`",
    ),
    (
        "rule",
        "weight_decay",
        "the part of itself that a weight loses at each update, {range}, such as `weight_decay = 0.0001`",
    ),
    ("rule", "sign", "one of \"fixed\" (default), \"random\""),
    (
        "rule",
        "learning_rates",
        "one number per synapse layer from the input, such as `learning_rates = [0.1, 0.05]`, or one for all",
    ),
    (
        "rule",
        "points",
        "the points of holomorphic EP's circle of nudges, a whole number {range}, such as `points = 4`",
    ),
    (
        "rule",
        "periods",
        "how often holomorphic EP's nudge goes round without phases, a whole number {range}, such as `periods = 3`",
    ),
    (
        "rule",
        "accumulate",
        "whether the contrasts of holomorphic EP's points are summed before the weights take them, `accumulate = true` \
         (default), or taken at once, `accumulate = false`",
    ),
    ("formats", "input", "one format, such as `input = \"u8.8\"`"),
    (
        "formats",
        "state",
        "one format, or a list with one for each of the layers 1 to L, such as `state = [\"u8.8\", \"s10.8\"]`",
    ),
    ("formats", "weight", "one format, or a list with one per synapse layer, such as `weight = \"s16.14\"`"),
    ("formats", "weight_read", "the top bits of `weight`, such as `weight_read = \"s10.8\"` of \"s16.14\""),
    ("formats", "bias", "one format, or a list with one per synapse layer, such as `bias = \"s16.14\"`"),
    (
        "formats",
        "drive",
        "one format, or a list with one for each of the layers 1 to L, such as `drive = \"s10.7\"`",
    ),
    ("formats", "rate", "one format, or a list with one per synapse layer, such as `rate = \"u16.16\"`"),
    ("formats", "nudge", "one format that holds beta, such as `nudge = \"s16.12\"`"),
    ("formats", "decay", "one format that holds weight_decay, such as `decay = \"u8.20\"`"),
    (
        "formats",
        "velocity",
        "one format, or a list with one per synapse layer, such as `velocity = \"s16.18\"` beside weights of \"s16.14\"",
    ),
    ("formats", "step", "one format that holds dt, such as `step = \"u8.8\"`"),
    ("rounding", "state", ROUNDING),
    ("rounding", "drive", ROUNDING),
    ("rounding", "weight", ROUNDING),
    ("overflow", "state", OVERFLOW),
    ("overflow", "drive", OVERFLOW),
    ("overflow", "weight", OVERFLOW),
    ("hardware", "lanes", "synapses processed per clock cycle, {range}, such as `lanes = 16`"),
    (
        "hardware",
        "skip_still",
        "whether passes that would change nothing are left out, `skip_still = true` (default), or made for a latency that \
         does not depend on the states, `skip_still = false`",
    ),
    ("training", "epochs", "passes over the training set, a whole number {range}, such as `epochs = 40`"),
    (
        "training",
        "momentum",
        "what is left of a velocity at the next update, {range}, such as `momentum = 0.9`",
    ),
    (
        "training",
        "rate_milestones",
        "up to seven epochs, rising, after which the learning rates fall, such as `rate_milestones = [20, 30]`",
    ),
    (
        "training",
        "rate_gamma",
        "what is left of the learning rates after a milestone, {range}, such as `rate_gamma = 0.5`",
    ),
    ("training", "seed", "a whole number {range}, such as `seed = 1`"),
    (
        "training",
        "train_samples",
        "how many training samples to use, a whole number {range}, such as `train_samples = 1000`",
    ),
    (
        "training",
        "test_samples",
        "how many test samples to use, a whole number {range}, such as `test_samples = 1000`",
    ),
    (
        "noise",
        "sigma",
        "the standard deviation of the noise on every neuron's drive in nudged steps, {range}, such as `sigma = 0.04`",
    ),
    (
        "data",
        "source",
        "one of \"digits\" (8x8 images, built in), \"idx\" (MNIST's files), \"cifar10\", \"cifar100\" (their binary \
         files), \"imagenet32\" (its NPZ files), \"npz\"",
    ),
    (
        "data",
        "path",
        "the folder of the files, or the one file (NPZ, or one of CIFAR's), as a text, such as `path = \"data/mnist\"`",
    ),
    (
        "data",
        "scale",
        "what loaded values (0 to 1 for bytes) are multiplied by, after `offset` has been added: one number, one for each \
         channel, or one for each value of a sample, such as `scale = 4.0`",
    ),
    (
        "data",
        "offset",
        "what is added to loaded values (0 to 1 for bytes) before they are scaled: one number, one for each channel, or one \
         for each value of a sample, such as `offset = -0.5`",
    ),
    (
        "data",
        "flip",
        "whether training images are turned left for right, each with a probability of one half: `flip = true`, or `flip = \
         false` (default)",
    ),
    (
        "data",
        "crop",
        "the places by which training images are padded before a random window of their own size is cut out, a whole \
         number {range}, such as `crop = 4`",
    ),
    ("data", "crop_fill", "what cropped images are padded with, one of \"zeros\" (default), \"edge\""),
];

const ROUNDING: &str = "one of \"TRN\", \"TRN_ZERO\", \"RND\" (default), \"RND_ZERO\", \"RND_INF\", \"RND_MIN_INF\", \
                        \"RND_CONV\", \"RND_CONV_ODD\", \"STOCHASTIC\"";
const OVERFLOW: &str = "one of \"WRAP\", \"SAT\" (default), \"SAT_SYM\", \"SAT_ZERO\"";

/// Every field of a design file: section and key.
pub fn fields() -> impl Iterator<Item = (&'static str, &'static str)> {
    KEYS.iter().map(|(section, key, _)| (*section, *key))
}

/// What a key is, in one line.
pub(super) fn meaning(section: &str, key: &str) -> String {
    let what = KEYS.iter().find(|(s, k, _)| *s == section && *k == key).map_or("", |(_, _, what)| what);
    match what.contains("{range}") {
        true => what.replace("{range}", &range(section, key).to_string()),
        false => what.to_owned(),
    }
}

fn sections() -> Vec<&'static str> {
    let mut all: Vec<_> = KEYS.iter().map(|k| k.0).collect();
    all.dedup();
    all
}

fn keys_of(section: &str) -> Vec<&'static str> {
    KEYS.iter().filter(|k| k.0 == section).map(|k| k.1).collect()
}

/// The refusal of an absent key.
pub(super) fn missing(section: &str, key: &str, at: Option<Range<usize>>) -> Refusal {
    let help = format!("`{key}` is {}", meaning(section, key));
    match at {
        Some(_) => Refusal::new("key-missing", format!("[{section}] lacks `{key}`"), help)
            .at(at, format!("`{key}` goes under this")),
        None => Refusal::new(
            "section-missing",
            format!("there is no [{section}] section"),
            format!("add `[{section}]` with its keys: {}", keys_of(section).join(", ")),
        ),
    }
}

/// Section and key whose text holds the offset; the key is empty where only the section is known.
fn place(text: &str, offset: usize) -> (String, String) {
    let Ok(root) = DeTable::parse(text) else { return Default::default() };
    let mut section = String::new();
    for (name, value) in root.get_ref() {
        // A table's span is its header only: the last header before the offset is the one it falls under.
        let DeValue::Table(keys) = value.get_ref() else {
            if value.span().contains(&offset) {
                return (name.get_ref().to_string(), String::new());
            }
            continue;
        };
        for (key, value) in keys {
            if key.span().contains(&offset) || value.span().contains(&offset) {
                return (name.get_ref().to_string(), key.get_ref().to_string());
            }
        }
        if name.span().contains(&offset) || value.span().contains(&offset) {
            section = name.get_ref().to_string();
        }
    }
    (section, String::new())
}

fn known_words(known: &[&str]) -> String {
    known.iter().map(|k| format!("\"{k}\"")).collect::<Vec<_>>().join(", ")
}

/// Turns the TOML reader's error into one that says what would be right.
pub(super) fn explain(error: &toml::de::Error, text: &str) -> Refusal {
    let (message, span) = (error.message(), error.span());
    let (section, key) = span.as_ref().map(|s| place(text, s.start)).unwrap_or_default();
    let mut quoted = message.split('`').skip(1).step_by(2);
    let word = quoted.next().unwrap_or_default();
    let known: Vec<_> = quoted.collect();
    let all = || known.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ");

    if message.starts_with("unknown field") {
        let is_section = known.contains(&"network");
        let title = if is_section {
            format!("there is no section or key `{word}` at the top of a design file")
        } else if key == "layers" {
            format!("a kernel has no `{word}`")
        } else {
            format!("there is no key `{word}` under [{section}]")
        };
        let homes: Vec<_> = KEYS.iter().filter(|k| k.1 == word).map(|k| format!("[{}]", k.0)).collect();
        let close = nearest(word, known.iter().copied());
        let help = match (homes.is_empty(), close) {
            (false, _) => format!("`{word}` belongs under {}", homes.join(" or ")),
            (true, Some(close)) => {
                let close = if is_section { format!("[{close}]") } else { format!("`{close}`") };
                format!("did you mean {close}? known here: {}", all())
            }
            (true, None) => format!("known here: {}", all()),
        };
        return Refusal::new("key-unknown", title, help).at(span, "not known here");
    }
    if message.starts_with("unknown variant") {
        let close = nearest(word, known.iter().copied())
            .map(|c| format!("did you mean \"{c}\"? "))
            .unwrap_or_default();
        let of = if key == "layers" { "pool" } else { &key };
        return Refusal::new(
            "word-unknown",
            format!("`{word}` is no value of `{of}`"),
            match key.as_str() {
                "layers" => format!("{close}`pool` is one of {}", known_words(&known)),
                _ => format!("{close}`{key}` is {}", meaning(&section, &key)),
            },
        )
        .at(span, "not one of its values");
    }
    if message.starts_with("duplicate key") {
        return Refusal::new(
            "key-twice",
            "a key or section stands here for the second time",
            "keep one of the two",
        )
        .at(span, "again");
    }
    let what = meaning(&section, &key);
    if !what.is_empty() {
        // serde's words for a foreign type name Rust's types; the key's own line says it better.
        let message = match message.starts_with("invalid type") || message.starts_with("wanted") {
            true => format!("`{key}` has a value of the wrong type"),
            false => message.to_owned(),
        };
        return Refusal::new("value-of-wrong-type", message, format!("`{key}` is {what}"))
            .at(span, "this value");
    }
    if sections().contains(&section.as_str()) || sections().contains(&key.as_str()) {
        let name = if section.is_empty() { key } else { section };
        return Refusal::new(
            "section-as-value",
            format!("`{name}` is a section, not a value"),
            format!("write `[{name}]` on a line of its own, its keys below"),
        )
        .at(span, "here");
    }
    Refusal::new("not-toml", 
        format!("this is not TOML: {message}"),
        "a design file is lines of `key = value` under `[section]` lines; texts stand in double quotes, lists in brackets",
    )
    .at(span, "here")
}
