//! Named defects for the hardware: each edits one place of the generated sources, so the sources stay clean and the
//! checker is seen to fail.

use crate::design::{Design, Feedback, Modes, NudgeSign, Order};
use crate::fixed_point::Rounding;
use crate::rules::{Program, Skips};
use crate::verilog::{Sources, module_name};

/// A defect.
pub struct Fault {
    /// Name on the command line.
    pub name: &'static str,
    /// What it breaks.
    pub kind: &'static str,
    /// One sentence.
    pub what: &'static str,
    edit: Edit,
    needs: Needs,
}

/// What a design must have for a defect to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    Nothing,
    /// A layer above the first with more neurons than lanes.
    Chunks,
    /// Stochastic rounding of weights.
    RandomWeights,
    /// A random sign of the nudge.
    RandomSign,
    /// A program that goes back to a saved state.
    Load,
    /// Weights of their own on the way back.
    Feedback,
    /// The same, each way with its own update.
    VectorField,
    /// Weight decay.
    Decay,
    /// A softmax read-out.
    Softmax,
    /// Outputs that are neurons.
    Squared,
    /// Even layers move first, then odd ones.
    EvenOdd,
    /// Contrasts summed over a batch.
    Batch,
    /// Velocities.
    Momentum,
    /// Velocities, and stochastic rounding.
    RandomVelocities,
    /// Learning rates that fall.
    FallingRates,
    /// Noise on drives.
    Noise,
    /// Passes that learn leave out chunks without contrast,
    Contrasts,
    /// passes that would change nothing are left out,
    Still,
    /// those of all layers at once,
    StillSynchronous,
    /// those of even and odd layers,
    StillEvenOdd,
    /// those behind a saved state that is loaded.
    StillLoad,
    /// Complex states.
    Complex,
    /// Outputs that are neurons with complex states.
    ComplexOutputs,
    /// A nudge that goes round more than once.
    Rounds,
    /// Kernels.
    Kernels,
    /// Kernels that are moved over the edge.
    Padding,
    /// Layers that keep a maximum.
    Corners,
}

/// Defects of what only a network without kernels has: its list of inputs, its contrasts of one place, its rates.
const DENSE_ONLY: [&str; 7] = [
    "contrast-sign",
    "back-contrast",
    "input-order",
    "input-small-dropped",
    "apply-listed",
    "sign-not-learned",
    "rates-never-fall",
];

/// Defects of what only real states have: a state before the present one, one unit for all pulls.
const REAL_ONLY: [&str; 2] = ["stale-read", "softmax-label"];

