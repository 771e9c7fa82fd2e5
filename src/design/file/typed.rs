//! What was typed: the shape of a design file, with the place of every value. Nothing is required or judged here.

use crate::design::{Activation, Dynamics, Feedback, Fill, NudgePlace, NudgeSign, Order, Readout, Rule};
use crate::fixed_point::{Format, Overflow, Rounding};
use crate::network::Pool;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use std::fmt;
use std::marker::PhantomData;
use toml::Spanned;

/// A value and its place, if it was typed.
pub(super) type At<T> = Option<Spanned<T>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub network: At<NetworkTable>,
    pub rule: At<RuleTable>,
    pub formats: At<Formats>,
    pub rounding: At<RoundingTable>,
    pub overflow: At<OverflowTable>,
    pub hardware: At<Hardware>,
    pub training: At<Training>,
    pub noise: At<NoiseTable>,
    pub data: At<Data>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NetworkTable {
    pub name: At<String>,
    pub layers: At<Vec<Spanned<TypedLayer>>>,
    pub activation: At<Activation>,
    pub dynamics: At<Dynamics>,
    pub order: At<Order>,
    pub nudge: At<NudgePlace>,
    pub readout: At<Readout>,
    pub dt: At<f64>,
    pub initial_scale: At<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleTable {
    pub name: At<Rule>,
    #[serde(rename = "T")]
    pub free_steps: At<i64>,
    #[serde(rename = "K")]
    pub nudged_steps: At<i64>,
    pub beta: At<f64>,
    pub batch: At<i64>,
    pub sign: At<NudgeSign>,
    pub feedback: At<Feedback>,
    pub angle: At<f64>,
    pub weight_decay: At<f64>,
    pub learning_rates: At<OneOrMany<f64>>,
    pub points: At<i64>,
    pub periods: At<i64>,
    pub accumulate: At<bool>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Formats {
    pub input: At<TypedFormat>,
    pub state: At<OneOrMany<TypedFormat>>,
    pub weight: At<OneOrMany<TypedFormat>>,
    pub weight_read: At<OneOrMany<TypedFormat>>,
    pub bias: At<OneOrMany<TypedFormat>>,
    pub drive: At<OneOrMany<TypedFormat>>,
    pub rate: At<OneOrMany<TypedFormat>>,
    pub nudge: At<TypedFormat>,
    pub step: At<TypedFormat>,
    pub decay: At<TypedFormat>,
    pub velocity: At<OneOrMany<TypedFormat>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct RoundingTable {
    pub state: Option<Rounding>,
    pub drive: Option<Rounding>,
    pub weight: Option<Rounding>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct OverflowTable {
    pub state: Option<Overflow>,
    pub drive: Option<Overflow>,
    pub weight: Option<Overflow>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Hardware {
    pub lanes: At<i64>,
    pub skip_still: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Training {
    pub epochs: At<i64>,
    pub momentum: At<f64>,
    pub rate_milestones: At<Vec<i64>>,
    pub rate_gamma: At<f64>,
    pub seed: At<i64>,
    pub train_samples: At<i64>,
    pub test_samples: At<i64>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct NoiseTable {
    pub sigma: At<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Data {
    pub source: At<Source>,
    pub path: At<String>,
    pub scale: At<OneOrMany<f64>>,
    pub offset: At<OneOrMany<f64>>,
    pub flip: At<bool>,
    pub crop: At<i64>,
    pub crop_fill: At<Fill>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Source {
    Digits,
    Idx,
    Cifar10,
    Cifar100,
    Imagenet32,
    Npz,
}

/// A number format, read from its text.
#[derive(Clone, Copy)]
pub(super) struct TypedFormat(pub Format);

impl<'de> Deserialize<'de> for TypedFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(TypedFormat).map_err(de::Error::custom)
    }
}

/// One value for all layers, or a list with one for each.
pub(super) enum OneOrMany<T> {
    One(T),
    Many(Vec<Spanned<T>>),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // serde's `untagged` buffers the value and so loses its place; a visitor keeps it.
        struct Either<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = OneOrMany<T>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("one value for all layers, or a list with one for each")
            }

            fn visit_str<E: de::Error>(self, v: &str) -> Result<Self::Value, E> {
                T::deserialize(v.into_deserializer()).map(OneOrMany::One)
            }

            fn visit_i64<E: de::Error>(self, v: i64) -> Result<Self::Value, E> {
                T::deserialize(v.into_deserializer()).map(OneOrMany::One)
            }

            fn visit_f64<E: de::Error>(self, v: f64) -> Result<Self::Value, E> {
                T::deserialize(v.into_deserializer()).map(OneOrMany::One)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(OneOrMany::Many)
            }
        }

        deserializer.deserialize_any(Either(PhantomData))
    }
}

/// A layer of a network.
pub(super) enum TypedLayer {
    /// So many neurons.
    Neurons(i64),
    /// The input's shape: `28x28x1`.
    Shape(String),
    /// A kernel moved over the layer below.
    Conv(Conv),
}

/// A kernel: `{ conv = 16, kernel = 3, pool = "max" }`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Conv {
    #[serde(rename = "conv")]
    pub channels: At<i64>,
    pub kernel: At<i64>,
    pub stride: At<i64>,
    pub padding: At<i64>,
    pub pool: At<Pool>,
}

impl<'de> Deserialize<'de> for TypedLayer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // As above: `untagged` would lose the places within a kernel.
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = TypedLayer;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a number of neurons, a kernel or a shape")
            }

            fn visit_i64<E: de::Error>(self, v: i64) -> Result<Self::Value, E> {
                Ok(TypedLayer::Neurons(v))
            }

            fn visit_str<E: de::Error>(self, v: &str) -> Result<Self::Value, E> {
                Ok(TypedLayer::Shape(v.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                Conv::deserialize(MapAccessDeserializer::new(map)).map(TypedLayer::Conv)
            }
        }

        deserializer.deserialize_any(Any)
    }
}
