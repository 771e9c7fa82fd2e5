//! What synapses are made of: their formats, their rates, and how those fall.

use super::formats::{constants, finest, formats, signed, top_bits};
use super::given::{Given, Result, Span, per_layer, positive, real, short};
use super::keys::{meaning as key_meaning, missing};
use super::typed::{At, OneOrMany, TypedFormat};
use crate::design::diagnostics::Refusal;
use crate::design::{Milestones, Synapses};
use crate::fixed_point::Format;
use crate::network::Network;
use toml::Spanned;

/// Milestones, and what is left of the rates after each.
#[derive(Clone, Copy)]
pub(super) struct Falling {
    pub milestones: Milestones,
    pub gamma: f64,
}

impl Falling {
    /// Of two keys that go together.
    pub(super) fn of(milestones: At<Vec<i64>>, gamma: At<f64>, training_at: &Span) -> Result<Falling> {
        let (milestones, gamma) = match (milestones.map(Given::from), gamma.map(Given::from)) {
            (None, None) => return Ok(Falling { milestones: Milestones::default(), gamma: 1.0 }),
            (Some(milestones), Some(gamma)) => (milestones, gamma),
            (Some(_), None) => return Err(missing("training", "rate_gamma", training_at.clone())),
            (None, Some(_)) => return Err(missing("training", "rate_milestones", training_at.clone())),
        };
        let epochs: Option<Vec<u32>> =
            milestones.value.iter().map(|&m| u32::try_from(m).ok().filter(|&m| m > 0)).collect();
        let Some(known) = epochs.and_then(|e| Milestones::new(&e)).filter(|m| m.sets() > 1) else {
            let message = format!("{:?} are no possible `rate_milestones`", milestones.value);
            let help = format!("`rate_milestones` is {}", key_meaning("training", "rate_milestones"));
            return Err(Refusal::new("milestones-not-rising", message, help)
                .at(milestones.at, "one to seven epochs, rising"));
        };
        Ok(Falling { milestones: known, gamma: real(&gamma, "training", "rate_gamma")? })
    }

    /// What is left of the first rates after the last milestone.
    fn left(&self) -> f64 {
        self.gamma.powi(self.milestones.epochs().len() as i32)
    }
}

/// One learning rate for every synapse layer.
pub(super) fn learning_rates(typed: Spanned<OneOrMany<f64>>, count: usize) -> Result<Vec<Given<f64>>> {
    let rates = per_layer(typed, count, "learning_rates", |r| r)?;
    for rate in &rates {
        positive(rate, "rule", "learning_rates")?;
    }
    Ok(rates)
}

/// Formats of synapses, as typed.
pub(super) struct Typed {
    pub weight: At<OneOrMany<TypedFormat>>,
    pub weight_read: At<OneOrMany<TypedFormat>>,
    pub bias: At<OneOrMany<TypedFormat>>,
    pub rate: At<OneOrMany<TypedFormat>>,
}

/// Every synapse layer's numbers. A rate is divided by `divisor` times beta: the mean over a batch, over the distance
/// of the nudges. A point of a circle counts `counts` times at most.
pub(super) fn synapses_of(
    typed: Typed,
    network: &Network,
    rates: &[Given<f64>],
    scale: f64,
    (divisor, beta, counts): (u32, f64, u32),
    falling: Falling,
) -> Result<Vec<Synapses>> {
    let count = network.depth();
    let weights = formats(typed.weight, count, "weight", |_| Format::signed(16, 14))?;
    let reads = formats(typed.weight_read, count, "weight_read", |l| weights[l].value)?;
    let biases = formats(typed.bias, count, "bias", |l| weights[l].value)?;
    let distance = f64::from(divisor) * beta;
    let wanted: Vec<_> =
        rates.iter().map(|r| Given { value: r.value / distance, at: r.at.clone() }).collect();
    // The largest layer's rate, with as many fraction bits as 16 bits leave it.
    let largest = rates.iter().map(|r| r.value).fold(0.0, f64::max) / distance;
    let common = finest(largest * f64::from(counts), largest < 0.0, 16);
    let common = Format { frac: common.frac.min(16), ..common };
    let rate_formats = formats(typed.rate, count, "rate", |_| common)?;
    let what = |l| {
        let divisor = if divisor > 1 { format!("{divisor} ") } else { String::new() };
        format!("the rate of synapse layer {} (learning rate / {divisor}beta)", l + 1)
    };
    let scaled = constants(&wanted, &rate_formats, what, "rate")?;
    let most: Vec<_> =
        wanted.iter().map(|w| Given { value: w.value * f64::from(counts), ..w.clone() }).collect();
    constants(&most, &rate_formats, |l| format!("twice {}", what(l)), "rate")?;
    lasting_rates(&wanted, &rate_formats, falling.left())?;
    let mut synapses = Vec::new();
    for l in 0..count {
        signed(&weights[l], "weight")?;
        signed(&biases[l], "bias")?;
        top_bits(&reads[l], &weights[l], &biases[l])?;
        synapses.push(Synapses {
            weight: weights[l].value,
            weight_read: reads[l].value,
            bias: biases[l].value,
            rate: scaled[l],
            learning_rate: rates[l].value,
            init: scale / (network.connection(l + 1).fan_in() as f64).sqrt(),
        });
    }
    Ok(synapses)
}

/// Refuses rates of which nothing is left after the last milestone.
fn lasting_rates(first: &[Given<f64>], formats: &[Given<Format>], left: f64) -> Result<()> {
    let pairs = || first.iter().zip(formats);
    let lasts = |rate: &Given<f64>, format: Format| format.nearest(rate.value * left) != 0;
    let Some((l, (rate, format))) = (1..).zip(pairs()).find(|(_, (r, f))| !lasts(r, f.value)) else {
        return Ok(());
    };
    // So many more bits of fraction, and as many in all, that the last rate has a few.
    let finer = |rate: &Given<f64>, f: Format| {
        let more = (finest(rate.value * left, f.signed, 4 + u32::from(f.signed)).frac - f.frac).max(0);
        Format { width: f.width + more as u32, frac: f.frac + more, ..f }
    };
    let formats: Vec<_> =
        pairs().map(|(r, f)| if lasts(r, f.value) { f.value } else { finer(r, f.value) }).collect();
    let buildable = formats.iter().all(|f| f.to_string().parse::<Format>().is_ok());
    let help = if buildable {
        let list: Vec<_> = formats.iter().map(|f| format!("\"{f}\"")).collect();
        format!("write `rate = [{}]` under [formats], or raise `rate_gamma`", list.join(", "))
    } else {
        "raise `rate_gamma`, or remove a milestone".to_owned()
    };
    Err(Refusal::new("rate-falls-to-zero", 
        format!(
            "the rate of synapse layer {l} falls to {} after the last milestone, which rounds to 0 in its format {}, whose step is 2^{}",
            short(rate.value * left),
            format.value,
            -format.value.frac
        ),
        help,
    )
    .at(rate.at.clone(), "nothing is left of it")
    .also(format.at.clone(), "its format"))
}
