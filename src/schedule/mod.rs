//! Which weight word is read in which cycle, described once.
//!
//! [`walk`] is the loop nest of a pass, [`store`] the map of the weight memories; [`Layout`] gives the generator its
//! addresses and widths, [`cycles`] predicts the hardware's cycle counter exactly, and the comparator follows
//! [`Layout::written`] in the order in which the hardware writes.

mod cycles;
mod kernels;
mod store;
mod walk;

pub use cycles::{Cycles, SETTLE, predict, predict_made, predict_training};
use kernels::KernelWalks;
pub use store::{Beside, StoredLayer, WeightMap, WeightWord};
pub use walk::{ChunkVisit, RecordWord, Visit, Walk};

use crate::design::{Activation, Design, Dynamics, NudgePlace, Order};
use crate::fixed_point::{Rounding, complex_logistic};
use crate::network::{Connection, Network};
use crate::rules::Skips;

/// Cycles between the first columns of two chunks, at least: the lanes' operands must have moved on.
pub const MIN_SLOT: u32 = 4;
/// The same, less the lanes, for chunks whose accumulators leave one by one through the drive chain.
pub const CHAIN_SLOT: u32 = 2;
/// Behind a corner of a kernel's window that has so many taps or fewer come [`FEW_WAIT`] cycles without one: a neuron's
/// transposed sum is read and written within four, and the next corner may begin with the neuron that this one ends with.
pub const FEW_TAPS: u64 = 6;
/// See [`FEW_TAPS`].
pub const FEW_WAIT: u64 = 2;
/// Idle cycles between two layers of one pass: a hidden neuron's forward sum must be in memory when its transposed
/// sum completes.
pub const LAYER_GAP: u32 = 2;

/// Number of bits of `value` (at least one).
pub fn bits(value: usize) -> u32 {
    (usize::BITS - value.leading_zeros()).max(1)
}

/// A layer of neurons above its synapses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerLayout {
    /// The synapses below it.
    pub connection: Connection,
    /// Chunks of P rows.
    pub chunks: usize,
    /// First word of its states in a bank of the state memory.
    pub word_base: usize,
}

impl LayerLayout {
    /// Pre-synaptic neurons.
    pub fn pre(&self) -> usize {
        self.connection.below().neurons()
    }

    /// Post-synaptic neurons.
    pub fn post(&self) -> usize {
        self.connection.above().neurons()
    }

    /// Words of its neurons: each chunk at each place.
    pub fn words(&self) -> usize {
        self.connection.above().places() * self.chunks
    }

    /// Weight words of a chunk: one a tap, and the bias.
    pub fn row_length(&self) -> usize {
        self.connection.taps() + 1
    }
}

/// Which cycles a neuron takes, in all layers: their neurons share one way. The parameters of `hdl/neuron_unit.v`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeuronStages {
    /// Stage of the drive: 1, or 4 where something must be ready before it (an inside nudge, random bits, or the slope
    /// of the activation, which is looked up beside it), or 6 where that is noise, looked up by random bits.
    pub drive: u32,
    /// From the drive to `f`: 2 where any layer has a table.
    pub activation_cycles: u32,
    /// From `f` to `e`: none where they are the same.
    pub error_cycles: u32,
    /// Stage of the new state.
    pub state: u32,
}

impl NeuronStages {
    /// The stages of a design.
    pub fn of(design: &Design) -> NeuronStages {
        if design.is_complex() {
            // hdl/turned_neuron.v: the nudge is a sum of two products, and noise or none comes behind it.
            let (drive, activation_cycles) = (6, complex_logistic::CYCLES);
            return NeuronStages {
                drive,
                activation_cycles,
                error_cycles: 0,
                state: drive + activation_cycles + 1,
            };
        }
        let inside = design.nudge_place == NudgePlace::Inside;
        let stochastic = design.drive_modes.rounding == Rounding::Stochastic;
        let table = (1..=design.output_layer()).any(|l| design.activation_of(l) == Activation::Logistic);
        let slope = table && design.dynamics == Dynamics::Energy;
        let drive = match design.noise > 0.0 {
            true => 6,
            false if inside || stochastic || slope => 4,
            false => 1,
        };
        let activation_cycles = 1 + u32::from(table);
        let error_cycles = u32::from(!inside || design.dynamics != Dynamics::Prototypical);
        let step = u32::from(design.dynamics != Dynamics::Prototypical);
        NeuronStages {
            drive,
            activation_cycles,
            error_cycles,
            state: drive + activation_cycles + error_cycles + step + 1,
        }
    }
}

