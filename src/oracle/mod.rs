//! The oracle: the same networks and the same phase programs in 64-bit floating point.
//!
//! What the integers of [`reference`](mod@crate::reference) approximate. A [`FloatNetwork`] says how neurons move, a
//! [`Parameters`] holds what synapses know (and, being a vector space, what they learn and what the gradient is), an
//! [`Oracle`] runs [`rules::Program`](crate::rules::Program)s on both. [`bptt`] differentiates the same step function
//! by hand, backwards through time; [`measure`] says how far two gradients are apart; [`train`] trains.
//!
//! Where the equations come from: Ernoult et al. 2019 (arXiv 1905.13633) for prototypical and energy-based dynamics,
//! Ernoult et al. 2020 (arXiv 2005.04168) for continual updates and separate backward weights, Laborieux et al. 2021
//! (arXiv 2006.03824) for the nudge inside the activation and symmetric nudging.
//!
//! Vectors: a state vector holds layers 1 to L, one after the other, as the reference's does. The clamped input is
//! not in it; it is given as what the synapses see of it ([`input_value`](crate::data::input_value)).

pub mod bptt;
mod dynamics;
pub mod holomorphic;
mod learn;
pub mod measure;
mod network;
mod parameters;
mod run;
mod synapses;
pub mod train;

pub use dynamics::{Drives, Stimulus};
pub use network::{FloatNetwork, Moment, Places, Squash};
pub use parameters::{LayerParameters, Parameters};
pub use run::{Oracle, Phase, Record, Unwatched, Watch};