enum Edit {
    /// In a file, this text (which occurs once) becomes that one.
    Leaf(&'static str, &'static str, &'static str),
    /// The same in the generated core.
    Core(&'static str, &'static str),
    /// The phase program's free and nudged phase change places.
    SwapPhases,
    /// The phase program learns nothing at the last point of its circle.
    LastPoint,
    /// A requantiser (named by its Verilog parameter) truncates.
    Truncate(&'static str),
}

/// All of them.
pub const FAULTS: &[Fault] = &[
    Fault {
        name: "weight-truncated",
        kind: "arithmetic",
        what: "weight increments are truncated instead of rounded",
        edit: Edit::Truncate("WeightRounding"),
        needs: Needs::Nothing,
    },
    Fault {
        name: "drive-truncated",
        kind: "arithmetic",
        what: "the rounding bit of the drive is dropped",
        edit: Edit::Truncate("DriveRounding"),
        needs: Needs::Nothing,
    },
    Fault {
        name: "state-truncated",
        kind: "arithmetic",
        what: "the rounding bit of the state is dropped",
        edit: Edit::Truncate("StateRounding"),
        needs: Needs::Nothing,
    },
    Fault {
        name: "multiplier-one-short",
        kind: "arithmetic",
        what: "the forward multiplier sees one bit of the weight less",
        edit: Edit::Leaf(
            "synapse_lanes.v",
            "forward[p] = (weight9[p] >>> DroppedBits) * pre9_q",
            "forward[p] = ((weight9[p] >>> (DroppedBits + 1)) <<< 1) * pre9_q",
        ),
        needs: Needs::Nothing,
    },
    Fault {
        name: "contrast-sign",
        kind: "arithmetic",
        what: "the contrast has the wrong sign",
        edit: Edit::Leaf("synapse_lanes.v", "(product_a[p] - product_b[p])", "(product_b[p] - product_a[p])"),
        needs: Needs::Nothing,
    },
    Fault {
        name: "nudge-sign",
        kind: "arithmetic",
        what: "the nudge pushes away from the target",
        edit: Edit::Leaf(
            "neuron_unit.v",
            "pull = goal_q - state_1 * factor_q",
            "pull = state_1 * factor_q - goal_q",
        ),
        needs: Needs::Squared,
    },
    Fault {
        name: "bias-one-low",
        kind: "arithmetic",
        what: "the constant input of the biases is one unit too small",
        edit: Edit::Leaf(
            "operand_fetch.v",
            "clamped2 = bias2_i ? One :",
            "clamped2 = bias2_i ? One - 1'b1 :",
        ),
        needs: Needs::Nothing,
    },
    Fault {
        name: "sum-not-cleared",
        kind: "arithmetic",
        what: "transposed sums keep the last step's value",
        edit: Edit::Leaf(
            "drive_path.v",
            "(first13_q ? {TransposedWidth{1'b0}} : gathered13_q)",
            "gathered13_q",
        ),
        needs: Needs::Chunks,
    },
    Fault {
        name: "stale-read",
        kind: "memory",
        what: "the present state is read where the previous one is meant",
        edit: Edit::Leaf(
            "operand_fetch.v",
            ".read_address_i({bank_b_i[BankWidth-1:0], neuron_i})",
            ".read_address_i({bank_a_i[BankWidth-1:0], neuron_i})",
        ),
        needs: Needs::Squared,
    },
    Fault {
        name: "write-to-neighbour",
        kind: "memory",
        what: "weights are written one word too high",
        edit: Edit::Leaf(
            "weight_store.v",
            "host_store_i ? host_address_q[AddressWidth-1:0] : address10_i)",
            "host_store_i ? host_address_q[AddressWidth-1:0] : address10_i + 1'b1)",
        ),
        needs: Needs::Nothing,
    },
    Fault {
        name: "lane-swap",
        kind: "memory",
        what: "neighbouring lanes change places on the way to memory",
        edit: Edit::Leaf(
            "synapse_lanes.v",
            "= {weight9[Half+p][StoredWidth-1:0], weight9[p][StoredWidth-1:0]};",
            "= {weight9[p][StoredWidth-1:0], weight9[Half+p][StoredWidth-1:0]};",
        ),
        needs: Needs::Nothing,
    },
    Fault {
        name: "write-lost",
        kind: "memory",
        what: "the first column of a chunk is not written back",
        edit: Edit::Leaf(
            "synapse_lanes.v",
            "write10_o <= update_q[9];",
            "write10_o <= update_q[9] && !first_q[9];",
        ),
        needs: Needs::Nothing,
    },
    Fault {
        name: "forward-neighbour",
        kind: "memory",
        what: "a neuron gets its neighbour's forward sum",
        edit: Edit::Leaf("drive_path.v", ".read_address_i(neuron12_q)", ".read_address_i(neuron12_q ^ 1'b1)"),
        needs: Needs::Nothing,
    },
    Fault {
        name: "one-step-too-few",
        kind: "control",
        what: "every relaxation ends one step early",
        edit: Edit::Leaf("sequencer.v", "left_q != 1", "left_q > 2"),
        needs: Needs::Nothing,
    },
    Fault {
        name: "phases-swapped",
        kind: "control",
        what: "the free phase is nudged and the nudged phase is free",
        edit: Edit::SwapPhases,
        needs: Needs::Nothing,
    },
    Fault {
        name: "nudge-left-on",
        kind: "control",
        what: "the nudge of one sample stays on in the next",
        edit: Edit::Leaf(
            "sequencer.v",
            "nudge_o <= op_nudge_i;",
            "nudge_o <= (op_nudge_i == 2'd0 && step_o != 0) ? nudge_o : op_nudge_i | nudge_o;",
        ),
        needs: Needs::Nothing,
    },
    Fault {
        name: "update-late",
        kind: "control",
        what: "synapses learn from states one step too old",
        edit: Edit::Leaf("sequencer.v", "a_q <= {1'b0, next_q};", "a_q <= now_q;"),
        needs: Needs::Nothing,
    },
    Fault {
        name: "input-drive-stale",
        kind: "control",
        what: "the input's drive is kept from the sample before",
        edit: Edit::Leaf("sequencer.v", "input_valid_q <= 1'b0;\n            step_o", "step_o"),
        needs: Needs::Nothing,
    },
    Fault {
        name: "waiting-counted",
        kind: "control",
        what: "the cycles of a sample count on while its result waits",
        edit: Edit::Leaf("sequencer.v", "state_q != StIdle && state_q != StResult", "state_q != StIdle"),
        needs: Needs::Nothing,
    },
    Fault {
        name: "state-not-reset",
        kind: "control",
        what: "a sample starts from the state the last one ended with",
        edit: Edit::Leaf(
            "sequencer.v",
            "now_q <= {1'b1, {BankWidth{1'b0}}};",
            "now_q <= {1'b0, now_q[BankWidth-1:0]};",
        ),
        needs: Needs::Nothing,
    },
    Fault {
        name: "random-sample",
        kind: "random",
        what: "random bits do not depend on the sample",
        edit: Edit::Leaf(
            "pass_key.v",
            "mix_absorb_1(purpose_q, sample_number_i)",
            "mix_absorb_1(purpose_q, 32'd0)",
        ),
        needs: Needs::RandomWeights,
    },
    Fault {
        name: "random-mixer",
        kind: "random",
        what: "one shift of the mixer is off by one",
        edit: Edit::Leaf("mixer.vh", "(key_plus_row >> 14)", "(key_plus_row >> 13)"),
        needs: Needs::RandomWeights,
    },
    Fault {
        name: "label-off-by-one",
        kind: "data",
        what: "the target is the class after the label's",
        edit: Edit::Leaf("neuron_bank.v", "wire target15 = (", "wire target15 = (16'd1 + "),
        needs: Needs::Squared,
    },
    Fault {
        name: "input-order",
        kind: "data",
        what: "neighbouring inputs change places",
        edit: Edit::Leaf(
            "sample_buffer.v",
            ".write_data_i({position_q[IndexWidth-1:0], data_i})",
            ".write_data_i({position_q[IndexWidth-1:0] ^ {{(IndexWidth-1){1'b0}}, 1'b1}, data_i})",
        ),
        needs: Needs::Nothing,
    },
    Fault {
        name: "input-small-dropped",
        kind: "data",
        what: "inputs of one unit in the last place's double are taken for zero",
        edit: Edit::Leaf(
            "sample_buffer.v",
            "data_i != {InputWidth{1'b0}})",
            "data_i[InputWidth-1:InputWidth-3] != 3'd0)",
        ),
        needs: Needs::Nothing,
    },
    Fault {
        name: "sign-not-learned",
        kind: "random",
        what: "the update does not follow the random sign of the nudge",
        edit: Edit::Core(
            "(negative ? -weight_rate_of(rate_at2) : weight_rate_of(rate_at2))",
            "weight_rate_of(rate_at2)",
        ),
        needs: Needs::RandomSign,
    },
    Fault {
        name: "load-ignored",
        kind: "control",
        what: "the second nudged phase starts where the first one ended",
        edit: Edit::Leaf("sequencer.v", "now_q <= op_slot_i ? slot1_q : slot0_q;", ""),
        needs: Needs::Load,
    },
    Fault {
        name: "back-not-written",
        kind: "memory",
        what: "weights on the way back are not written back",
        edit: Edit::Leaf("weight_store.v", ".write_i(write_back10_i || ", ".write_i(1'b0 || "),
        needs: Needs::Feedback,
    },
    Fault {
        name: "back-contrast",
        kind: "arithmetic",
        what: "weights on the way back take the update of the forward ones",
        edit: Edit::Leaf("synapse_lanes.v", "(product_c[p] - product_b[p])", "(product_a[p] - product_b[p])"),
        needs: Needs::VectorField,
    },
    Fault {
        name: "softmax-scale",
        kind: "arithmetic",
        what: "probabilities are not scaled by the size of their sum",
        edit: Edit::Leaf("softmax_unit.v", "product2_q >> (excess_q + 5'd14)", "product2_q >> 5'd14"),
        needs: Needs::Softmax,
    },
    Fault {
        name: "softmax-greatest",
        kind: "data",
        what: "exponentials are taken from the last drive's distance instead of the greatest one's",
        edit: Edit::Leaf(
            "softmax_unit.v",
            "if (valid_i && (index_i == {IndexWidth{1'b0}} || drive > greatest)) greatest_q <= drive_i;",
            "if (valid_i) greatest_q <= drive_i;",
        ),
        needs: Needs::Softmax,
    },
    Fault {
        name: "softmax-label",
        kind: "data",
        what: "the read-out takes the class after the label's",
        edit: Edit::Leaf("neuron_bank.v", ".label_i(label_i),", ".label_i(label_i + 1'b1),"),
        needs: Needs::Softmax,
    },
    Fault {
        name: "decay-dropped",
        kind: "arithmetic",
        what: "weights do not decay",
        edit: Edit::Leaf("synapse_lanes.v", "gradient[p] - weight7[p] * DecayFactor", "gradient[p]"),
        needs: Needs::Decay,
    },
    Fault {
        name: "sum-kept",
        kind: "memory",
        what: "sums of a batch are not cleared when they are applied",
        edit: Edit::Leaf(
            "synapse_lanes.v",
            "apply_i ? 0 : summed7[p] + gradient[p]",
            "summed7[p] + gradient[p]",
        ),
        needs: Needs::Batch,
    },
    Fault {
        name: "sum-one-sample",
        kind: "arithmetic",
        what: "a batch's sum is that of its last sample",
        edit: Edit::Leaf(
            "synapse_lanes.v",
            "apply_i ? 0 : summed7[p] + gradient[p]",
            "apply_i ? 0 : gradient[p]",
        ),
        needs: Needs::Batch,
    },
    Fault {
        name: "batch-ends-never",
        kind: "control",
        what: "the end of a batch is not seen",
        edit: Edit::Core(".sample_last_i(sample_last)", ".sample_last_i(1'b0)"),
        needs: Needs::Batch,
    },
    Fault {
        name: "apply-listed",
        kind: "control",
        what: "a batch's sums are applied in the columns of its last sample's inputs only",
        edit: Edit::Leaf("sequencer.v", "(layer_q == 1) && !apply_o;", "(layer_q == 1);"),
        needs: Needs::Batch,
    },
    Fault {
        name: "momentum-forgotten",
        kind: "arithmetic",
        what: "nothing is left of a velocity at the next update",
        edit: Edit::Leaf("synapse_lanes.v", "gradient[p] + back7[p] * MomentumFactor", "gradient[p]"),
        needs: Needs::Momentum,
    },
    Fault {
        name: "velocity-not-written",
        kind: "memory",
        what: "velocities are not written back",
        edit: Edit::Leaf("weight_store.v", ".write_i(write_back10_i || ", ".write_i(1'b0 || "),
        needs: Needs::Momentum,
    },
    Fault {
        name: "velocity-random",
        kind: "data",
        what: "velocities are rounded by the random bits of their weights",
        edit: Edit::Leaf("synapse_lanes.v", "mix_row_2(velocity_mixed[p])", "mix_row_2(mixed[p])"),
        needs: Needs::RandomVelocities,
    },
    Fault {
        name: "noise-when-free",
        kind: "control",
        what: "noise comes upon the drives of free phases, too",
        edit: Edit::Leaf(
            "neuron_bank.v",
            "wire noisy15 = (nudge_i != 2'd0) && !rest15",
            "wire noisy15 = !rest15",
        ),
        needs: Needs::Noise,
    },
    Fault {
        name: "noise-bits",
        kind: "data",
        what: "noise is chosen by other random bits than those of its neuron",
        edit: Edit::Leaf("neuron_bank.v", "noise_random18[31-:", "noise_random18[30-:"),
        needs: Needs::Noise,
    },
    Fault {
        name: "conjugate-taken",
        kind: "arithmetic",
        what: "synapses learn by the conjugate of the coefficient where they take the imaginary parts",
        edit: Edit::Leaf("synapse_lanes.v", "? rated_b4_q + turned_a4_q :", "? rated_b4_q - turned_a4_q :"),
        needs: Needs::Complex,
    },
    Fault {
        name: "rotation-late",
        kind: "control",
        what: "synapses learn by the coefficient of the point before",
        edit: Edit::Core("rate_at2 = {point, ", "rate_at2 = {point - 4'd1, "),
        needs: Needs::Complex,
    },
    Fault {
        name: "parts-swapped",
        kind: "memory",
        what: "the imaginary part of a neuron in lane 0 is its real part",
        edit: Edit::Leaf(
            "post_memory.v",
            "(p < lane_i) ? imaginary[p][ActivityWidth-1:0]",
            "(p < lane_i) ? (p == 0 ? activity[p][ActivityWidth-1:0] : imaginary[p][ActivityWidth-1:0])",
        ),
        needs: Needs::Complex,
    },
    Fault {
        name: "waiting-lost",
        kind: "memory",
        what: "the activation of a complex drive takes its imaginary part for both",
        edit: Edit::Leaf("turned_neuron.v", "second6 ? waiting_i : drive6_q", "drive6_q"),
        needs: Needs::Complex,
    },
    Fault {
        name: "imaginary-input",
        kind: "control",
        what: "the input drives the imaginary parts, too",
        edit: Edit::Core(".clear11_i(second &&", ".clear11_i(1'b0 && second &&"),
        needs: Needs::Complex,
    },
    Fault {
        name: "turned-nudge-sign",
        kind: "arithmetic",
        what: "the imaginary part of an output's state counts with the wrong sign in its own nudge",
        edit: Edit::Leaf(
            "neuron_bank.v",
            "second_i ? -beta_real : beta_imaginary;",
            "second_i ? beta_real : beta_imaginary;",
        ),
        needs: Needs::ComplexOutputs,
    },
    Fault {
        name: "last-point-missed",
        kind: "control",
        what: "synapses do not learn at the last point of the circle",
        edit: Edit::LastPoint,
        needs: Needs::Complex,
    },
    Fault {
        name: "round-missed",
        kind: "control",
        what: "the nudge goes round once less",
        edit: Edit::Leaf(
            "sequencer.v",
            "if (round_q != AgainTimes - 1) pc_q",
            "if (round_q + 8'd1 != AgainTimes - 1) pc_q",
        ),
        needs: Needs::Rounds,
    },
    Fault {
        name: "contrast-missed",
        kind: "data",
        what: "a chunk is left out unless all of its neurons have moved",
        edit: Edit::Leaf("contrast_list.v", "|moved5_q;", "&moved5_q;"),
        needs: Needs::Contrasts,
    },
    Fault {
        name: "still-too-soon",
        kind: "control",
        what: "a phase ends when its first neurons have not changed: the watch forgets a pass before its end",
        edit: Edit::Leaf(
            "still_watch.v",
            "changed_o <= !judged_i && (changed_o || (",
            "changed_o <= !judged_i && ((",
        ),
        needs: Needs::Still,
    },
    Fault {
        name: "change-missed",
        kind: "data",
        what: "no change is noticed in neurons of odd number",
        edit: Edit::Leaf(
            "still_watch.v",
            "valid2_q && state2_q != last_q",
            "valid2_q && !number2_q[0] && state2_q != last_q",
        ),
        needs: Needs::Still,
    },
    Fault {
        name: "still-at-once",
        kind: "control",
        what: "one pass without a change ends a phase in which even and odd layers take turns",
        edit: Edit::Leaf("sequencer.v", "(EvenOdd == 0) || quiet_q", "1'b1"),
        needs: Needs::StillEvenOdd,
    },
    Fault {
        name: "to-without-fro",
        kind: "control",
        what: "a phase that goes to and fro ends on the wrong foot: an odd number of passes is left out",
        edit: Edit::Leaf(
            "sequencer.v",
            "returns ? !left_q[0] : left_q != 1",
            "returns ? left_q[0] : left_q != 1",
        ),
        needs: Needs::StillSynchronous,
    },
    Fault {
        name: "load-never-over",
        kind: "control",
        what: "behind a saved state that was loaded, no pass is left out any more",
        edit: Edit::Leaf("sequencer.v", "known_q <= known_q + 2'd1;", "known_q <= known_q;"),
        needs: Needs::StillLoad,
    },
    Fault {
        name: "rates-never-fall",
        kind: "data",
        what: "every sample is learned at the first set of rates",
        edit: Edit::Core("{rates, layer2}", "{rates ^ rates, layer2}"),
        needs: Needs::FallingRates,
    },
    Fault {
        name: "order-ignored",
        kind: "control",
        what: "all layers move in every pass",
        edit: Edit::Leaf("neuron_unit.v", "(Rests != 0) && rest_i};", "1'b0};"),
        needs: Needs::EvenOdd,
    },
    Fault {
        name: "odd-before-even",
        kind: "control",
        what: "the odd layers move before the even ones",
        edit: Edit::Leaf(
            "neuron_bank.v",
            "wire rest15 = (layer15[0] != odd_i);",
            "wire rest15 = (layer15[0] == odd_i);",
        ),
        needs: Needs::EvenOdd,
    },
    Fault {
        name: "tap-off-by-one",
        kind: "memory",
        what: "a kernel's weights are read one tap too far",
        edit: Edit::Leaf(
            "kernel_walk.v",
            "row_base_b_q + (bias_b_q ? taps2_i : kernel_place_b_q + channel_b_q)",
            "row_base_b_q + (bias_b_q ? taps2_i : kernel_place_b_q + (channel_b_q ^ 1))",
        ),
        needs: Needs::Kernels,
    },
    Fault {
        name: "padding-read",
        kind: "control",
        what: "a kernel reads what lies beyond the upper edge",
        edit: Edit::Leaf(
            "kernel_walk.v",
            "first_kernel_row = top[SideWidth] ?",
            "first_kernel_row = (top[SideWidth] && Layers == 0) ?",
        ),
        needs: Needs::Padding,
    },
    Fault {
        name: "edge-dropped",
        kind: "control",
        what: "a kernel does not see the last column of the layer below",
        edit: Edit::Leaf(
            "kernel_walk.v",
            "(below_left < $signed({1'b0, last_kernel_column_i})) ? below_left[SideWidth-1:0]",
            "(below_left < $signed({1'b0, last_kernel_column_i})) ? below_left[SideWidth-1:0] - 1'b1",
        ),
        needs: Needs::Padding,
    },
    Fault {
        name: "tie-goes-last",
        kind: "arithmetic",
        what: "of two equal sums of a window the last one counts as the largest",
        edit: Edit::Leaf(
            "synapse_lanes.v",
            "(sum[p] > pooled[p]) ? {30'd0, corner11_q}",
            "(sum[p] >= pooled[p]) ? {30'd0, corner11_q}",
        ),
        needs: Needs::Corners,
    },
    Fault {
        name: "corner-late",
        kind: "memory",
        what: "a neuron shows itself where its sum was the largest a step before",
        edit: Edit::Leaf(
            "neuron_bank.v",
            "next_corner15 = rest15 ? kept_corner15 : corner15;",
            "next_corner15 = kept_corner15 | (corner15 & 2'd0);",
        ),
        needs: Needs::Corners,
    },
    Fault {
        name: "channels-swapped",
        kind: "arithmetic",
        what: "neighbouring channels change places on the way to the neurons",
        edit: Edit::Leaf(
            "synapse_lanes.v",
            "chain[2*p] = pooled[p];\n        chain[2*p+1] = pooled[Half+p];",
            "chain[2*p] = pooled[Half+p];\n        chain[2*p+1] = pooled[p];",
        ),
        needs: Needs::Kernels,
    },
    Fault {
        name: "position-lost",
        kind: "arithmetic",
        what: "a weight does not learn from the last place that sees its neuron",
        edit: Edit::Leaf(
            "synapse_lanes.v",
            "(adds_q[6] ? gradient[p] : 0) + product_a[p] - product_b[p];",
            "(adds_q[6] && ends_q[6]) ? gradient[p] : (adds_q[6] ? gradient[p] : 0) + product_a[p] - product_b[p];",
        ),
        needs: Needs::Kernels,
    },
    Fault {
        name: "enable-ignored",
        kind: "ports",
        what: "samples start without enable",
        edit: Edit::Leaf("sequencer.v", "sample_full_i && enable_i;", "sample_full_i;"),
        needs: Needs::Nothing,
    },
    Fault {
        name: "sample-not-waited-for",
        kind: "ports",
        what: "samples start before they are there",
        edit: Edit::Leaf("sample_buffer.v", "assign full_o = full_q[read_bank_q];", "assign full_o = 1'b1;"),
        needs: Needs::Nothing,
    },
    Fault {
        name: "enable-gives-up",
        kind: "ports",
        what: "a sample ends where enable does",
        edit: Edit::Leaf(
            "sequencer.v",
            "if (!rst_ni) begin\n      state_q <= StIdle;",
            "if (!rst_ni || !enable_i) begin\n      state_q <= StIdle;",
        ),
        needs: Needs::Nothing,
    },
    Fault {
        name: "seek-ignored",
        kind: "ports",
        what: "the host's address is not looked at",
        edit: Edit::Leaf(
            "weight_store.v",
            "host_address_q <= host_address_i;",
            "host_address_q <= {HostWidth{1'b0}};",
        ),
        needs: Needs::Nothing,
    },
    Fault {
        name: "late-ready",
        kind: "ports",
        what: "a sample is taken only when the one before is gone",
        edit: Edit::Leaf(
            "sample_buffer.v",
            "assign ready_o = !full_q[fill_bank_q];",
            "assign ready_o = (full_q == 2'b00);",
        ),
        needs: Needs::Nothing,
    },
    Fault {
        name: "gap-taken",
        kind: "ports",
        what: "between two inputs of a sample, what is not valid is taken for one",
        edit: Edit::Leaf(
            "sample_buffer.v",
            "wire beat = valid_i && ready_o;",
            "wire beat = ready_o && (valid_i || position_q != 0);",
        ),
        needs: Needs::Nothing,
    },
    Fault {
        name: "late-start",
        kind: "ports",
        what: "a sample starts a cycle late",
        edit: Edit::Leaf(
            "sequencer.v",
            "if (sample_start_o && !sample_release_o) begin",
            "if (sample_start_o && !sample_release_o && pad_q == 0) pad_q <= 1;\n          else if (sample_start_o && !sample_release_o) begin",
        ),
        needs: Needs::Nothing,
    },
    Fault {
        name: "busy-early",
        kind: "ports",
        what: "the core says that it is idle while its result waits",
        edit: Edit::Leaf(
            "sequencer.v",
            "assign busy_o = (state_q != StIdle);",
            "assign busy_o = (state_q != StIdle) && (state_q != StResult);",
        ),
        needs: Needs::Nothing,
    },
    Fault {
        name: "sample-outlives-reset",
        kind: "ports",
        what: "a sample that was sent before a reset is there after it",
        edit: Edit::Leaf("sample_buffer.v", "full_q <= 2'b00;", "full_q <= full_q;"),
        needs: Needs::Nothing,
    },
    Fault {
        name: "address-outlives-reset",
        kind: "ports",
        what: "the host's address is not that of the first word after a reset",
        edit: Edit::Leaf(
            "weight_store.v",
            "    if (!rst_ni) begin\n      host_address_q <= {HostWidth{1'b0}};",
            "    if (!rst_ni) begin\n      host_address_q <= host_address_q;",
        ),
        needs: Needs::Nothing,
    },
    Fault {
        name: "train-inverted",
        kind: "ports",
        what: "a result says the contrary of whether its sample was learned",
        edit: Edit::Core("assign result_train_o = sample_train;", "assign result_train_o = !sample_train;"),
        needs: Needs::Nothing,
    },
    Fault {
        name: "number-outlives-reset",
        kind: "ports",
        what: "samples are not numbered from 0 after a reset",
        edit: Edit::Core(
            "if (!rst_ni) sample_number_q <= 32'd0;",
            "if (!rst_ni) sample_number_q <= sample_number_q;",
        ),
        needs: Needs::Nothing,
    },
];

impl Fault {
    /// What a design must have for the defect to show.
    pub fn needs(&self) -> &'static str {
        match self.needs {
            Needs::Nothing => "nothing special",
            Needs::Chunks => "layer above the first with more neurons than lanes",
            Needs::RandomWeights => "stochastic rounding of weights",
            Needs::RandomSign => "random sign of the nudge",
            Needs::Load => "program that goes back to a saved state",
            Needs::Feedback => "weights of their own on the way back",
            Needs::VectorField => "vector field",
            Needs::Decay => "weight decay",
            Needs::Softmax => "softmax read-out",
            Needs::Squared => "outputs that are neurons",
            Needs::EvenOdd => "even/odd order",
            Needs::Batch => "batch",
            Needs::Momentum => "momentum",
            Needs::RandomVelocities => "momentum with stochastic rounding",
            Needs::FallingRates => "rates that fall",
            Needs::Noise => "noise",
            Needs::Contrasts => "chunks that may be left out",
            Needs::Still => "passes that may be left out",
            Needs::StillSynchronous => "passes of all layers that may be left out",
            Needs::StillEvenOdd => "passes of even and odd layers that may be left out",
            Needs::StillLoad => "passes behind a loaded state that may be left out",
            Needs::Complex => "complex states",
            Needs::ComplexOutputs => "outputs with complex states",
            Needs::Rounds => "nudge that goes round more than once",
            Needs::Kernels => "kernels",
            Needs::Padding => "kernels with padding",
            Needs::Corners => "maximum of a pool",
        }
    }

    /// The fault of this name.
    pub fn named(name: &str) -> Option<&'static Fault> {
        FAULTS.iter().find(|f| f.name == name)
    }

