//! Number formats, judged by what they have to hold.

use super::given::{Given, Result, per_layer, short};
use super::typed::{At, OneOrMany, TypedFormat};
use crate::design::diagnostics::Refusal;
use crate::design::{Activation, Constant, Dynamics, Preparation};
use crate::fixed_point::Format;

/// Most fraction bits of an activity: more cannot be built beside the constant one in 32 bits.
const MAX_STATE_FRAC: i32 = 30;
/// Widest index of an activation table.
const MAX_TABLE_BITS: u32 = 16;

pub(super) fn formats(
    typed: At<OneOrMany<TypedFormat>>,
    count: usize,
    key: &str,
    default: impl Fn(usize) -> Format,
) -> Result<Vec<Given<Format>>> {
    match typed {
        Some(typed) => per_layer(typed, count, key, |f| f.0),
        None => Ok((0..count).map(|l| Given::default(default(l))).collect()),
    }
}

pub(super) fn format(typed: At<TypedFormat>, default: Format) -> Given<Format> {
    typed.map_or(Given::default(default), Given::from)
}

/// Whether the nearest grid point to `wanted` lies outside the range.
pub(super) fn saturates(wanted: f64, format: Format) -> bool {
    let raw = (wanted * 2f64.powi(format.frac)).round();
    raw < format.min_raw() as f64 || raw > format.max_raw() as f64
}

/// The finest format of that width that holds `wanted`.
pub(super) fn finest(wanted: f64, signed: bool, width: u32) -> Format {
    let magnitude = wanted.abs().log2().floor() as i32 + 1;
    let frac = (width as i32 - i32::from(signed) - magnitude).clamp(-64, 64);
    let mut best = Format { signed, width, frac };
    while saturates(wanted, best) && best.frac > -64 {
        best.frac -= 1;
    }
    best
}

/// The format to write instead of `like`. For a value below the steps of `like` eight bits and a sign are enough:
/// finer ones only widen the datapath.
pub(super) fn fitting(wanted: f64, like: Format) -> Format {
    let signed = like.signed || wanted < 0.0;
    let width = if saturates(wanted, like) { like.width } else { like.width.min(8 + u32::from(signed)) };
    finest(wanted, signed, width.max(2))
}

/// Constants of the datapath, one for each format, refused where a format turns one into nothing or into something else.
pub(super) fn constants(
    wanted: &[Given<f64>],
    formats: &[Given<Format>],
    what: impl Fn(usize) -> String,
    key: &str,
) -> Result<Vec<Constant>> {
    let pairs = || wanted.iter().zip(formats);
    let held = |value: f64, f: Format| !saturates(value, f) && f.nearest(value) != 0;
    if let Some((i, (value, format))) = pairs().enumerate().find(|(_, (v, f))| !held(v.value, f.value)) {
        let (what, f, v) = (what(i), format.value, short(value.value));
        let (name, message, word) = if value.value < 0.0 && !f.signed {
            ("value-without-sign", format!("{what} is {v}, but its format {f} has no sign"), "negative")
        } else if saturates(value.value, f) {
            let bound = short(f.to_real(if value.value < 0.0 { f.min_raw() } else { f.max_raw() }));
            (
                "value-beyond-format",
                format!("{what} is {v}, beyond the range of its format {f}, which ends at {bound}"),
                "too large for its format",
            )
        } else {
            (
                "value-rounds-to-zero",
                format!("{what} is {v}, which rounds to 0 in its format {f}, whose step is 2^{}", -f.frac),
                "rounds to 0 in its format",
            )
        };
        // A value below the finest step that there is.
        if !held(value.value, fitting(value.value, f)) {
            return Err(Refusal::new(
                "value-below-any-format",
                message,
                "write a larger value, or 0 where 0 is meant",
            )
            .at(value.at.clone(), word));
        }
        // The remedy must hold for all layers, not only for this one.
        let mut remedy: Vec<String> = pairs()
            .map(|(v, f)| if held(v.value, f.value) { f.value } else { fitting(v.value, f.value) })
            .map(|f| format!("\"{f}\""))
            .collect();
        let list = remedy.len() > 1 && remedy.iter().any(|f| *f != remedy[0]);
        let remedy = if list { format!("[{}]", remedy.join(", ")) } else { remedy.swap_remove(0) };
        return Err(Refusal::new(
            name,
            message,
            format!("write `{key} = {remedy}` under [formats], or change the value"),
        )
        .at(value.at.clone(), word)
        .also(format.at.clone(), "its format"));
    }
    Ok(pairs().map(|(v, f)| Constant::nearest(v.value, f.value)).collect())
}

/// A constant of the whole network.
pub(super) fn constant(wanted: Given<f64>, format: Given<Format>, key: &str, name: &str) -> Result<Constant> {
    Ok(constants(&[wanted], &[format], |_| name.to_owned(), key)?.swap_remove(0))
}

/// Refuses formats without a grid point between 0 and 2.
pub(super) fn not_below_zero(format: &Given<Format>, key: &str, example: &str) -> Result<()> {
    if format.value.frac >= 0 {
        return Ok(());
    }
    Err(Refusal::new(
        "format-too-coarse",
        format!(
            "`{key}` is {}, whose steps are {} apart: too coarse for values around 1",
            format.value,
            2f64.powi(-format.value.frac)
        ),
        format!("write a format with fraction bits, such as `{key} = \"{example}\"`"),
    )
    .at(format.at.clone(), "a fraction of 0 or more bits"))
}

/// A format for the input's values: activities like others, but scaled ones may end below 1 and begin below 0.
pub(super) fn inputs(format: &Given<Format>, dynamics: Dynamics, preparation: &Preparation) -> Result<()> {
    // Energy dynamics show rho of the input.
    if preparation.is_plain() || dynamics == Dynamics::Energy {
        return activity(format, "input");
    }
    buildable(format, "input")
}

