//! The bit-accurate reference model.
//!
//! [`golden`] is the specification, executable: plain loops over 64-bit integers, one line per equation. [`fast`] is
//! what trains: the same integers by blocked SIMD kernels. A test holds one against the other. Both show every
//! committed state and weight to an [`Observer`].

pub mod bench;
pub mod brought;
pub mod checkpoint;
#[cfg(test)]
mod convolution;
pub mod counters;
pub mod fast;
pub mod golden;
pub mod neuron;
pub mod observer;
pub mod profile;
pub mod sealed;
pub mod spent;
mod together;
pub mod train;
pub mod turned;
pub mod weights;

pub use observer::{Inner, Observer, Quantity, SampleEnd, Silent, Stage, StepView, WeightSource};
pub use weights::Weights;