    /// True when the design has what this fault breaks.
    pub fn applies_to(&self, design: &Design) -> bool {
        self.lacks(design).is_none()
    }

    /// What a design does not have of what this fault breaks.
    pub fn lacks(&self, design: &Design) -> Option<&'static str> {
        let modes = [
            ("WeightRounding", design.weight_modes),
            ("DriveRounding", design.drive_modes),
            ("StateRounding", design.state_modes),
        ];
        let has_kernels = design.network.has_kernels();
        let needed = match self.needs {
            Needs::Nothing => true,
            Needs::Chunks => (2..=design.output_layer()).any(|l| design.network.neurons(l) > design.lanes),
            Needs::RandomWeights => design.weight_modes.rounding == Rounding::Stochastic,
            Needs::RandomSign => design.nudge_sign == NudgeSign::Random,
            Needs::Load => Program::of(design).loads(),
            Needs::Feedback => design.has_separate_feedback() && design.output_layer() > 1,
            Needs::VectorField => design.feedback == Feedback::VectorField && design.output_layer() > 1,
            Needs::Softmax => design.is_softmax(design.output_layer()),
            Needs::Squared => !design.is_softmax(design.output_layer()),
            Needs::Decay => design.weight_decay.raw != 0,
            Needs::Batch => design.is_batched(),
            Needs::Momentum => design.momentum.is_some(),
            Needs::RandomVelocities => {
                design.momentum.is_some() && design.weight_modes.rounding == Rounding::Stochastic
            }
            Needs::FallingRates => design.milestones.sets() > 1,
            Needs::Noise => design.noise > 0.0,
            Needs::EvenOdd => design.order == Order::EvenOdd,
            Needs::Contrasts => Skips::of(design).chunks,
            Needs::Still => Skips::of(design).any,
            Needs::StillSynchronous => Skips::of(design).any && design.order == Order::Synchronous,
            Needs::StillEvenOdd => Skips::of(design).any && design.order == Order::EvenOdd,
            Needs::StillLoad => Skips::of(design).any && Program::of(design).loads(),
            Needs::Complex => design.is_complex(),
            Needs::ComplexOutputs => design.is_complex() && !design.is_softmax(design.output_layer()),
            Needs::Rounds => design.circle.and_then(|c| c.periods).is_some_and(|rounds| rounds > 1),
            Needs::Kernels => has_kernels,
            Needs::Padding => design.network.connections().any(|(_, c)| c.grid().padding > 0),
            Needs::Corners => design.network.has_corners(),
        };
        let truncates = |parameter: &str| {
            let rounds = |(name, m): &(&str, Modes)| *name == parameter && m.rounding != Rounding::Trn;
            modes.iter().any(rounds) && self.bits_are_dropped(parameter, design)
        };
        match self.edit {
            _ if !needed => Some(self.needs()),
            _ if design.is_complex() && REAL_ONLY.contains(&self.name) => Some("real states"),
            Edit::Leaf("neuron_unit.v", ..) if design.is_complex() => Some("real states"),
            _ if has_kernels && DENSE_ONLY.contains(&self.name) => Some("dense layer on the input"),
            Edit::Truncate(parameter) if !truncates(parameter) => Some("bit to drop there"),
            _ => None,
        }
    }

    /// A requantiser that drops no bits cannot be told from one that truncates.
    fn bits_are_dropped(&self, parameter: &str, design: &Design) -> bool {
        let p = &design.datapath;
        let layers = || p.neuron.iter().zip(&design.neurons);
        match parameter {
            "WeightRounding" => p.update_shift > 0,
            "DriveRounding" => layers().any(|(m, n)| m.sum_frac > n.drive.frac),
            // The activation of a complex drive is finer than every state.
            _ => design.is_complex() || layers().any(|(m, n)| m.x_frac > n.state.frac),
        }
    }

    /// Builds the defect into the sources; false where the place to edit was not found exactly once (or, in the
    /// core, not at all), which is a bug here.
    #[must_use]
    pub fn apply(&self, sources: &mut Sources, design: &Design) -> bool {
        let core = format!("{}.v", module_name(design));
        let (file, from, to) = match self.edit {
            Edit::Leaf(file, from, to) => (file, from, to),
            Edit::Core(from, to) => (core.as_str(), from, to),
            Edit::SwapPhases => {
                let Some(text) = sources.files.get_mut("phase_program.v") else { return false };
                let swapped: Vec<String> = text
                    .lines()
                    .map(|l| match (l.contains("// relax"), l.contains(", 2'd0, ")) {
                        (true, true) => l.replacen(", 2'd0, ", ", 2'd1, ", 1),
                        (true, false) => l.replacen(", 2'd1, ", ", 2'd0, ", 1),
                        _ => l.to_owned(),
                    })
                    .collect();
                *text = swapped.join("\n") + "\n";
                return true;
            }
            Edit::LastPoint => {
                let Some(text) = sources.files.get_mut("phase_program.v") else { return false };
                // A word that saves a state which nothing goes back to.
                let at = |line: &str| {
                    let point = line.split("// learn at point ").nth(1)?;
                    point.trim().parse::<u32>().ok()
                };
                let last = text.lines().filter_map(at).max();
                let missed = |line: &str| match at(line) {
                    point if point.is_some() && point == last => {
                        line.replacen("3'd3, 2'd0, 1'd0, 1'd0", "3'd1, 2'd0, 1'd0, 1'd1", 1)
                    }
                    _ => line.to_owned(),
                };
                *text = text.lines().map(missed).collect::<Vec<_>>().join("\n") + "\n";
                return last.is_some();
            }
            Edit::Truncate(parameter) => {
                let mut found = false;
                for file in [core.as_str(), "neuron_bank.v", "kernel_bank.v"] {
                    let Some(text) = sources.files.get_mut(file) else { continue };
                    for r in Rounding::ALL {
                        let from = format!(".{parameter}({})", r.code());
                        found |= text.contains(&from);
                        *text = text.replace(&from, &format!(".{parameter}(0)"));
                    }
                }
                return found;
            }
        };
        let Some(text) = sources.files.get_mut(file) else { return false };
        if text.matches(from).count() != 1 {
            return false;
        }
        *text = text.replace(from, to);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Layout;
    use std::path::Path;

    #[test]
    fn every_defect_finds_its_place_in_some_shipped_design() {
        let mut found = std::collections::HashSet::new();
        for name in [
            "digits-ep",
            "digits-cep",
            "digits-symmetric",
            "digits-cvf",
            "digits-kp",
            "digits-softmax",
            "digits-even-odd",
            "digits-batch",
            "digits-momentum",
            "digits-noise",
            "digits-conv",
            "digits-holomorphic",
            "digits-oscillating",
            "mnist-cep",
        ] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("designs/{name}.toml"));
            let design = crate::design::load(&path).expect("shipped designs load");
            let sources = Sources::of(&design, &Layout::of(&design));
            for fault in FAULTS.iter().filter(|f| f.applies_to(&design)) {
                let mut broken = sources.clone();
                assert!(fault.apply(&mut broken, &design), "{} in {name}", fault.name);
                assert_ne!(broken, sources, "{} in {name}", fault.name);
                found.insert(fault.name);
            }
        }
        assert_eq!(found.len(), FAULTS.len(), "{found:?}");
    }
}