/// Refuses formats with a grid that cannot be built.
fn buildable(format: &Given<Format>, key: &str) -> Result<()> {
    not_below_zero(format, key, "u8.8")?;
    if format.value.frac <= MAX_STATE_FRAC {
        return Ok(());
    }
    Err(Refusal::new(
        "state-too-fine",
        format!("`{key}` is {}, with more fraction bits than can be built", format.value),
        format!("write a format with at most {MAX_STATE_FRAC} fraction bits, such as `{key} = \"u8.8\"`"),
    )
    .at(format.at.clone(), "too fine"))
}

/// A format for activities, which lie between 0 and 1.
pub(super) fn activity(format: &Given<Format>, key: &str) -> Result<()> {
    buildable(format, key)?;
    let f = format.value;
    let refuse = |name: &'static str, message: String, help: String, label: &str| {
        Err(Refusal::new(name, message, help).at(format.at.clone(), label))
    };
    // The largest value may miss 1 by one step: u8.8 ends at 255/256.
    if f.max_raw() + 1 < 1i64 << f.frac {
        let fits = Format { frac: f.width as i32 - i32::from(f.signed), ..f };
        return refuse(
            "state-without-one",
            format!(
                "`{key}` is {f}, which ends at {}: it cannot hold values from 0 to 1",
                short(f.to_real(f.max_raw()))
            ),
            format!("write at most {} fraction bits, `{key} = \"{fits}\"`, or a wider format", fits.frac),
            "ends below 1",
        );
    }
    Ok(())
}

/// Formats of a softmax output: its state `beta (y - p)` has both signs, its drives index a table.
pub(super) fn pull(state: &Given<Format>, drive: &Given<Format>, beta: f64) -> Result<()> {
    not_below_zero(state, "state", "s10.8")?;
    not_below_zero(drive, "drive", "s10.7")?;
    let f = state.value;
    if !f.signed || f.frac > MAX_STATE_FRAC || saturates(0.999 * beta.abs(), f) {
        return Err(Refusal::new(
            "pull-beyond-format",
            format!(
                "the output's `state` is {f}: with a softmax read-out it holds beta (y - p), from {} to {}",
                short(-beta.abs()),
                short(beta.abs())
            ),
            format!(
                "write a signed format of that range for the output, such as \"{}\"",
                finest(beta, true, 10)
            ),
        )
        .at(state.at.clone(), "holds the read-out's error"));
    }
    if drive.value.width > MAX_TABLE_BITS {
        return Err(Refusal::new(
            "table-too-long",
            format!(
                "a softmax read-out's exponential is a table over its drive, and {} would need 2^{} entries",
                drive.value, drive.value.width
            ),
            format!("write a `drive` of at most {MAX_TABLE_BITS} bits for the output, such as \"s10.7\""),
        )
        .at(drive.at.clone(), format!("at most {MAX_TABLE_BITS} bits")));
    }
    Ok(())
}

/// The logistic function is a table over a format's bit patterns, so that format must be narrow.
pub(super) fn table(
    activation: Activation,
    dynamics: Dynamics,
    state: &Given<Format>,
    drive: &Given<Format>,
) -> Result<()> {
    let (index, key) = if dynamics == Dynamics::Energy { (state, "state") } else { (drive, "drive") };
    if activation != Activation::Logistic || index.value.width <= MAX_TABLE_BITS {
        return Ok(());
    }
    Err(Refusal::new("table-too-long", 
        format!("the logistic activation is a table over `{key}`, and {} would need 2^{} entries", index.value, index.value.width),
        format!("write a `{key}` of at most {MAX_TABLE_BITS} bits, such as \"s10.7\", or `activation = \"hard_sigmoid\"`"),
    )
    .at(index.at.clone(), format!("at most {MAX_TABLE_BITS} bits")))
}

pub(super) fn signed(format: &Given<Format>, key: &str) -> Result<()> {
    let f = format.value;
    if f.signed {
        return Ok(());
    }
    Err(Refusal::new(
        format!("{key}-without-sign"),
        format!("`{key}` is {f}, without a sign: learning needs weights of both signs"),
        format!("write a signed format, such as `{key} = \"{}\"`", Format { signed: true, ..f }),
    )
    .at(format.at.clone(), "needs a sign"))
}

/// What the multipliers see is the top of what is stored, of weights and of biases.
pub(super) fn top_bits(read: &Given<Format>, weight: &Given<Format>, bias: &Given<Format>) -> Result<()> {
    let (r, w) = (read.value, weight.value);
    let dropped = i64::from(w.width) - i64::from(r.width);
    if r.signed != w.signed || dropped < 0 || i64::from(w.frac - r.frac) != dropped {
        let width = r.width.min(w.width);
        let top = Format { width, frac: w.frac - (w.width - width) as i32, ..w };
        return Err(Refusal::new(
            "weight-read-not-top-bits",
            format!("`weight_read` is {r}, which is not the top bits of `weight` {w}"),
            format!("the top {width} bits of {w} are `weight_read = \"{top}\"`"),
        )
        .at(read.at.clone(), "not the top bits of the weight")
        .also(weight.at.clone(), "the weight"));
    }
    if dropped >= i64::from(bias.value.width) {
        return Err(Refusal::new(
            "bias-not-read",
            format!(
                "nothing would be left of `bias` {}: `weight_read` drops the lowest {dropped} bits",
                bias.value
            ),
            format!("write a bias of more than {dropped} bits, such as `bias = \"{w}\"`"),
        )
        .at(bias.at.clone().or(read.at.clone()), "all its bits are dropped"));
    }
    Ok(())
}