/// The memory map and the widths of all counters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// P.
    pub lanes: usize,
    /// What is laid out.
    pub network: Network,
    /// Synapse layers 1 to L (index 0 is layer 1).
    pub layers: Vec<LayerLayout>,
    /// Where the weights are.
    pub weights: WeightMap,
    /// Outputs of a softmax read-out; 0 of any other.
    pub softmax_outputs: usize,
    /// Which layers move in a pass: outputs that rest cost a softmax read-out no cycle.
    pub order: Order,
    /// State words of one bank.
    pub state_words: usize,
    /// Banks of the state memory: present, next, previous and saved states.
    pub banks: usize,
    /// Passes that would change nothing are left out ([`crate::rules::Skips`]): at the end of a pass, the sequencer waits
    /// until it is known whether any state has changed.
    pub watches: bool,
    /// Passes that learn leave out chunks without contrast, and scan all of them first.
    pub lists: bool,
    /// Extra cycles from a neuron's state to its activity (a table, for energy-based dynamics).
    pub activity_latency: u32,
    /// The stages of a neuron.
    pub neuron: NeuronStages,
    /// What walks over kernels take, which depends on nothing else; none where there are no kernels.
    kernel_walks: Option<KernelWalks>,
}

impl Layout {
    /// The layout of a design.
    pub fn of(design: &Design) -> Layout {
        let lanes = design.lanes;
        let mut word_base = 0;
        let layer = |(_, &connection): (usize, &Connection)| {
            let chunks = connection.rows().div_ceil(lanes);
            let layer = LayerLayout { connection, chunks, word_base };
            word_base += layer.words();
            layer
        };
        let layers = design.network.connections().map(layer).collect();
        let slots = crate::rules::Program::of(design).slots();
        let layout = Layout {
            lanes,
            network: design.network.clone(),
            layers,
            weights: WeightMap::of(&design.network, lanes, Beside::of(design)),
            softmax_outputs: if design.is_softmax(design.output_layer()) { design.classes() } else { 0 },
            order: design.order,
            state_words: word_base,
            banks: (3 + slots).next_power_of_two(),
            watches: Skips::of(design).any,
            lists: Skips::of(design).chunks,
            activity_latency: u32::from(crate::design::Tables::of(design, 1).rho_of_state.is_some()),
            neuron: NeuronStages::of(design),
            kernel_walks: None,
        };
        let kernel_walks = layout.has_kernels().then(|| KernelWalks::of(&layout));
        Layout { kernel_walks, ..layout }
    }

    /// Layer `l` (1 to L).
    pub fn layer(&self, l: usize) -> &LayerLayout {
        &self.layers[l - 1]
    }

    /// Neurons of layers 1 to L.
    pub fn neurons(&self) -> usize {
        self.network.states()
    }

    /// True where some weights are used at many places: `hdl/kernel_walk.v` walks.
    pub fn has_kernels(&self) -> bool {
        self.network.has_kernels()
    }

    /// Places of neurons in a bank of the state memory. Where there are kernels, a neuron's number there is P times its
    /// word's, and its lane: a place begins a word.
    pub fn neuron_places(&self) -> usize {
        if self.has_kernels() { self.state_words * self.lanes } else { self.neurons() }
    }

    /// The number of the first neuron of layer `l` (1 to L) in the state memory.
    pub fn number_base(&self, l: usize) -> usize {
        if self.has_kernels() { self.layer(l).word_base * self.lanes } else { self.network.span(l).start }
    }

    /// From a place of layer `l` (0 to L) to the next, in numbers in memory: channels, on whole words but for the input.
    pub fn number_step(&self, l: usize) -> usize {
        if l == 0 { self.network.shape(0).channels } else { self.layer(l).chunks * self.lanes }
    }

    fn most(&self, of: impl Fn(&LayerLayout) -> usize) -> usize {
        self.layers.iter().map(of).max().unwrap_or(1)
    }

    /// Bits of a tap's number, that of the bias included; also of an input's place in the list of a sample.
    pub fn tap_width(&self) -> u32 {
        bits(self.most(|l| l.pre().max(l.connection.taps())))
    }

    /// Bits of a neuron's number within its layer.
    pub fn index_width(&self) -> u32 {
        bits(self.most(LayerLayout::post) - 1)
    }

    /// Bits of a neuron's number in the state memory.
    pub fn neuron_width(&self) -> u32 {
        bits(self.neuron_places())
    }

    /// The same, or those of an input's number where there are more.
    pub fn number_width(&self) -> u32 {
        self.neuron_width().max(bits(self.network.inputs() - 1))
    }

