//! The design file that `eqhdl new` writes.

use super::{Numbers, ranges};

/// A complete design file for the digits, in which every key is explained; `name` is its file stem.
pub fn commented_example(name: &str) -> String {
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    let shown = |text: String, (section, key, range): (&str, &str, Numbers)| {
        text.replace(&format!("{{{section}.{key}}}"), &range.to_string())
    };
    ranges().fold(EXAMPLE.to_owned(), shown).replacen("{name}", &name, 1)
}

const EXAMPLE: &str = r#"# {name}: a network that learns by Continual Equilibrium Propagation.
#
#   eqhdl check FILE      formats, widths, memory, cycles
#   eqhdl train FILE      the bit-accurate training
#   eqhdl cosim FILE      the same training in Verilog, held against it bit for bit
#
# Lists run from the input towards the output. Lines behind `# ` that look like keys are options at their default.

[network]
# name = "my_net"           # names modules, files and folders; the name of this file (small letters, digits, `_`) unless given
layers = [64, 64, 10]       # neurons: input, hidden..., output; or an image, kernels that are moved over it, and neurons:
                            # designs/digits-conv.toml
activation = "logistic"     # hard_sigmoid: clip(x, 0, 1) | half_hard_sigmoid: clip(x/2, 0, 1) | logistic: 1/(1+exp(2-4x))
dynamics = "prototypical"   # prototypical: s <- rho(drive) | leaky: s <- s + dt (rho(drive) - s) | energy: real time, from an energy
# order = "synchronous"     # all layers move at once (even_odd is the default with a pool) | even_odd: a step moves the even layers, then the odd ones, which see them: T and
                            # K can be half as large
nudge = "outside"           # where beta (y - s) enters the output: outside | inside the activation
# readout = "squared"       # squared: outputs are neurons, squared error | softmax: cross-entropy; has no nudge of its own
# dt = 0.25                 # time step, {network.dt}; leaky and energy need it, prototypical has none
initial_scale = 1.0         # first weights and biases are uniform within initial_scale / sqrt(fan-in)

[rule]
name = "cep"                # ep: one update after the nudged phase | symmetric_ep: one after a phase with +beta and one with -beta
                            # cep: an update at every nudged step | holomorphic_ep: one after phases whose nudges lie on a circle in
                            # the complex plane; its states are complex
T = 20                      # steps of the free phase, in which the states settle
K = 8                       # steps of the nudged phase, in which the output is pulled to the target
beta = 0.2                  # strength of that pull
# batch = 1                 # samples whose contrasts are summed, in a memory as wide as it must be, before the weights take
                            # their mean; for all but cep
# points = 4                # of holomorphic_ep: how many nudges the circle has, {rule.points}; needed there
# periods = 3               # of holomorphic_ep: without phases, the nudge goes round so often, K steps at each point, {rule.periods}
# accumulate = true         # of holomorphic_ep: the points' contrasts are summed before the weights take them; false: each at once
# feedback = "tied"         # what carries activity back: tied: the same weights | vector_field, kolen_pollack: weights of
                            # their own, each with its own update, or with the same one (needs weight_decay)
# angle = 0                 # degrees between forward and separate backward weights at the start, {rule.angle}
# weight_decay = 0          # part of itself that a weight loses at each update, such as 0.0001
# sign = "fixed"            # random: plus or minus beta, drawn for every sample; for ep and cep
learning_rates = [0.01, 0.005] # one per synapse layer, or one number for all

# A format is a sign, all bits, fraction bits: "s16.14" is signed, 16 bits, 14 of them fraction; "u8.8" holds 0 to 255/256.
# Each is one text for all layers, or a list. Sums need no format: they are as wide as they must be.
[formats]
input = "u8.8"              # input values
state = ["u8.8", "s10.8"]   # neuron states; a nudge from outside takes the output a little below 0 and above 1
weight = "s16.14"           # weights as stored and learnt
# weight_read = "s16.14"    # what the multipliers see: the top bits of weight; "s10.8" of "s16.14"
# bias = "s16.14"           # biases as stored; as weight unless given
drive = "s10.7"             # the sum of all inputs of a neuron; indexes the table of the logistic function
rate = "u16.16"             # holds learning rate / beta
nudge = "s16.12"            # holds beta
# step = "u8.8"             # holds dt
# decay = "u8.20"           # holds weight_decay
# velocity = "s16.18"       # velocities, with momentum: as many fraction bits below the weight's in all layers

# TRN (down) | TRN_ZERO | RND (to nearest, ties up) | RND_ZERO | RND_INF | RND_MIN_INF | RND_CONV (ties to even) |
# RND_CONV_ODD | STOCHASTIC (up as often as the dropped bits say: small updates count on average)
[rounding]
state = "RND"               # a neuron's new state
drive = "RND"               # a neuron's sum of inputs
weight = "RND"              # a weight's update

# WRAP (drop upper bits) | SAT (to the bound) | SAT_SYM (to the bound, symmetric) | SAT_ZERO (to 0)
[overflow]
state = "SAT"               # a neuron's new state
drive = "SAT"               # a neuron's sum of inputs
weight = "SAT"              # a weight after its update

[hardware]
lanes = 16                  # synapses processed per clock cycle: more is faster and larger; {hardware.lanes}
# skip_still = true         # passes that would change nothing are left out; false: constant latency

[training]
epochs = 40                 # passes over the training set
# momentum = 0.9            # what is left of a weight's velocity at the next update, {training.momentum}; for all rules but cep,
                            # with tied feedback; weights then round STOCHASTIC unless said otherwise
# rate_milestones = [20, 30] # after these epochs the learning rates fall, up to seven of them
# rate_gamma = 0.5          # to this part of what they were
seed = 1                    # keys the first weights, the order of samples and stochastic rounding
# train_samples = 1000      # only the first so many; all unless given
# test_samples = 500        # only the first so many; all unless given

# [noise]
# sigma = 0.04              # standard deviation of Gaussian noise on every neuron's drive in nudged steps, {noise.sigma}

[data]
source = "digits"           # digits: 8x8 images, built in | idx: the four files of MNIST | cifar10, cifar100: their binary files
                            # imagenet32: the NPZ files of downsampled ImageNet
                            # npz: x_train, y_train, x_test, y_test; docs/data.md says what each must hold
# path = "data/mnist"       # folder of the files, or the one file, from the working directory; not for digits
# scale = 1.0               # an input is (x + offset) * scale of a loaded x, 0 to 1 for bytes; one number, or a list with
# offset = 0.0              # one for each channel or for each value; values of both signs want a signed input format
# flip = false              # true: training images are turned left for right, with a probability of one half
# crop = 0                  # training images are padded by so many places, {data.crop}, and a random window is cut out
# crop_fill = "zeros"       # what they are padded with: zeros | edge: the nearest place of the image; only with crop
"#;
