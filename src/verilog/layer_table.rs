//! What differs from layer to layer, as Verilog functions of a layer's number.

use super::facts::{Widths, literal};
use super::units;
use crate::design::{Design, PointRates, Rates, Tables};
use crate::network::Pool;
use crate::schedule::{Layout, bits};

/// A constant per layer, as a Verilog function.
pub(super) struct LayerTable {
    pub name: &'static str,
    pub meaning: &'static str,
    pub width: u32,
    /// Its argument: a layer, or a set of learning rates and a layer.
    pub index: &'static str,
    pub index_width: u32,
    /// Layer (rate set and layer), constant.
    pub entries: Vec<(String, String)>,
}

/// Makes the tables of a design.
struct Maker<'a> {
    design: &'a Design,
    layout: &'a Layout,
    w: &'a Widths,
}

/// All tables.
pub(super) fn tables(design: &Design, layout: &Layout, w: &Widths) -> Vec<LayerTable> {
    let maker = Maker { design, layout, w };
    let mut all = maker.of_walk();
    all.extend(maker.of_states());
    all.extend(maker.of_arithmetic());
    all.extend(maker.of_circle());
    if layout.has_kernels() {
        all.extend(maker.of_kernels());
    }
    all
}

impl Maker<'_> {
    fn label(&self, l: usize) -> String {
        format!("{}'d{l}", self.w.layer_width)
    }

    fn per_layer(
        &self,
        name: &'static str,
        meaning: &'static str,
        width: u32,
        of: impl Fn(usize) -> i64,
    ) -> LayerTable {
        let entries = self.layout.network.layers().map(|l| (self.label(l), literal(of(l), width))).collect();
        LayerTable { name, meaning, width, index: "layer", index_width: self.w.layer_width, entries }
    }

    /// The loop nest and the addresses of weights.
    fn of_walk(&self) -> Vec<LayerTable> {
        let (layout, w) = (self.layout, self.w);
        let wait = |l, drive| layout.slot(l, drive).saturating_sub(layout.layer(l).row_length()) as i64;
        let last_chunk = |l| layout.layer(l).chunks - 1;
        vec![
            self.per_layer("columns_of", "pre-synaptic neurons", w.count_width, |l| {
                layout.layer(l).connection.taps() as i64
            }),
            self.per_layer("last_chunk_of", "chunks less one", w.chunk_width, |l| last_chunk(l) as i64),
            self.per_layer("last_lanes_of", "neurons in the last chunk", bits(layout.lanes - 1) + 1, |l| {
                layout.weights.rows(l, last_chunk(l)).len() as i64
            }),
            self.per_layer("last_index_of", "neurons less one", 32, |l| layout.layer(l).post() as i64 - 1),
            self.per_layer("weight_base_of", "first word in the weight memory", w.address_width, |l| {
                layout.weights.forward(l).base as i64
            }),
            self.per_layer("row_length_of", "weight words of one chunk", w.address_width, |l| {
                layout.layer(l).row_length() as i64
            }),
            self.per_layer(
                "drive_wait_of",
                "cycles to wait after a chunk (of layer 2 and up) that makes drives",
                10,
                |l| wait(l, true),
            ),
            self.per_layer("learn_wait_of", "the same in a pass that only learns", 10, |l| wait(l, false)),
        ]
    }

    /// Where neurons and words of states lie.
    fn of_states(&self) -> Vec<LayerTable> {
        let (layout, w) = (self.layout, self.w);
        let pre_base = |l: usize| if l < 2 { 0 } else { layout.number_base(l - 1) as i64 };
        let entry = |l| (self.label(l), literal(pre_base(l), w.neuron_width));
        let meaning = "first pre-synaptic neuron among all neurons";
        vec![
            LayerTable {
                // One entry more: the output layer's own neurons.
                entries: (1..=layout.depth() + 1).map(entry).collect(),
                ..self.per_layer("pre_base_of", meaning, w.neuron_width, pre_base)
            },
            self.per_layer("word_base_of", "first post-synaptic state word of a bank", w.word_width, |l| {
                layout.layer(l).word_base as i64
            }),
        ]
    }

    /// How kernels are moved. A dense layer's is as large as the layer below.
    fn of_kernels(&self) -> Vec<LayerTable> {
        let (layout, w) = (self.layout, self.w);
        let of = |l: usize| &layout.layer(l).connection;
        let grid = |l: usize| of(l).grid();
        let side = w.side_width;
        let less = |n: usize| n as i64 - 1;
        vec![
            self.per_layer("kernel_of", "its weights are a kernel's", 1, |l| (!of(l).is_dense()).into()),
            self.per_layer("last_kernel_row_of", "rows of the kernel, less one", side, |l| {
                less(grid(l).rows)
            }),
            self.per_layer("last_kernel_column_of", "columns, less one", side, |l| less(grid(l).columns)),
            self.per_layer("padding_of", "rows and columns of nothing around", side, |l| {
                grid(l).padding as i64
            }),
            self.per_layer("two_of", "it goes in steps of two", 1, |l| (grid(l).stride == 2).into()),
            self.per_layer("window_of", "two by two places of the map make one", 1, |l| {
                (of(l).pool().window() == 2).into()
            }),
            self.per_layer("largest_of", "the largest of them", 1, |l| (of(l).pool() == Pool::Max).into()),
            self.per_layer("row_taps_of", "taps of one of its rows", w.count_width, |l| {
                (grid(l).columns * of(l).below().channels) as i64
            }),
            self.per_layer("last_row_below_of", "rows of the layer below, less one", side, |l| {
                less(of(l).below().rows)
            }),
            self.per_layer("last_column_below_of", "columns, less one", side, |l| {
                less(of(l).below().columns)
            }),
            self.per_layer("channels_below_of", "its channels", w.channel_width, |l| {
                of(l).below().channels as i64
            }),
            self.per_layer("last_map_row_of", "rows of the map, less one", side, |l| less(of(l).map().rows)),
            self.per_layer("last_map_column_of", "columns, less one", side, |l| less(of(l).map().columns)),
            self.per_layer("columns_above_of", "columns of the layer above", side, |l| {
                of(l).above().columns as i64
            }),
            self.per_layer("rows_of", "its channels", w.index_width + 1, |l| of(l).rows() as i64),
            self.per_layer("number_base_of", "first neuron below in memory", w.number_width, |l| {
                if l == 1 { 0 } else { layout.number_base(l - 1) as i64 }
            }),
            self.per_layer("number_step_of", "from place to place there", w.number_width, |l| {
                layout.number_step(l - 1) as i64
            }),
        ]
    }

    /// Alignments, rates and stored widths.
    fn of_arithmetic(&self) -> Vec<LayerTable> {
        let (d, p) = (self.design, &self.design.datapath);
        vec![
            self.per_layer("weight_shift_of", "alignment of weights", 6, |l| p.weight_shift[l - 1].into()),
            self.per_layer("bias_shift_of", "alignment of biases", 6, |l| p.bias_shift[l - 1].into()),
            self.per_layer("activity_shift_of", "alignment of activities", 6, |l| p.activity_shift[l].into()),
            self.per_rates("weight_rate_of", "learning rate over beta, aligned", false),
            self.per_rates("bias_rate_of", "the same for biases", true),
            self.per_layer("weight_width_of", "stored width of weights", 6, |l| {
                d.synapses[l - 1].weight.width.into()
            }),
            self.per_layer("bias_width_of", "stored width of biases", 6, |l| {
                d.synapses[l - 1].bias.width.into()
            }),
            self.per_layer("reset_activity_of", "activity of the state zero", p.activity_width, |l| {
                Tables::of(d, l).rho_of_state.map_or(0, |t| t.at(0)) << p.activity_shift[l]
            }),
        ]
    }

    /// A constant of each point of the circle, rate set and layer.
    fn per_point(
        &self,
        name: &'static str,
        meaning: &'static str,
        of: impl Fn(&PointRates, usize) -> i64,
    ) -> LayerTable {
        let (p, w) = (&self.design.datapath, self.w);
        let sets = units::rates_width(self.design);
        let mut entries = Vec::new();
        for (set, rates) in p.rates.iter().enumerate() {
            for (k, point) in rates.points.iter().enumerate() {
                for l in self.layout.network.layers() {
                    let set = if sets > 0 { format!("{sets}'d{set}, ") } else { String::new() };
                    let at = format!("{{4'd{k}, {set}{}}}", self.label(l));
                    entries.push((at, literal(of(point, l), w.rate_width)));
                }
            }
        }
        let index_width = 4 + sets + w.layer_width;
        LayerTable { name, meaning, width: w.rate_width, index: "point_layer", index_width, entries }
    }

    /// Where states are complex: the nudges of the circle, and the imaginary parts of coefficients.
    fn of_circle(&self) -> Vec<LayerTable> {
        let Some(circle) = self.design.circle else { return Vec::new() };
        let width = units::beta_width(self.design);
        let nudges = |name, meaning, of: fn((i64, i64)) -> i64| {
            let entry = |k| (format!("4'd{k}"), literal(of(self.design.nudge_at(k)), width));
            let entries = (0..circle.points).map(entry).collect();
            LayerTable { name, meaning, width, index: "point", index_width: 4, entries }
        };
        vec![
            nudges("nudge_real_of", "beta e^(2 pi i k / N) at point k, real part", |b| b.0),
            nudges("nudge_imaginary_of", "its imaginary part", |b| b.1),
            self.per_point("weight_turn_of", "imaginary part of that", |p, l| p.of(l, false).1),
            self.per_point("bias_turn_of", "the same for biases", |p, l| p.of(l, true).1),
        ]
    }

    fn per_rates(&self, name: &'static str, meaning: &'static str, is_bias: bool) -> LayerTable {
        let (p, w) = (&self.design.datapath, self.w);
        if self.design.is_complex() {
            return self.per_point(name, meaning, move |point, l| point.of(l, is_bias).0);
        }
        if self.design.milestones.sets() == 1 {
            return self.per_layer(name, meaning, w.rate_width, |l| p.rates[0].of(l, is_bias));
        }
        let rates_width = units::rates_width(self.design);
        let of_set = |(set, rates): (usize, &Rates)| {
            let entry = |l| {
                let at = format!("{{{rates_width}'d{set}, {}}}", self.label(l));
                (at, literal(rates.of(l, is_bias), w.rate_width))
            };
            self.layout.network.layers().map(entry).collect::<Vec<_>>()
        };
        let entries = p.rates.iter().enumerate().flat_map(of_set).collect();
        let index_width = rates_width + w.layer_width;
        LayerTable { name, meaning, width: w.rate_width, index: "rates_layer", index_width, entries }
    }
}