    /// Bits of a chunk's number.
    pub fn chunk_width(&self) -> u32 {
        bits(self.most(|l| l.chunks))
    }

    /// Bits of a weight word's address.
    pub fn address_width(&self) -> u32 {
        bits(self.weights.forward_words())
    }

    /// Bits of rows and columns of a layer, a map or a kernel, padding counted, and of a sign.
    pub fn side_width(&self) -> u32 {
        bits(self.most(|l| l.connection.longest_side())) + 1
    }

    /// Bits of the channels of a pre-synaptic layer.
    pub fn channel_width(&self) -> u32 {
        bits(self.most(|l| l.connection.below().channels))
    }

    /// Bits of the places of a layer.
    pub fn place_width(&self) -> u32 {
        bits(self.most(|l| l.connection.below().places().max(l.connection.above().places())))
    }

    /// Bits of a word's number, as the host port counts it.
    pub fn host_width(&self) -> u32 {
        bits(self.weights.words())
    }

    /// Bits of a byte's offset in the bus's window of the weights, 32 bits each; half as much is for the registers at least.
    pub fn window_width(&self) -> u32 {
        (self.host_width() + bits(self.lanes - 1) + 2).max(12)
    }

    /// Words of a column: its weights, and what lies beside them, if anything.
    pub fn ways(&self) -> usize {
        if self.weights.beside_words() > 0 { 2 } else { 1 }
    }

    /// Neurons of the output layer's last chunk, the last ones of a pass.
    pub fn last_neurons(&self) -> usize {
        self.weights.rows(self.depth(), self.layer(self.depth()).chunks - 1).len()
    }

    /// Cycles from the issue of a pass's last column until the sequencer moves on; two cycles later it issues the next
    /// pass's first column, while the last outputs are still on their way. In cycles after the last column's issue,
    /// with a neuron's S stages, A more to its activity, and the n outputs of the last chunk:
    ///
    /// - the last output leaves the drive chain in 14 + n, is written in 14 + n + S + A, its word can be read in the
    ///   cycle after that;
    /// - the last hidden neuron's column came one before, so its activity can be read in 15 + S + A.
    ///
    /// The next pass reads the outputs' word in stage 7 of its layer 2 or above (stage 3 to learn, but then layer 1 has
    /// taken four cycles before), the hidden neurons' activities one a cycle in stage 1, and their words, which are
    /// gathered a cycle later than the activities, from stage 3 on: so it may issue its first column in 8 + n + S + A, and
    /// not before 13 + S + A, or 14 + S + A where there is one hidden neuron, whose activity is the first to be read. With
    /// one layer of synapses the outputs' word is read in stage 3 of the first columns: 12 + n + S + A. What stage 14 and
    /// above know of the pass changes three cycles later, in 15 + n at the earliest (S is 4 at least): behind the last
    /// output.
    ///
    /// Where it is asked whether anything has changed (`hdl/still_watch.v`), the answer is there three cycles after the last
    /// output is written, in 17 + n + S + A, where the sequencer, which moves on a cycle later than here, asks. By then the
    /// outputs' word can be read, as a scan of chunks does.
    pub fn drain(&self) -> u32 {
        let n = self.last_neurons() as u32;
        if self.watches || self.lists {
            return 16 + n + self.neuron.state + self.activity_latency + self.neuron_delay();
        }
        let first_read = if self.layer(self.depth()).pre() == 1 { 14 } else { 13 };
        let first_column = if self.depth() == 1 { 12 + n } else { (8 + n).max(first_read) };
        first_column + self.neuron.state + self.activity_latency - 2 + self.neuron_delay()
    }

    /// Cycles by which a chunk's sums leave later than `hdl/drive_path.v` says: with kernels their last tap may complete a
    /// neuron, and goes first; then they are pooled.
    pub fn chain_delay(&self) -> u32 {
        if self.has_kernels() { 2 } else { 0 }
    }

    /// Cycles by which a neuron's new state comes later than its unit says: the delay of the chain, and with kernels a
    /// register behind the memory of states.
    pub fn neuron_delay(&self) -> u32 {
        self.chain_delay() + u32::from(self.has_kernels())
    }

    /// Cycles between the last column of a layer and the first of the next: a forward sum is written two cycles before it
    /// is read.
    pub fn layer_gap(&self) -> u32 {
        LAYER_GAP + self.chain_delay().saturating_sub(1)
    }

    /// Layers of synapses.
    pub fn depth(&self) -> usize {
        self.layers.len()
    }
}
